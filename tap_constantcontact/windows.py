"""The date settings, resolved to instants.

Every window is half open (`start <= instant < end`), every day is the calendar day of one time
zone, from its first instant to the first instant of the next day: 23 or 25 hours long where the
clocks change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pendulum
from pendulum import Date, DateTime

BEGINNING = pendulum.datetime(1995, 1, 1)
"""Before the first e-mail that Constant Contact (founded in 1995) can have sent."""

FIRST_DAY, LAST_DAY = Date(1900, 1, 1), Date(9998, 12, 31)
"""The days that a window may have; a `datetime` overflows not far beyond them."""

MOST_DAYS = 36_525
"""Number of days beyond which "days ago" means no more than a century."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time, `start` within it and `end` not."""

    start: DateTime
    end: DateTime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def parse_instant(value: str, zone: str = "UTC") -> DateTime:
    """Read an ISO 8601 date-time, or a date, which stands for its first instant.

    Args:
        value: The text, with or without an offset, seconds or milliseconds.
        zone: The IANA time zone of a text that names none.

    Returns:
        The same instant in UTC.

    Raises:
        ValueError: The text is neither a date nor a date-time.
    """
    parsed = pendulum.parse(value, tz=zone, exact=True)
    if isinstance(parsed, DateTime):
        return parsed.in_timezone("UTC")
    if isinstance(parsed, Date):
        return first_instant(parsed, zone)
    raise ValueError(f"{value!r} is neither a date nor a date-time")


def parse_day(value: str) -> Date:
    """Read a calendar day written as `YYYY-MM-DD`, or the day that a date-time shows.

    A runner may make a date-time of any date: Meltano turns `20.11.2026` into
    `2026-11-20T00:00:00`.

    Args:
        value: The text; the time and the offset of a date-time do not matter.

    Raises:
        ValueError: The text is neither a day nor a date-time.
    """
    day = pendulum.from_format(value[: len("YYYY-MM-DD")], "YYYY-MM-DD").date()
    if len(value) > len("YYYY-MM-DD"):
        parse_instant(value)
    return day


def first_instant(day: Date, zone: str) -> DateTime:
    """Return the first instant, in UTC, at which a calendar in `zone` shows `day` or later."""
    midnights = (
        pendulum.datetime(day.year, day.month, day.day, tz=zone, fold=fold) for fold in (0, 1)
    )
    # Of two midnights the earlier counts; of a skipped one, `fold=0` is the day before.
    return min(midnight for midnight in midnights if midnight.date() >= day).in_timezone("UTC")


def days(first: Date, last: Date, zone: str) -> Window:
    """Return the whole days from `first` to `last`, both included, of a calendar in `zone`."""
    return Window(first_instant(first, zone), first_instant(last.add(days=1), zone))


def days_ago(number: int, zone: str, now: DateTime) -> Date:
    """Return the day that a calendar in `zone` showed `number` days before `now`."""
    return now.in_timezone(zone).date().subtract(days=min(number, MOST_DAYS))


def days_before(instant: DateTime, number: int) -> DateTime:
    """Return the instant a number of days before another, but none before the beginning."""
    return max(BEGINNING, instant.subtract(days=min(number, MOST_DAYS)))


def report_window(config: Mapping[str, Any], now: DateTime) -> Window | None:
    """Return the fixed window that the `report_*` settings ask for, if they ask for one.

    Args:
        config: The settings, without contradictions.
        now: The instant that "days back" counts from, and the end of an open window.
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
    """Return the instant that the `updated_*` settings ask for contacts from, if they do."""
    zone = config["timezone"]
    if value := config.get("updated_after"):
        return max(BEGINNING, parse_instant(value, zone))
    number = config.get("updated_days_back")
    return None if number is None else first_instant(days_ago(number, zone, now), zone)


SPAN = (
    "start_date",
    "lookback_days",
    "report_date",
    "report_days_back",
    "report_start_date",
    "report_start_days_back",
    "report_end_date",
    "report_end_days_back",
    "timezone",
)
"""Names of the settings that decide from when to when a report reads."""
