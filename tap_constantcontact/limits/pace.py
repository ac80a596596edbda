"""The key's pace: the maximum number of requests that the server may see in any second."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import DayClosedError
from tap_constantcontact.limits.ledger import Correction, DayUsedUp, Permit
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.tuning import (
    AT_FIRST,
    LATENESS,
    LEARNING,
    SAVINGS,
    SPREAD,
    WITHIN_MARGIN,
    WORTH_TELLING,
)
from tap_constantcontact.limits.turns import Turns


@dataclass(eq=False)
class Departure:
    """A request that counts against the limit, by a number that no other run of the key gives.

    Attributes:
        left: When it was written to the socket, in seconds of the monotonic clock.
        lateness: Maximum assumed delay on its way to the server, in seconds.
        leaves_room: Whether so many requests are still free that it need not be corrected when its
            response has arrived.
        late: Seconds by which it left later than the ledger knows.
    """

    number: int
    left: float
    lateness: float
    leaves_room: bool
    late: float = 0.0


class Pace:
    """Limits how many requests of all runs of a key reach the server in any second.

    The server limits a sliding second. A request counts from the time it was written to the socket,
    not from the time it was allowed to go, because a busy machine may pause in between. It counts
    for longer if it may have been delayed on its way: by the difference between its latency and the
    lowest latency so far, up to its share of the delay allowance.

    Example:
        >>> from tap_constantcontact.limits.key import KeyLimits
        >>> from tap_constantcontact.limits.ledger import Client
        >>> from tap_constantcontact.limits.stores.store import MemoryStore
        >>> limits = KeyLimits(4, daily_limit=10_000)
        >>> permits = Permits(MemoryStore(), limits, lambda: Client("run", ""))
        >>> turns = Turns()
        >>> pace = Pace(permits, Quota(permits, None, "stop", turns), turns)
        >>> with pace.departure() as departure:
        ...     pass  # write the request to the socket
        >>> pace.answered(departure)
    """

    def __init__(self, permits: Permits, quota: Quota, turns: Turns, clock: Clock = SYSTEM) -> None:
        self._permits = permits
        self._quota = quota
        self._turns = turns
        self._changed = turns.changed
        self._clock = clock
        self._ask_again_at = -math.inf
        self._least_latency = math.inf
        self._answers = 0
        self._saved = AT_FIRST
        self._corrections: list[Correction] = []

    @contextmanager
    def departure(self) -> Iterator[Departure]:
        """Wait until a request may be sent; send it within this context.

        Raises:
            AbandonedError: Its response is no longer needed.
            DayClosedError: The daily quota is used up: admit the request again.
            LimitReachedError: No more may be sent in this run; the next run resumes.
            FatalAPIError: The daily quota is used up, and `on_daily_limit` is `fail`, or the limits
                that runs share cannot be kept.
        """
        with self._changed:
            self._turns.come_back()
            while not isinstance(departure := self._permitted(), Departure):
                self._turns.wait(self._clock, departure)
            self._quota.count()
            self._turns.step_aside()
        try:
            yield departure
        finally:
            departure.late = self._clock.monotonic() - departure.left
            departure.left += departure.late
            if departure.late > WITHIN_MARGIN:
                self._permits.correct(
                    Correction(departure.number, departure.late, departure.lateness)
                )
                departure.late = 0.0

    def answered(self, departure: Departure) -> None:
        """Shorten the time that a request counts, now that its latency bounds its delay."""
        lateness = departure.lateness
        with self._changed:
            latency = self._clock.monotonic() - departure.left
            self._least_latency = min(self._least_latency, latency)
            self._answers += 1
            if self._answers > LEARNING:
                lateness = min(latency - self._least_latency, lateness)
                self._saved = min(self._saved + LATENESS - lateness, SAVINGS)
        counts = latency < self._permits.limits.period + departure.lateness
        change = max(departure.late, departure.lateness - lateness)
        if not counts or change <= WORTH_TELLING or departure.leaves_room:
            return
        correction = Correction(departure.number, departure.late, lateness)
        with self._changed:
            self._ask_again_at = -math.inf
            if self._turns.wake_next():
                self._corrections.append(correction)
                return
        self._permits.correct(correction)

    def _permitted(self) -> Departure | float | None:
        """Return a departure, the seconds to wait for one, or None while earlier work is due."""
        if not self._turns.is_mine():
            return None
        self._quota.check()
        now = self._clock.monotonic()
        if now < self._ask_again_at:
            return self._ask_again_at - now
        asked_at = self._clock.now()
        lateness = max(0.0, LATENESS + self._saved / SPREAD)
        corrections, self._corrections = self._corrections, []
        taken = self._permits.take(lateness, corrections)
        if isinstance(taken, Permit):
            self._ask_again_at = now + taken.next_in
            return Departure(taken.number, now, lateness, taken.leaves_room)
        if isinstance(taken, DayUsedUp):
            self._quota.close_day(asked_at + taken.opens_in)
            raise DayClosedError
        self._ask_again_at = now + taken.wait
        return taken.wait
