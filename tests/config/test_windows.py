"""Windows over any date, zone and change of the clocks."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config.dates import (
    BEGINNING,
    FIRST_DAY,
    LAST_DAY,
    MOST_DAYS,
    days_ago,
    days_before,
    parse_day,
    parse_instant,
)
from tap_constantcontact.config.windows import (
    ContactDateSettings,
    ReportDateSettings,
    Window,
    days,
)

ZONES = st.sampled_from(sorted(zoneinfo.available_timezones() - {"Factory", "localtime"}))
DAYS = st.dates(date(1995, 1, 1), date(2037, 12, 31))
INSTANTS = st.datetimes(
    datetime(1995, 1, 2), datetime(2037, 12, 30), timezones=st.just(timezone.utc)
)


def report_window(settings: dict[str, Any], now: pendulum.DateTime) -> Window | None:
    return ReportDateSettings.of(settings).window(now)


def updated_since(settings: dict[str, Any], now: pendulum.DateTime) -> pendulum.DateTime | None:
    window = ContactDateSettings.of(settings).window(now)
    return window.start if window else None


def local_day(instant: datetime, zone: str) -> date:
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).date()


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


ANY_NUMBER = st.integers(0, MOST_DAYS) | st.integers(MOST_DAYS, 10**12)


@given(INSTANTS, ANY_NUMBER)
def test_a_lookback_reaches_no_further_than_the_first_e_mail(now: datetime, number: int) -> None:
    instant = pendulum.instance(now)
    start = days_before(instant, number)
    assert start == BEGINNING or start + timedelta(days=number) == instant
    assert start >= BEGINNING
    assert (start == BEGINNING) >= (number > 43 * 366)


@given(INSTANTS, ANY_NUMBER, ZONES)
def test_any_number_of_days_ago_is_a_day(now: datetime, number: int, zone: str) -> None:
    went_back = local_day(now, zone) - days_ago(number, zone, pendulum.instance(now))
    assert went_back.days == number or 36_500 < went_back.days < number


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
    "text",
    [
        "2016-03-03T10:53:04-05:00",
        "2016-03-03T10:53:04-0500",
        "2016-03-03T15:53:04Z",
        "2016-03-03T15:53:04.000Z",
        "2016-03-03T15:53:04+00:00",
    ],
)
def test_one_instant_in_many_forms(text: str) -> None:
    assert parse_instant(text) == datetime(2016, 3, 3, 15, 53, 4, tzinfo=timezone.utc)


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


@pytest.mark.parametrize("text", ["10:30", "P1D", "2026-01-01/2026-01-02", "", "soon"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_any_offset_is_the_same_instant(instant: datetime, minutes: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant(elsewhere.isoformat()) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "2026-11-20T00:00:00",
        "2026-11-20 00:00:00",
        "2026-11-20T00:00:00+00:00",
        "2026-11-20T23:30:00-05:00",
        "2026-11-20T00:30:00.000+13:00",
        "2026-11-20T00:00:00Z",
    ],
)
def test_a_date_time_stands_for_the_day_that_it_shows(text: str) -> None:
    assert parse_day(text) == date(2026, 11, 20)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-11-20T", "2026-11-20T25:00:00", "2026-11-20 noon", "2026", "20.11."],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_day(text)


@pytest.mark.parametrize(
    "text",
    [
        *("now", "today", "2026", "2026-01", "20260131", "2026-031", "2026-W05", "2026-W05-1"),
        *("12:00", "T12:00", "P1D", "2026-01-31/P1D", "2026-01-31/2026-02-01", "1767225600"),
        *("2026-01-31T", "2026-01-31T10", "2026-01-31T24:00:00", "2026-01-31T10:00:00+24:00"),
        *("2026-01-31T10:00:00+99:99", "2026-01-31\n", "٢٠٢٦-01-31", "0000-01-01", "2026-01-32"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-31T10:00:00\0", ""),
    ],
)
@pytest.mark.parametrize("read", [parse_instant, parse_day])
def test_what_is_no_date_written_in_full_is_refused(
    read: Callable[[str], object], text: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


@given(st.datetimes(), st.integers(-24 * 60, 24 * 60), ZONES)
def test_an_instant_is_in_the_calendar_or_refused(at: datetime, minutes: int, zone: str) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    for text in (at.date().isoformat(), at.isoformat(), f"{at.isoformat()}{offset}"):
        with suppress(ValueError):
            assert days_before(parse_instant(text, zone), 10**9) == BEGINNING or at.year > 2000


def test_no_setting_asks_for_no_window() -> None:
    now = pendulum.datetime(2026, 1, 1)
    assert report_window({"timezone": "UTC"}, now) is None
    assert updated_since({"timezone": "UTC"}, now) is None
