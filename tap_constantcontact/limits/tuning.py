"""The numbers by which requests are paced, and the reasons for them.

For example, the first four requests of a key with 4 requests a second leave 0.05 seconds apart, a
fifth of even spacing. Each counts for 1.003 seconds, and for 0.115 more in which it may still be on
its way. The fifth leaves when the first counts no more: 1.118 seconds after it.
"""

from __future__ import annotations

# The server's limit of a second

SPACING = 0.2
"""Minimum spacing of requests, as a fraction of even spacing, so that bursts do not queue up."""

PERIOD_MARGIN = 0.003
"""Fraction by which the limit's period is lengthened, as a safety margin."""

WIDER = 0.005
"""Increase of the margin for each period of the last minute in which the server throttled."""

WIDEST = 0.035
"""Maximum margin, as a fraction of the period."""

THROTTLE_MEMORY = 60.0
"""Seconds after which a throttled response no longer widens the margin."""

FINEST = 50
"""Number of parts of a period: at more requests a period, those of a part are counted together."""

# The delay of requests on their way

LATENESS = 0.015
"""Average delay on the way to the server to allow for each request, in seconds.

If a request is delayed on its way, the server sees the next ones come sooner after it, by as much.
"""

LEARNING = 10
"""Number of responses after which the lowest latency so far counts as the lowest possible."""

SPREAD = 10
"""Number of requests over which unused delay allowance is paid out."""

SAVINGS = 2.5
"""Maximum sum of unused delay allowance, in seconds."""

AT_FIRST = 1.0
"""Sum of delay allowance to begin with, in seconds, as a machine that starts runs is busy."""

WORTH_TELLING = 0.001
"""Seconds by which a departure must have changed to be corrected for all runs."""

WITHIN_MARGIN = 0.0015
"""Seconds by which a request may leave late and be corrected only when its response has arrived.

Until then, half of the period's margin covers it.
"""

# The queue of runs

QUEUE_POLL = 0.02
"""Seconds after which to ask again for a permit that an answer to another run may set free."""

LATE = 0.1
"""Seconds after which a run that does not ask again as announced loses its place in the queue."""

# The day

MIDNIGHT = 3.0
"""Seconds around 00:00 UTC in which a request counts for both days, as clocks differ."""

RESERVE = 100
"""Number of requests left in a budget or a day below which parents are read one at a time.

Parents read concurrently would share these last requests, and none might get all that it needs.
"""

DAY_POLL = 1.0
"""Seconds between two readings of the clock while waiting for a new day, as a clock may jump."""

# A store that fails

OUTAGE = 30.0
"""Seconds for which a store may fail during a run before the run ends or goes on alone."""

PAUSE = 0.5
"""Seconds between two attempts to use a store that fails."""
