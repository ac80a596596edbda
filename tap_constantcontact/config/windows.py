"""The date settings, converted to instants and windows of time.

Every window is half open: `start <= instant < end`. Every day is a calendar day in one time zone,
from its first instant to the first instant of the next day. It is 23 or 25 hours long when the
clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple, cast

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


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time: it includes `start` and excludes `end`."""

    start: DateTime
    end: DateTime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def parse_instant(value: str, zone: str = "UTC") -> DateTime:
    """Parse a date-time written in full in ISO 8601, or a date, which means its first instant.

    Args:
        value: The text; its offset, seconds and milliseconds are optional.
        zone: The IANA time zone of a text without an offset.

    Returns:
        The same instant in UTC.

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
    `2026-11-20T00:00:00`.

    Args:
        value: The text; the time and the offset of a date-time are ignored.

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


def days(first: Date, last: Date, zone: str) -> Window:
    """Return the window of the days from `first` to `last`, both inclusive, in a time zone."""
    return Window(first_instant(first, zone), first_instant(last.add(days=1), zone))


def days_ago(number: int, zone: str, now: DateTime) -> Date:
    """Return the date in a time zone, `number` days before the date of `now`."""
    return now.in_timezone(zone).date().subtract(days=min(number, MOST_DAYS))


def days_before(instant: DateTime, number: int) -> DateTime:
    """Return the instant `number` days before another, or `BEGINNING` if that is later."""
    return max(BEGINNING, max(BEGINNING, instant).subtract(days=min(number, MOST_DAYS)))


def report_window(config: Mapping[str, Any], now: DateTime) -> Window | None:
    """Return the fixed window that the `report_*` settings define, or None if none is set.

    Args:
        config: The settings, without contradictions.
        now: The instant from which `..._days_back` counts, and the end of a window without an end.

    Example:
        >>> config = {"report_date": "2026-01-31", "timezone": "America/New_York"}
        >>> str(report_window(config, pendulum.now()).start)
        '2026-01-31 05:00:00+00:00'
    """
    zone = config["timezone"]

    def day(setting: str) -> Date | None:
        value = config.get(setting)
        if value in (None, ""):
            return None
        given = days_ago(value, zone, now) if isinstance(value, int) else parse_day(value)
        return min(max(given, FIRST_DAY), LAST_DAY)

    if date := day("report_date"):
        return days(date, date, zone)
    first = day("report_days_back") or day("report_start_date") or day("report_start_days_back")
    last = day("report_end_date") or day("report_end_days_back")
    if first is None:
        return None
    return days(first, last, zone) if last else Window(first_instant(first, zone), now)


def updated_since(config: Mapping[str, Any], now: DateTime) -> DateTime | None:
    """Return the instant that the `updated_*` settings define, or None if none is set."""
    zone = config["timezone"]
    if value := config.get("updated_after"):
        return max(BEGINNING, parse_instant(value, zone))
    number = config.get("updated_days_back")
    return None if number is None else first_instant(days_ago(number, zone, now), zone)


class Span(NamedTuple):
    """The settings that decide the window of a report.

    Attributes:
        fixed: Returns the window that they fix, which is the same on every run so that no bookmark
            is used, given the settings and when the run began; None if they fix none.
        lookback: Name of the setting for the number of days before its bookmark that an incremental
            run reads again; None if it cannot be set.
        names: Their names.
    """

    fixed: Callable[[Mapping[str, Any], DateTime], Window | None]
    lookback: str | None
    names: tuple[str, ...]


SINCE_START = Span(lambda *_: None, None, ("start_date", "timezone"))
"""The span of most reports."""

REPORT_SPAN = Span(
    report_window,
    "lookback_days",
    (
        "start_date",
        "lookback_days",
        "report_date",
        "report_days_back",
        "report_start_date",
        "report_start_days_back",
        "report_end_date",
        "report_end_days_back",
        "timezone",
    ),
)
"""The span of the two contact reports."""
