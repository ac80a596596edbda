"""Dates and date-times: read from texts, and counted in the calendar of a time zone."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Annotated, Any, cast

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

_FORM = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([T ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}([.,][0-9]+)?)?"
    r" ?(?P<offset>Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?",
    re.IGNORECASE,
).fullmatch
"""Matches a date, or a date-time; pendulum reads much else, such as `now`, weeks and durations."""


def parse_instant(value: str, zone: str = "UTC") -> DateTime:
    """Parse a date-time written in full in ISO 8601, or a date, which means its first instant.

    Its offset, seconds and milliseconds are optional; without an offset, `zone` is its IANA time
    zone. The result is in UTC.

    Raises:
        ValueError: The text is neither, or means an instant before the year 1 or after 9999.
    """
    if not _FORM(value):
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


def instant_of(value: Any) -> datetime | None:
    """Convert a date-time from the API to an instant in UTC; None if it is not a date-time.

    The compiled code for rows uses the same parser, so a fraction of a second is rounded alike. One
    without an offset is taken to be in UTC. (Assumption: `dates-tell-their-offset`.)

    Example:
        >>> instant_of("2026-01-31 07:00 -0500"), instant_of("soon")
        (datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc), None)
    """
    if not isinstance(value, str):
        return None
    return read_rfc3339(value) or read_rfc3339(_completed(value))


def read_rfc3339(text: str) -> datetime | None:
    """Return the instant, in UTC, that compiled code reads in a text, or None if it reads none."""
    try:
        instant: datetime = msgspec.convert(text, ZONED)
        return instant.astimezone(timezone.utc)
    except (OverflowError, ValueError, msgspec.ValidationError):
        return None


def _completed(text: str) -> str:
    """Complete what is RFC 3339 but for a part left out, a comma, or a space before the offset."""
    form = _FORM(text)
    if form is None:
        return ""
    second = (form["second"] or ":00").replace(",", ".")
    offset = form["offset"] or "Z"
    minutes = ":00" if len(offset) == len("+00") else ""
    return f"{form['day']}T{form['minute'] or '00:00'}{second}{offset}{minutes}"


def rfc3339(instant: datetime) -> str:
    """Format an instant in UTC as RFC 3339, with a fraction of a second only if it has one."""
    return instant.isoformat().replace("+00:00", "Z")


def date_parameter(instant: DateTime) -> str:
    """Format an instant in UTC for a list's date parameters: with milliseconds."""
    return instant.format("YYYY-MM-DDTHH:mm:ss.SSS[Z]")


def report_date_parameter(instant: DateTime) -> str:
    """Format an instant for a report: no colon in the offset, as in the contract's example."""
    return instant.format("YYYY-MM-DDTHH:mm:ssZZ")
