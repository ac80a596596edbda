"""The key's pace: the most requests that the server may see in any second.

Documented in the vendor's guide: an application's key may send 4 requests a second, whatever
accounts and tokens it serves.
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
"""Share by which the period of the limit is stretched."""

LATENESS = 0.015
"""Allowance for the delay of a request on its way to the server, on average, in seconds.

A request that is late on its way makes the next ones come early by as much, as the server sees it.
"""

LEARNING = 10
"""Number of responses after which the quickest so far counts as the quickest possible."""

SPREAD = 10
"""Number of requests over which unused delay allowance is paid out."""

SAVINGS = 2.5
"""Largest sum of unused delay allowance, in seconds."""

WIDER = 0.005
"""Growth of the margin for each second of the last minute in which the server throttled."""

WIDEST = 0.035
"""Largest margin."""

MINUTE = 60.0
"""Seconds after which a throttled response no longer widens the margin."""

SPACING = 0.2
"""Share of an even distance that departures keep, or a burst of them would queue at the server."""


@dataclass(eq=False)
class Departure:
    """A request that counts against the limit.

    Attributes:
        left: When it was on the wire.
        lateness: Seconds that it may have taken to reach the server.
        until: When it stops counting; infinity before it has left.
    """

    left: float = math.inf
    lateness: float = 0.0
    until: float = math.inf


class Pace:
    """Limits how many requests reach the server in any second.

    The server limits a sliding second. A request counts from the time it was on the wire, not from
    the time it was allowed to go, as a busy machine may pause in between. It counts longer by the
    delay that it may have had on its way: as much as its response was slower than the quickest
    one, as far as the delay allowance reaches.

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
        """Wait until a request may leave, then have it written within the context.

        Raises:
            AbandonedError: Nobody waits for its response any more.
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
        """Shorten the time that a request counts, now that its largest possible delay is known."""
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
        """Return the seconds until a request may leave; infinity while earlier work goes first."""
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
