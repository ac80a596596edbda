"""The key's limits: its pace, its day, and the budget of a run.

Documented in the vendor's guide: an application's key may send 4 requests a second and 10,000 a
day, whatever accounts and tokens it serves; the day turns at 00:00 UTC. Nothing in an answer tells
how much is left.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import NoReturn

from singer_sdk.exceptions import FatalAPIError

from tap_constantcontact.turns import Turns

MARGIN = 0.003
"""Share by which a second is stretched."""

LATENESS = 0.015
"""Seconds by which requests, on average, may count as later than they left.

One that is late on its way makes the next ones come early by as much, as the server sees it.
"""

LEARNING = 10
"""Answers after which the quickest so far is taken for as quick as they come."""

SPREAD = 10
"""Requests over which lateness that others did without is spread."""

SAVINGS = 2.5
"""Seconds of it that are kept for them at most."""

WIDER = 0.005
"""What the margin grows by for each second of the last minute in which the server saw too many."""

WIDEST = 0.035

MINUTE = 60.0

SPACING = 0.2
"""Share of an even distance that departures keep, or a burst of them would queue at the server."""

SECONDS_A_DAY = 86_400

RESERVE = 100
"""Number of the last requests of a budget or a day that are given to one contact after another.

Contacts that are read side by side would share them, and none might get all that it needs.
"""

AFTER_MIDNIGHT = 1.0
"""Seconds past 00:00 UTC at which the first request of a day goes out."""

POLL = 1.0
"""Seconds between two looks at the clock, which may jump, while a new day is waited for."""


class LimitReachedError(Exception):
    """No more requests in this run; what is not read yet is read by the next."""


class DayClosedError(Exception):
    """The day was found to be spent while a request waited for its turn: it waits for the next."""


@dataclass(eq=False)
class Departure:
    """A request that counts within the limit.

    Attributes:
        left: When it was on the wire.
        lateness: Seconds after that by which it may have reached the server.
        until: When it counts no more; infinity before it has left.
    """

    left: float = math.inf
    lateness: float = 0.0
    until: float = math.inf


class Pace:
    """Lets only so many requests reach the server in any second.

    The limit of the server is one of a sliding second. What counts is when a request was on the
    wire, not when it might go, as a busy machine may take its time in between; and how late it may
    have arrived, which is by as much as its answer was slower than the quickest ever, as far as the
    pace can afford to count that.

    Args:
        rate: Requests a second; below 1, one in so many seconds.
        turns: Who goes first, of the threads that wait.
    """

    def __init__(self, rate: float, turns: Turns | None = None) -> None:
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
        self._turn = self._turns.changed

    def throttled(self) -> None:
        """Note that the server saw too many: the way there is less even than it was taken for."""
        with self._turn:
            now = time.monotonic()
            if not self._throttled or self._throttled[-1] + self._period <= now:
                self._throttled.append(now)

    @contextmanager
    def departure(self) -> Iterator[Departure]:
        """Begin when a request may leave; it has left at the end.

        Raises:
            AbandonedError: Nobody wants its response any more.
        """
        departure = Departure()
        with self._turn:
            self._turns.come_back()
            while (delay := self._delay()) > 0:
                self._turn.wait(delay if delay < math.inf else None)
            self._departures.append(departure)
            self._spaced_until = time.monotonic() + self._period / self._burst * SPACING
            self._turns.step_aside()
        try:
            yield departure
        finally:
            with self._turn:
                departure.left = time.monotonic()
                departure.lateness = max(0.0, LATENESS + self._saved / SPREAD)
                counts_for = self._period * (1 + self._margin(departure.left))
                departure.until = departure.left + departure.lateness + counts_for
                self._turn.notify_all()

    def answered(self, departure: Departure) -> None:
        """Note that a request is answered, which tells how late it can have been at most."""
        with self._turn:
            latency = time.monotonic() - departure.left
            self._least_latency = min(self._least_latency, latency)
            self._answers += 1
            if self._answers <= LEARNING:
                return
            lateness = min(latency - self._least_latency, departure.lateness)
            departure.until -= departure.lateness - lateness
            self._saved = min(self._saved + LATENESS - lateness, SAVINGS)
            self._turn.notify_all()

    def _delay(self) -> float:
        """Return the seconds until a request may leave; infinity where others must do so first."""
        if not self._turns.is_mine():
            return math.inf
        now = time.monotonic()
        self._departures = [one for one in self._departures if one.until > now]
        if len(self._departures) < self._burst:
            return self._spaced_until - now
        return min(one.until for one in self._departures) - now

    def _margin(self, now: float) -> float:
        while self._throttled and self._throttled[0] + MINUTE <= now:
            self._throttled.popleft()
        return min(MARGIN + WIDER * len(self._throttled), WIDEST)


@dataclass
class Spending:
    """What a run has asked of the API so far.

    Attributes:
        requests: Requests sent, tried-again ones too.
        throttled: Answers that asked for a slower pace.
        retried: Requests sent again for any other reason.
        first: When the first request left, in seconds of the monotonic clock.
        last: When the last one did.
    """

    requests: int = 0
    throttled: int = 0
    retried: int = 0
    first: float = 0.0
    last: float = 0.0

    @property
    def pace(self) -> float:
        """Requests a second, from the first to the last."""
        return (self.requests - 1) / (self.last - self.first) if self.requests > 1 else 0.0


class Quota:
    """Counts requests, and lets none pass that the day or the run's budget does not hold.

    Args:
        daily_limit: Requests a day.
        budget: Requests in this run, or None for no such limit.
        on_daily_limit: What to do when the day is spent: `stop`, `wait` or `fail`.
    """

    def __init__(self, daily_limit: int, budget: int | None, on_daily_limit: str) -> None:
        self.daily_limit = daily_limit
        self.budget = budget
        self.spending = Spending()
        self.clock_lag = 0.0
        self._on_daily_limit = on_daily_limit
        self._changed = threading.Condition()
        self._today = self._day()
        self._spent_today = 0
        self._closed_until: float | None = None
        self._probe: int | None = None
        self._end: Exception | None = None
        self._sent = threading.local()
        self._logger = logging.getLogger(__name__)

    @property
    def left_today(self) -> int:
        """What this run's count leaves of the day."""
        return self.daily_limit - (self._spent_today if self._today == self._day() else 0)

    @property
    def is_scarce(self) -> bool:
        """Whether the run soon ends for want of requests."""
        left = [] if self._on_daily_limit == "wait" else [self.left_today]
        if self.budget is not None:
            left.append(self.budget - self.spending.requests)
        return min(left, default=math.inf) <= RESERVE

    @contextmanager
    def at_most(self, requests: int) -> Iterator[None]:
        """Let no more than so many requests pass within."""
        budget, end = self.budget, self._end
        self.budget = self.spending.requests + requests
        try:
            yield
        finally:
            self.budget, self._end = budget, end

    def admit(self, before_waiting: Callable[[], None] = lambda: None) -> None:
        """Return when there is room for a request.

        Args:
            before_waiting: Is called before a new day is waited for.

        Raises:
            LimitReachedError: There is none: the run ends well, to be continued.
            FatalAPIError: There is none, and `on_daily_limit` is `fail`.
        """
        with self._changed:
            while not self._has_room():
                left = (self._closed_until or 0.0) - time.time()
                if left <= 0 and self._probe is None:
                    self._probe = threading.get_ident()
                else:
                    before_waiting()
                    self._changed.wait(min(left, POLL) if left > 0 else POLL)

    def spend(self) -> None:
        """Count a request, which leaves at once.

        Raises:
            DayClosedError: The day is spent since the request was admitted.
            LimitReachedError: The same, where the run ends well for it.
            FatalAPIError: The same, where the run fails for it.
        """
        with self._changed:
            if not self._has_room():
                raise DayClosedError
            now = time.monotonic()
            self.spending.first = self.spending.first or now
            self.spending.last = now
            self.spending.requests += 1
            self._spent_today += 1
            self._sent.at = time.time()

    @property
    def sent_at(self) -> float:
        """When this thread's last request left, in seconds since the epoch."""
        return float(self._sent.at)

    def close(self, end: Exception) -> None:
        """Let no request pass any more, as the run has failed."""
        with self._changed:
            self._end = self._end or end
            self._changed.notify_all()

    def refused(self) -> None:
        """Note that the API counts the day of this thread's last request as spent."""
        with self._changed:
            self._probe = None
            self._close_day(self._day(self.sent_at))

    def answered(self) -> None:
        """Note that the API has answered a request: the day has room."""
        with self._changed:
            if self._probe == threading.get_ident():
                self._probe = self._closed_until = None
                self._logger.info("A new day's quota of requests is open")
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Tell whether a request may leave now, or that none will any more."""
        if self._end:
            raise self._end
        if self.budget is not None and self.spending.requests >= self.budget:
            self._close(LimitReachedError(f"The run's budget is spent ({self.budget})"))
        if (today := self._day()) != self._today:
            self._today, self._spent_today = today, 0
        if self._closed_until is None and self._spent_today >= self.daily_limit:
            self._close_day(today)
        return self._closed_until is None or self._probe == threading.get_ident()

    def _close_day(self, day: int) -> None:
        """Let nothing pass before the day is over; by the server's clock, should it be behind."""
        midnight = (day + 1) * SECONDS_A_DAY
        when = datetime.fromtimestamp(midnight, timezone.utc)
        if self._on_daily_limit == "wait":
            if self._closed_until is None or self._closed_until < midnight:
                self._logger.warning(
                    "The day's quota of requests is spent. Waiting until %s", _utc(when)
                )
            self._closed_until = midnight + self.clock_lag + AFTER_MIDNIGHT
            return
        said = f"The day's quota of requests is spent, until {_utc(when)}"
        if self._on_daily_limit == "stop":
            self._close(LimitReachedError(said))
        self._close(FatalAPIError(f"{said}. Run again then with the last state."))

    def _close(self, end: Exception) -> NoReturn:
        self._end = end
        raise end

    def _day(self, instant: float | None = None) -> int:
        return int((time.time() if instant is None else instant) // SECONDS_A_DAY)


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
