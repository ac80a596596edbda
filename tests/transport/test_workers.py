"""Requests in flight: as many as the pace needs, and results in order."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.limits.turns import Turns
from tap_constantcontact.transport.workers import MOST, Concurrency, in_order


@pytest.mark.parametrize(
    ("pace", "latency", "wanted"),
    [
        (4, 0.12, 1),
        (4, 0.13, 3),
        (4, 0.3, 4),
        (4, 1.5, 10),
        (10, 1.5, 21),
        (20, 1.5, 40),
        (20, 60, MOST),
    ],
)
def test_requests_in_flight_are_as_many_as_pace_and_latency_need(
    pace: float, latency: float, wanted: int
) -> None:
    concurrency = Concurrency(pace)
    concurrency.note(latency)
    assert concurrency.wanted == wanted


def test_the_setting_is_an_upper_bound() -> None:
    concurrency = Concurrency(20, most=3)
    assert concurrency.wanted == 3
    concurrency.note(60)
    assert concurrency.wanted == 3


def test_a_slow_response_counts_only_for_a_while() -> None:
    concurrency = Concurrency(20)
    concurrency.note(60)
    for _ in range(50):
        concurrency.note(0.1)
    assert concurrency.wanted == 5


@given(items=st.lists(st.integers(), max_size=20), ahead=st.integers(0, 8))
def test_results_come_in_order_and_no_more_are_under_way_than_wanted(
    items: list[int], ahead: int
) -> None:
    begun: list[int] = []
    guard = threading.Lock()

    def work(item: int) -> int:
        with guard:
            begun.append(item)
        return item * 2

    results: list[Any] = []
    for item, result in in_order(work, items, Turns(), lambda: ahead, 4):
        results.append((item, result))
        assert len(begun) <= len(results) + ahead
    assert results == [(item, item * 2) for item in items]


def test_an_error_of_one_item_comes_after_the_results_before_it() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise LookupError
        return item

    turns = Turns()
    results: list[Any] = []
    with pytest.raises(LookupError):
        results.extend(in_order(work, range(5), turns, lambda: 3, 4))
    number = turns.take()
    with turns.work(number):
        assert turns.is_mine()
