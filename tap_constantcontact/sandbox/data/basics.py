"""Rows, the forms in which the API writes an instant, and what an account grows from."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import inf
from typing import Any

Row = dict[str, Any]

Span = tuple[float, float]
"""What lies between two instants, in seconds since the epoch."""

EVER: Span = (-inf, inf)

FIRST_NEWSLETTER = datetime(2024, 7, 2, 14, tzinfo=timezone.utc)
OPENED = FIRST_NEWSLETTER - timedelta(days=400)
"""When an account was opened."""

FIRST_TICK = datetime(1582, 10, 15, tzinfo=timezone.utc)
"""From when on ids of version 1 count the time, in tenths of a microsecond."""

TICKS_A_SECOND = 10_000_000

EASTERN = timezone(timedelta(hours=-5))
FIRST_NAMES = ("Ada", "Ben", "Chloé", "Dmitri", "Elif", "Fatou", "Grace", "Hiro", "Inés", "Jonas")
LAST_NAMES = ("Abbott", "Brandão", "Castillo", "Diallo", "Egede", "Fischer", "Güneş", "Hoang")
CITIES = (("Boston", "MA", "02110"), ("Chicago", "IL", "60609"), ("Denver", "CO", "80202"))
STATES = {"MA": "Massachusetts", "IL": "Illinois", "CO": "Colorado"}


@dataclass(frozen=True)
class Seed:
    """What an account grows from: the same seed gives the same keys and the same chances.

    Attributes:
        number: The number that a user or a test gives.
    """

    number: int

    def key(self, *name: object) -> str:
        """Return the UUID of a named thing, of version 4, as those of campaigns (recorded)."""
        return str(uuid.UUID(int=self.chance("key", *name).getrandbits(128), version=4))

    def dated_key(self, made: datetime, *name: object) -> str:
        """Return the UUID of a named thing, of version 1, which tells the second it was made in.

        So do those of contacts, lists, tags, custom fields, bulk jobs, phone numbers and addresses.
        (Recorded.)
        """
        seconds = (made - FIRST_TICK) // timedelta(seconds=1)
        rng = self.chance("key", *name)
        ticks = seconds * TICKS_A_SECOND + rng.randrange(TICKS_A_SECOND)
        low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48
        sequence = rng.getrandbits(8), rng.getrandbits(8)
        node = self.chance("node").getrandbits(48)
        return str(uuid.UUID(fields=(low, middle, high, *sequence, node), version=1))

    def chance(self, *name: object) -> random.Random:
        """Return the random numbers of a named thing, from their beginning."""
        return random.Random(":".join(map(str, (self.number, *name))))


def parse(text: str) -> datetime:
    """Read one of the forms in which the account writes a date or date-time."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def is_in(span: Span, text: str | None) -> bool:
    """Tell whether an instant is in a span; none is in every span but all of time."""
    return span == EVER or (text is not None and span[0] < parse(text).timestamp() < span[1])


def newest_first(events: Sequence[Row]) -> list[Row]:
    """Return events in the API's order; of several in one instant, the one added last comes first.

    Args:
        events: The events, in the order in which they were added.
    """
    return sorted(events, key=lambda row: parse(row["created_time"]))[::-1]


def write(instant: datetime, form: int = 0) -> str:
    """Write an instant in one of three forms: milliseconds in UTC, seconds in UTC or in Boston."""
    if form == 0:
        return instant.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"
    if form == 1:
        return instant.astimezone(timezone.utc).isoformat(timespec="seconds")[:-6] + "Z"
    return instant.astimezone(EASTERN).isoformat(timespec="seconds")
