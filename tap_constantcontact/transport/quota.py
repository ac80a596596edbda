"""The key's day, and the budget of a run.

Documented in the vendor's guide: an application's key may send 10,000 requests a day, whatever
accounts and tokens it serves; the day turns at 00:00 UTC. Nothing in a response tells how much is
left.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import NoReturn

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import DayClosedError, FatalAPIError, LimitReachedError

SECONDS_A_DAY = 86_400

RESERVE = 100
"""Number of the last requests of a budget or a day that are given to one parent after another.

Parents that are read side by side would share them, and none might get all that it needs.
"""

AFTER_MIDNIGHT = 1.0
"""Seconds past 00:00 UTC at which the first request of a day goes out."""

POLL = 1.0
"""Seconds between two looks at the clock, which may jump, while a new day is waited for."""


class Quota:
    """Counts requests, and admits none that exceeds the day or the run's budget.

    Args:
        daily_limit: Requests a day.
        budget: Requests in this run, or None for no such limit.
        on_daily_limit: What to do when the day is spent: `stop`, `wait` or `fail`.
        lag: Tells by how many seconds the API's clock is behind ours.
        clock: Tells the time and waits.

    Attributes:
        spent: Requests sent in this run, retries too.
        first: When the first request left, in seconds of the monotonic clock.
        last: When the last one did.
    """

    def __init__(
        self,
        daily_limit: int,
        budget: int | None,
        on_daily_limit: str,
        lag: Callable[[], float] = lambda: 0.0,
        clock: Clock = SYSTEM,
    ) -> None:
        self.daily_limit = daily_limit
        self.budget = budget
        self.spent = 0
        self.first = self.last = 0.0
        self._on_daily_limit = on_daily_limit
        self._lag = lag
        self._clock = clock
        self._changed = threading.Condition()
        self._today = self._day()
        self._spent_today = 0
        self._closed_until: float | None = None
        self._probe: int | None = None
        self._end: Exception | None = None
        self._sent = threading.local()
        self._logger = logging.getLogger(__name__)

    @property
    def pace(self) -> float:
        """Requests a second, from the first to the last."""
        return (self.spent - 1) / (self.last - self.first) if self.last > self.first else 0.0

    @property
    def left_today(self) -> int:
        """Requests that this run's count leaves of the day."""
        return self.daily_limit - (self._spent_today if self._today == self._day() else 0)

    @property
    def is_scarce(self) -> bool:
        """Whether the run soon ends for want of requests."""
        left = [] if self._on_daily_limit == "wait" else [self.left_today]
        if self.budget is not None:
            left.append(self.budget - self.spent)
        return min(left, default=math.inf) <= RESERVE

    @contextmanager
    def at_most(self, requests: int) -> Iterator[None]:
        """Admit no more than a number of requests within the context."""
        budget, end = self.budget, self._end
        self.budget = self.spent + requests
        try:
            yield
        finally:
            self.budget, self._end = budget, end

    def admit(self, before_waiting: Callable[[], None] = lambda: None) -> None:
        """Wait until there is room for a request.

        Args:
            before_waiting: Is called before a new day is waited for.

        Raises:
            LimitReachedError: There is none; the run ends well, to be continued.
            FatalAPIError: There is none, and `on_daily_limit` is `fail`.
        """
        with self._changed:
            while not self._has_room():
                left = (self._closed_until or 0.0) - self._clock.now()
                if left <= 0 and self._probe is None:
                    self._probe = threading.get_ident()
                else:
                    before_waiting()
                    self._clock.wait(self._changed, min(left, POLL) if left > 0 else POLL)

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
            self.last = self._clock.monotonic()
            self.first = self.first or self.last
            self.spent += 1
            self._spent_today += 1
            self._sent.at = self._clock.now()

    @property
    def sent_at(self) -> float:
        """When this thread's last request left, in seconds since the epoch."""
        return float(self._sent.at)

    def close(self, end: Exception) -> None:
        """Admit no more requests, as the run has failed."""
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
        """Return whether a request may leave now; raise where none may in this run."""
        if self._end:
            raise self._end
        if self.budget is not None and self.spent >= self.budget:
            self._close(LimitReachedError(f"The run's budget is spent ({self.budget})"))
        if (today := self._day()) != self._today:
            self._today, self._spent_today = today, 0
        if self._closed_until is None and self._spent_today >= self.daily_limit:
            self._close_day(today)
        return self._closed_until is None or self._probe == threading.get_ident()

    def _close_day(self, day: int) -> None:
        """Admit nothing before the day is over, by the server's clock where that is behind."""
        midnight = (day + 1) * SECONDS_A_DAY
        when = datetime.fromtimestamp(midnight, timezone.utc)
        if self._on_daily_limit == "wait":
            if self._closed_until is None or self._closed_until < midnight:
                self._logger.warning(
                    "The day's quota of requests is spent. Waiting until %s", _utc(when)
                )
            self._closed_until = midnight + self._lag() + AFTER_MIDNIGHT
            return
        said = f"The day's quota of requests is spent, until {_utc(when)}"
        if self._on_daily_limit == "stop":
            self._close(LimitReachedError(said))
        self._close(FatalAPIError(f"{said}. Run again then with the last state."))

    def _close(self, end: Exception) -> NoReturn:
        self._end = end
        raise end

    def _day(self, instant: float | None = None) -> int:
        return int((self._clock.now() if instant is None else instant) // SECONDS_A_DAY)


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
