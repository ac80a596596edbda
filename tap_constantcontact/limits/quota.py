"""What a run does when the key's daily quota, or its own request budget, is used up."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import NoReturn

from tap_constantcontact.clock import SECONDS_A_DAY, SYSTEM, Clock
from tap_constantcontact.exceptions import DayClosedError, FatalAPIError, LimitReachedError
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.tuning import DAY_POLL, RESERVE
from tap_constantcontact.limits.turns import Turns


class Quota:
    """Counts a run's requests, and admits none beyond its budget or on a day that is used up.

    Args:
        budget: Maximum number of requests in this run; None for no maximum.
        on_daily_limit: What to do when the daily quota is used up: `stop`, `wait` or `fail`.
        turns: The order of the requests; the threads that wait in it are woken when the run ends.

    Attributes:
        spent: Number of requests sent in this run, retries included.

    Example:
        >>> from tap_constantcontact.limits.ledger import Client
        >>> from tap_constantcontact.limits.stores.store import MemoryStore
        >>> from tap_constantcontact.limits.key import KeyLimits
        >>> limits = KeyLimits(4, daily_limit=10_000)
        >>> permits = Permits(MemoryStore(), limits, lambda: Client("run", ""))
        >>> quota = Quota(permits, budget=1, on_daily_limit="stop", turns=Turns())
        >>> with quota.admitted():
        ...     quota.count()
        >>> with quota.admitted():
        ...     quota.count()
        Traceback (most recent call last):
        tap_constantcontact.exceptions.LimitReachedError: The run's request budget is used up (1)
    """

    def __init__(
        self,
        permits: Permits,
        budget: int | None,
        on_daily_limit: str,
        turns: Turns,
        clock: Clock = SYSTEM,
    ) -> None:
        self.budget = budget
        self.spent = 0
        self._first_at = self._last_at = 0.0  # by the monotonic clock
        self._permits = permits
        self._on_daily_limit = on_daily_limit
        self._turns = turns
        self._changed = turns.changed
        self._clock = clock
        self._closed_until: float | None = None
        self._probe: int | None = None
        self._end: Exception | None = None
        self._sent = threading.local()
        self._logger = logging.getLogger(__name__)

    @property
    def pace(self) -> float:
        """Average requests a second, between the first request and the most recent."""
        seconds = self._last_at - self._first_at
        return (self.spent - 1) / seconds if seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Number of requests that the run may still send, as last told; infinite if it waits."""
        left = [] if self._on_daily_limit == "wait" else [self._permits.left_today]
        if self.budget is not None:
            left.append(self.budget - self.spent)
        return min(left, default=math.inf)

    @property
    def is_scarce(self) -> bool:
        """Whether the run is about to end because its requests run out."""
        return self.left <= RESERVE

    @contextmanager
    def at_most(self, requests: int) -> Iterator[None]:
        """Admit at most `requests` requests within the context."""
        budget, end = self.budget, self._end
        self.budget = self.spent + requests
        try:
            yield
        finally:
            self.budget, self._end = budget, end

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Wait, for a new day if need be, until a request may be sent; send it within this context.

        Later work goes ahead meanwhile.

        Raises:
            LimitReachedError: None may be sent in this run; the next run resumes.
            FatalAPIError: None may be sent today, and `on_daily_limit` is `fail`.
        """
        with self._changed:
            while not self._has_room():
                left = (self._closed_until or 0.0) - self._clock.now()
                if left <= 0 and self._probe is None:
                    self._probe = threading.get_ident()
                else:
                    self._turns.step_aside()
                    self._clock.wait(self._changed, min(left, DAY_POLL) if left > 0 else DAY_POLL)
        try:
            yield
        except Exception:
            self.unanswered()
            raise

    def check(self) -> None:
        """Check that an admitted request may still be sent.

        Raises:
            DayClosedError: The quota was used up since then: admit the request again.
            LimitReachedError: The same, and the run ends; the next run resumes.
            FatalAPIError: The same, and `on_daily_limit` is `fail`.
        """
        with self._changed:
            if not self._has_room():
                raise DayClosedError

    def count(self) -> None:
        """Count a request that is about to be sent."""
        with self._changed:
            self._last_at = self._clock.monotonic()
            self._first_at = self._first_at or self._last_at
            self.spent += 1
            self._sent.at = self._clock.now()

    @property
    def sent_at(self) -> float:
        """When this thread's last request was sent, in seconds since the epoch."""
        return float(self._sent.at)

    def close(self, end: Exception) -> None:
        """Admit no more requests, because the run has failed."""
        with self._changed:
            self._end = self._end or end
            self._changed.notify_all()
            self._turns.wake_next()

    def refused(self) -> None:
        """Note that the API refused this thread's last request: the daily quota is used up."""
        with self._changed:
            self._probe = None
            now = self._clock.now()  # if the clock jumps after that, the wait is not longer
            opens_in = self._permits.close_day(max(0.0, now - self.sent_at))
            if opens_in > 0:
                self.close_day(now + opens_in)

    def close_day(self, opens_at: float) -> None:
        """Admit nothing before a new day, from `opens_at` on, in seconds since the epoch.

        Raises:
            LimitReachedError: The run ends; the next run resumes.
            FatalAPIError: The run ends, as `on_daily_limit` is `fail`.
        """
        with self._changed:
            midnight = opens_at // SECONDS_A_DAY * SECONDS_A_DAY
            day = f"{datetime.fromtimestamp(midnight, timezone.utc):%Y-%m-%d %H:%M} UTC"
            if self._on_daily_limit == "wait":
                if self._closed_until is None or self._closed_until < midnight:
                    self._logger.warning(
                        "The daily request quota is used up. Waiting until %s", day
                    )
                self._closed_until = opens_at
                return
            reason = f"The daily request quota is used up until {day}"
            if self._on_daily_limit == "stop":
                self._close(LimitReachedError(reason))
            self._close(FatalAPIError(f"{reason}. Run again then with the last state."))

    def answered(self) -> None:
        """Note that this thread's request was within the API's daily quota."""
        with self._changed:
            if self._probe == threading.get_ident():
                self._probe = self._closed_until = None
                self._logger.info("The daily request quota is available again")
                self._changed.notify_all()

    def unanswered(self) -> None:
        """Note that it is not known whether this thread's request was within the daily quota."""
        with self._changed:
            if self._probe == threading.get_ident():
                self._probe = None
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Return whether a request may be sent now; raise if none may be sent in this run."""
        if self._end:
            raise self._end
        if self.budget is not None and self.spent >= self.budget:
            self._close(LimitReachedError(f"The run's request budget is used up ({self.budget})"))
        return self._closed_until is None or self._probe == threading.get_ident()

    def _close(self, end: Exception) -> NoReturn:
        self._end = end
        raise end
