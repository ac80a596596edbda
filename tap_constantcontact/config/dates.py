"""Dates and date-times: read from texts, and counted in the calendar of a time zone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, cast

import msgspec
import pendulum
from pendulum import Date, DateTime

BEGINNING = pendulum.datetime(1995, 1, 1)
"""A date before any e-mail sent with Constant Contact, which was founded in 1995."""

FIRST_DAY, LAST_DAY = Date(1900, 1, 1), Date(9998, 12, 31)
"""Earliest and latest day of a window. A `datetime` overflows not far beyond them."""

ZONED = Annotated[datetime, msgspec.Meta(tz=True)]
"""A date-time with an offset, as msgspec reads it."""

MOST_DAYS = 36_525
"""Largest number of days to go back: a century."""

_ISO_8601 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?)?",
    re.IGNORECASE,
).fullmatch
"""Matches a date, or a date-time; pendulum reads much else, such as `now`, weeks and durations."""


def parse_instant(value: str, zone: str = "UTC") -> DateTime:
    """Parse a date-time written in full in ISO 8601, or a date, which means its first instant.

    Args:
        value: The text; its offset, seconds and milliseconds are optional.
        zone: The IANA time zone of a text without an offset. The result is in UTC.

    Raises:
        ValueError: The text is neither, or means an instant before the year 1 or after 9999.
    """
    if not _ISO_8601(value):
        raise ValueError(f"{value!r} is neither a date nor a date-time")
    try:
        parsed = pendulum.parse(value, tz=zone, exact=True)
        if isinstance(parsed, DateTime):
            return parsed.in_timezone("UTC")
        return first_instant(cast("Date", parsed), zone)
    except OverflowError as error:
        raise ValueError(f"{value!r} is beyond the calendar") from error


def parse_day(value: str) -> Date:
    """Parse a calendar day written as `YYYY-MM-DD`, or take the day from a date-time.

    A runner may turn any date into a date-time: Meltano makes `20.11.2026` into
    `2026-11-20T00:00:00`. Its time and its offset are ignored.

    Raises:
        ValueError: The text is neither a day nor a date-time.
    """
    parse_instant(value)
    return cast("Date", pendulum.parse(value[: len("YYYY-MM-DD")], exact=True))


def first_instant(day: Date, zone: str) -> DateTime:
    """Return the first instant, in UTC, at which the date in a time zone is `day` or later."""
    midnights = (
        pendulum.datetime(day.year, day.month, day.day, tz=zone, fold=fold) for fold in (0, 1)
    )
    # Of two midnights, the earlier counts. If midnight is skipped, `fold=0` is the day before.
    return min(midnight for midnight in midnights if midnight.date() >= day).in_timezone("UTC")


def days_ago(number: int, zone: str, now: DateTime) -> Date:
    """Return the date in a time zone, `number` days before the date of `now`."""
    return now.in_timezone(zone).date().subtract(days=min(number, MOST_DAYS))


def days_before(instant: DateTime, number: int) -> DateTime:
    """Return the instant `number` days before another, or `BEGINNING` if that is later."""
    return max(BEGINNING, max(BEGINNING, instant).subtract(days=min(number, MOST_DAYS)))
