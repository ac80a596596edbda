"""The sandbox's two limits: requests a second and requests a day."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS_A_DAY = 86_400

THROTTLED = {"error_key": "throttled", "error_message": "Too Many Requests"}
QUOTA_EXCEEDED = {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}


@dataclass
class Limits:
    """Limits the requests of one key in any sliding second and in any day, from 00:00 UTC.

    Attributes:
        per_second: Maximum number of requests in a second.
        per_day: Maximum number of requests in a day.
        clock: Returns the seconds since the epoch.
    """

    per_second: float = math.inf
    per_day: float = math.inf
    clock: Callable[[], float] = time.time
    _recent: deque[float] = field(default_factory=deque, repr=False)
    _day: int = 0
    _spent: int = 0

    @property
    def spent_today(self) -> int:
        """Number of requests that were not refused today."""
        return self._spent

    def refuse(self) -> dict[str, str] | None:
        """Count a request, or return the error that refuses it."""
        now = self.clock()
        if (day := int(now // SECONDS_A_DAY)) != self._day:
            self._day, self._spent = day, 0
        if self._spent >= self.per_day:
            return QUOTA_EXCEEDED
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.per_second:
            return THROTTLED
        self._spent += 1
        if self.per_second < math.inf:
            self._recent.append(now)
        return None
