"""Dates and date-times as texts, and days counted back from an instant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config.dates import (
    BEGINNING,
    MOST_DAYS,
    days_ago,
    days_before,
    parse_day,
    parse_instant,
)
from tests.calendars import INSTANTS, ZONES, local_day

ANY_NUMBER = st.integers(0, MOST_DAYS) | st.integers(MOST_DAYS, 10**12)


@given(INSTANTS, ANY_NUMBER)
def test_a_lookback_reaches_no_further_than_the_first_e_mail(now: datetime, number: int) -> None:
    instant = pendulum.instance(now)
    start = days_before(instant, number)
    assert start == BEGINNING or start + timedelta(days=number) == instant
    assert start >= BEGINNING
    assert (start == BEGINNING) >= (number > 43 * 366)


@given(INSTANTS, ANY_NUMBER, ZONES)
def test_every_number_of_days_back_gives_a_day(now: datetime, number: int, zone: str) -> None:
    went_back = local_day(now, zone) - days_ago(number, zone, pendulum.instance(now))
    assert went_back.days == number or 36_500 < went_back.days < number


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
    [
        *("now", "today", "2026", "2026-01", "20260131", "2026-031", "2026-W05", "2026-W05-1"),
        *("12:00", "T12:00", "P1D", "2026-01-31/P1D", "2026-01-31/2026-02-01", "1767225600"),
        *("2026-01-31T", "2026-01-31T10", "2026-01-31T24:00:00", "2026-01-31T10:00:00+24:00"),
        *("2026-01-31T10:00:00+99:99", "2026-01-31\n", "٢٠٢٦-01-31", "0000-01-01", "2026-01-32"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-31T10:00:00\0", ""),
        *("10:30", "soon", "2026-02-30", "2026-11-20T25:00:00", "2026-11-20 noon", "20.11."),
    ],
)
@pytest.mark.parametrize("read", [parse_instant, parse_day])
def test_a_date_that_is_not_written_in_full_is_refused(
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
