"""Windows over any date, zone and change of the clocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config.dates import (
    BEGINNING,
    FIRST_DAY,
    LAST_DAY,
    days_ago,
    parse_instant,
)
from tap_constantcontact.config.windows import (
    ContactDateSettings,
    ReportDateSettings,
    Window,
    days,
)
from tests.calendars import INSTANTS, ZONES, local_day

DAYS = st.dates(date(1995, 1, 1), date(2037, 12, 31))


def report_window(settings: dict[str, Any], now: pendulum.DateTime) -> Window | None:
    return ReportDateSettings.of(settings).window(now)


def updated_since(settings: dict[str, Any], now: pendulum.DateTime) -> pendulum.DateTime | None:
    window = ContactDateSettings.of(settings).window(now)
    return window.start if window else None


@given(DAYS, st.integers(0, 400), ZONES)
def test_a_window_holds_its_days_and_no_others(first: date, length: int, zone: str) -> None:
    last = first + timedelta(days=length)
    window = days(
        pendulum.date(first.year, first.month, first.day),
        pendulum.date(last.year, last.month, last.day),
        zone,
    )
    if window.start == window.end:
        # A day that a place left out when it moved across the date line.
        assert not any(
            local_day(window.start + timedelta(hours=hours), zone) in (first, last)
            for hours in range(-30, 30)
        )
        return
    tick = timedelta(microseconds=1)
    assert local_day(window.start, zone) >= first > local_day(window.start - tick, zone)
    assert local_day(window.end - tick, zone) <= last < local_day(window.end, zone)
    assert window.start in window
    assert window.end not in window


@given(DAYS, ZONES)
def test_days_follow_each_other_without_a_gap(day: date, zone: str) -> None:
    this = pendulum.date(day.year, day.month, day.day)
    following = this.add(days=1)
    assert days(this, this, zone).end == days(following, following, zone).start


@given(INSTANTS, st.integers(0, 5000), st.integers(0, 5000), ZONES)
def test_days_back_are_whole_days(now: datetime, one: int, other: int, zone: str) -> None:
    start, end = max(one, other), min(one, other)
    instant = pendulum.instance(now)
    window = report_window(
        {"timezone": zone, "report_start_days_back": start, "report_end_days_back": end}, instant
    )
    assert window == days(days_ago(start, zone, instant), days_ago(end, zone, instant), zone)


@given(INSTANTS, st.integers(0, 5000), ZONES)
def test_the_last_days_end_now(now: datetime, number: int, zone: str) -> None:
    instant = pendulum.instance(now)
    window = report_window({"timezone": zone, "report_days_back": number}, instant)
    assert window is not None
    assert window.end == instant
    assert local_day(window.start, zone) >= local_day(now, zone) - timedelta(days=number)
    assert window.start == updated_since({"timezone": zone, "updated_days_back": number}, instant)


def test_contacts_cannot_have_changed_before_there_was_a_first_e_mail() -> None:
    settings = {"timezone": "UTC", "updated_after": "0001-01-01"}
    assert updated_since(settings, pendulum.datetime(2026, 1, 1)) == BEGINNING


@pytest.mark.parametrize(
    ("given_day", "read_day"),
    [
        ("0001-01-01", FIRST_DAY),
        ("1899-12-31", FIRST_DAY),
        ("1900-01-02", date(1900, 1, 2)),
        ("9998-12-30", date(9998, 12, 30)),
        ("9999-12-31", LAST_DAY),
    ],
)
def test_a_day_beyond_all_calendars_is_the_nearest_one_within(
    given_day: str, read_day: date
) -> None:
    settings = {"timezone": "UTC", "report_date": given_day}
    window = report_window(settings, pendulum.datetime(2026, 1, 1))
    assert window is not None
    assert window.start.date() == read_day
    assert window.end - window.start == timedelta(days=1)


def test_a_day_of_a_report_is_one_of_the_zone_of_the_settings(far_from_utc: None) -> None:
    settings = {"timezone": "America/New_York", "report_date": "2026-01-31"}
    window = report_window(settings, pendulum.datetime(2026, 1, 1))
    assert window is not None
    assert window.start.isoformat() == "2026-01-31T05:00:00+00:00"
    assert window.end.isoformat() == "2026-02-01T05:00:00+00:00"


@pytest.mark.parametrize(
    ("settings", "first", "end"),
    [
        ({"report_days_back": 0}, "2026-01-08", "2026-01-08T09:00"),
        ({"report_days_back": 2}, "2026-01-06", "2026-01-08T09:00"),
        ({"report_start_date": "2026-01-02"}, "2026-01-02", "2026-01-08T09:00"),
        ({"report_start_days_back": 7, "report_end_days_back": 0}, "2026-01-01", "2026-01-09"),
        (
            {"report_start_date": "2026-01-02", "report_end_date": ""},
            "2026-01-02",
            "2026-01-08T09:00",
        ),
        (
            {"report_start_date": "2026-01-02", "report_end_date": "2026-01-05"},
            "2026-01-02",
            "2026-01-06",
        ),
    ],
)
def test_each_setting_of_a_report_s_window(settings: dict[str, Any], first: str, end: str) -> None:
    now = pendulum.datetime(2026, 1, 8, 9)
    window = report_window({"timezone": "UTC", **settings}, now)
    assert window == Window(parse_instant(first), parse_instant(end))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", (2026, 3, 8), 23),
        ("America/New_York", (2026, 11, 1), 25),
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("America/Sao_Paulo", (2018, 11, 4), 23),
        ("America/Havana", (2024, 11, 3), 25),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("Pacific/Apia", (2011, 12, 30), 0),
        ("UTC", (2026, 3, 8), 24),
    ],
)
def test_days_on_which_clocks_change(zone: str, day: tuple[int, int, int], hours: float) -> None:
    date_ = pendulum.date(*day)
    window = days(date_, date_, zone)
    assert (window.end - window.start).total_seconds() == hours * 3600


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", "2026-01-31T05:00:00+00:00"),
        ("2026-01-31T10:00", "2026-01-31T15:00:00+00:00"),
        ("2026-07-31T10:00:00", "2026-07-31T14:00:00+00:00"),
        ("2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00+00:00"),
    ],
)
def test_a_text_without_an_offset_is_in_the_zone_of_the_settings(
    text: str, utc: str, far_from_utc: None
) -> None:
    zone = "America/New_York"
    assert parse_instant(text, zone).isoformat() == utc
    settings = {"timezone": zone, "updated_after": text}
    since = updated_since(settings, pendulum.datetime(2026, 1, 1))
    assert since is not None
    assert since.isoformat() == utc


def test_without_window_settings_no_window_is_fixed() -> None:
    now = pendulum.datetime(2026, 1, 1)
    assert report_window({"timezone": "UTC"}, now) is None
    assert updated_since({"timezone": "UTC"}, now) is None
