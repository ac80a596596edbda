"""The key's pace: the maximum number of requests that the server may see in any second.

Documented in the vendor's guide: an application's key may send 4 requests a second, across all its
accounts and tokens.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.transport.turns import Turns

MARGIN = 0.003
"""Fraction by which the limit's period is lengthened, as a safety margin."""

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

WIDER = 0.005
"""Increase of the margin for each period of the last minute in which the server throttled."""

WIDEST = 0.035
"""Maximum margin, as a fraction of the period."""

MINUTE = 60.0
"""Seconds after which a throttled response no longer widens the margin."""

SPACING = 0.2
"""Minimum spacing of requests, as a fraction of even spacing, so that bursts do not queue up."""


@dataclass(eq=False)
class Departure:
    """A request that counts against the limit.

    Attributes:
        left: When it was written to the socket, in seconds of the monotonic clock.
        lateness: Maximum assumed delay on its way to the server, in seconds.
        until: When it stops counting; infinity before it is sent.
    """

    left: float = math.inf
    lateness: float = 0.0
    until: float = math.inf


class Pace:
    """Limits how many requests reach the server in any second.

    The server limits a sliding second. A request counts from the time it was written to the socket,
    not from the time it was allowed to go, because a busy machine may pause in between. It counts
    for longer if it may have been delayed on its way: by the difference between its latency and the
    lowest latency so far, up to its share of the delay allowance.

    Args:
        rate: Requests a second; below 1, one request in 1 / `rate` seconds.
        turns: Decides which of the waiting threads goes first.
        clock: Tells the time and waits.

    Example:
        >>> pace = Pace(4)
        >>> with pace.departure() as departure:
        ...     pass  # write the request to the socket
        >>> pace.answered(departure)
    """

    def __init__(self, rate: float, turns: Turns | None = None, clock: Clock = SYSTEM) -> None:
        self.rate = rate
        self._burst = max(1, math.floor(rate))
        self._period = max(1.0, 1 / rate)
        self._throttled: deque[float] = deque()
        self._departures: list[Departure] = []
        self._spaced_until = -math.inf
        self._least_latency = math.inf
        self._answers = 0
        self._saved = 0.0
        self._turns = turns or Turns()
        self._changed = self._turns.changed
        self._clock = clock

    def throttled(self) -> None:
        """Widen the margin, as the server received requests less evenly than they were sent."""
        with self._changed:
            now = self._clock.monotonic()
            if not self._throttled or self._throttled[-1] + self._period <= now:
                self._throttled.append(now)

    @contextmanager
    def departure(self) -> Iterator[Departure]:
        """Wait until a request may be sent; send it within this context.

        Raises:
            AbandonedError: Its response is no longer needed.
        """
        departure = Departure()
        with self._changed:
            self._turns.come_back()
            while (delay := self._delay()) > 0:
                self._clock.wait(self._changed, delay if delay < math.inf else None)
            self._departures.append(departure)
            self._spaced_until = self._clock.monotonic() + self._period / self._burst * SPACING
            self._turns.step_aside()
        try:
            yield departure
        finally:
            with self._changed:
                departure.left = self._clock.monotonic()
                departure.lateness = max(0.0, LATENESS + self._saved / SPREAD)
                counts_for = self._period * (1 + self._margin(departure.left))
                departure.until = departure.left + departure.lateness + counts_for
                self._changed.notify_all()

    def answered(self, departure: Departure) -> None:
        """Shorten the time that a request counts, now that its latency bounds its delay."""
        with self._changed:
            latency = self._clock.monotonic() - departure.left
            self._least_latency = min(self._least_latency, latency)
            self._answers += 1
            if self._answers <= LEARNING:
                return
            lateness = min(latency - self._least_latency, departure.lateness)
            departure.until -= departure.lateness - lateness
            self._saved = min(self._saved + LATENESS - lateness, SAVINGS)
            self._changed.notify_all()

    def _delay(self) -> float:
        """Return the seconds until a request may be sent; infinity while earlier work is due."""
        if not self._turns.is_mine():
            return math.inf
        now = self._clock.monotonic()
        self._departures = [one for one in self._departures if one.until > now]
        if len(self._departures) < self._burst:
            return self._spaced_until - now
        return min(one.until for one in self._departures) - now

    def _margin(self, now: float) -> float:
        while self._throttled and self._throttled[0] + MINUTE <= now:
            self._throttled.popleft()
        return min(MARGIN + WIDER * len(self._throttled), WIDEST)
