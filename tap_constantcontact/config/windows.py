"""The date settings, and the windows of time that they fix.

Every window is half open: `start <= instant < end`. Every day is a calendar day in one time zone,
from its first instant to the first instant of the next day. It is 23 or 25 hours long when the
clocks change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pendulum import Date, DateTime
from typing_extensions import Self, override

from tap_constantcontact.config.dates import (
    BEGINNING,
    FIRST_DAY,
    LAST_DAY,
    days_ago,
    first_instant,
    parse_day,
    parse_instant,
)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time: it includes `start` and excludes `end`."""

    start: DateTime
    end: DateTime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def days(first: Date, last: Date, zone: str) -> Window:
    """Return the window of the days from `first` to `last`, both inclusive, in a time zone."""
    return Window(first_instant(first, zone), first_instant(last.add(days=1), zone))


@dataclass(frozen=True)
class DateSettings:
    """The settings that decide which span of time a stream reads: each field is one.

    No others are at hand where the span is worked out, and a sweep goes on only while all of them
    stay the same. So a new setting of dates needs a field here, and nothing else.
    """

    timezone: str
    start_date: str | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return those of all settings; an empty one counts as not given."""
        given: dict[str, Any] = {name: value for name, value in config.items() if value != ""}
        values: dict[str, Any] = {field.name: given.get(field.name) for field in fields(cls)}
        return cls(**values)

    def start(self) -> DateTime | None:
        """Return the instant before which nothing is read, or None for all history."""
        return parse_instant(self.start_date, self.timezone) if self.start_date else None

    def window(self, now: DateTime) -> Window | None:  # noqa: ARG002
        """Return the window that is the same on every run, without a bookmark, if one is set.

        `..._days_back` counts from `now`, where a window ends that has no end.
        """
        return None

    def lookback(self, default: int) -> int:
        """Return the number of days before its bookmark that an incremental run reads again."""
        return default


@dataclass(frozen=True)
class ContactDateSettings(DateSettings):
    """The date settings of `contacts`."""

    updated_after: str | None
    updated_days_back: int | None

    @override
    def window(self, now: DateTime) -> Window | None:
        if self.updated_after:
            return Window(max(BEGINNING, parse_instant(self.updated_after, self.timezone)), now)
        if self.updated_days_back is None:
            return None
        first = days_ago(self.updated_days_back, self.timezone, now)
        return Window(first_instant(first, self.timezone), now)


@dataclass(frozen=True)
class ReportDateSettings(DateSettings):
    """The date settings of the two contact reports.

    Example:
        >>> config = {"report_date": "2026-01-31", "timezone": "America/New_York"}
        >>> str(ReportDateSettings.of(config).window(BEGINNING).start)
        '2026-01-31 05:00:00+00:00'
    """

    lookback_days: int | None
    report_date: str | None
    report_days_back: int | None
    report_start_date: str | None
    report_start_days_back: int | None
    report_end_date: str | None
    report_end_days_back: int | None

    @override
    def window(self, now: DateTime) -> Window | None:
        def day(*given: str | int | None) -> Date | None:
            value = next((one for one in given if one is not None), None)
            if value is None:
                return None
            date = parse_day(value) if isinstance(value, str) else days_ago(value, zone, now)
            return min(max(date, FIRST_DAY), LAST_DAY)

        zone = self.timezone
        only = day(self.report_date)
        first = only or day(
            self.report_days_back, self.report_start_date, self.report_start_days_back
        )
        last = only or day(self.report_end_date, self.report_end_days_back)
        if first is None:
            return None
        return days(first, last, zone) if last else Window(first_instant(first, zone), now)

    @override
    def lookback(self, default: int) -> int:
        return default if self.lookback_days is None else self.lookback_days
