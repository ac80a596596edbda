"""The limits of a key."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tap_constantcontact.limits.tuning import SPACING


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """The limits of a key that a run keeps to.

    Documented in the vendor's guide: an application's key may send 4 requests a second and 10,000 a
    day, across all its accounts and tokens; the day begins at 00:00 UTC. A partner's key may send
    10 a second and 250,000 a day. No response says how much is left.

    Attributes:
        rate: Requests a second of the key; below 1, one request in 1 / `rate` seconds.
        daily_limit: Requests a day of the key.
        daily_share: The account's part of the day, from 0 to 1; None for no part of its own.
    """

    rate: float
    daily_limit: int
    daily_share: float | None = None

    @property
    def burst(self) -> int:
        """Maximum number of requests in a period."""
        return max(1, math.floor(self.rate))

    @property
    def period(self) -> float:
        """The sliding period that the limit holds for, in seconds."""
        return max(1.0, 1 / self.rate)

    @property
    def spacing(self) -> float:
        """Minimum number of seconds between two requests."""
        return self.period / self.burst * SPACING

    @property
    def a_day(self) -> int:
        """Maximum number of requests a day of the account."""
        share = 1.0 if self.daily_share is None else self.daily_share
        return math.floor(self.daily_limit * share)
