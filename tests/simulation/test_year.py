"""The simulated year: exact for a small sender, and the same with fewer rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.account import Sender, SimulatedApi
from tests.simulation.runs import DETAILS, SUMMARY, days_of
from tests.year import SMALL

PASS = SMALL.contacts
"""Requests of one pass of a contact report: one for each contact."""

WEIGHT = 500


def requests_of_two_weeks() -> Iterator[int]:
    """Yield the requests of each day.

    Two passes and the pages of contacts are a little more than 10,000 requests. So on every other
    day, the second pass is left with the last group of contacts: the request for it is refused. The
    day after begins with it, which lists the contacts in two parts. Then it reads the other report.
    """
    for day in range(14):
        contacts = 10 if day % 7 == 0 else 2  # all contacts once a week, else by two date filters
        if day % 2 == 0:
            parents, refused, reports = 10, 1, 2 * PASS - WEIGHT
        else:
            parents, refused, reports = 12, 0, PASS + WEIGHT
        yield contacts + parents + refused + reports


def test_two_weeks_of_a_small_sender() -> None:
    days = [*days_of(SimulatedApi(SMALL, WEIGHT), 14, report_source="contacts")]
    assert [day.requests for day in days] == [*requests_of_two_weeks()]
    late = [max(day.behind[name] or 0 for name in (SUMMARY, DETAILS)) for day in days[1:]]
    assert [int(days) for days in late] == [1] * 13
    assert max(day.state for day in days) <= 2048


@pytest.mark.slow
def test_a_weight_changes_neither_requests_nor_delays_by_much() -> None:
    sender = Sender("", 1_000, 7)
    scaled, whole = (
        [*days_of(SimulatedApi(sender, weight), 30, report_source="contacts", daily_share=0.025)]
        for weight in (10, 1)
    )
    assert sum(day.requests for day in scaled) == pytest.approx(
        sum(day.requests for day in whole), rel=0.05
    )
    for name in (SUMMARY, DETAILS):
        ages = [[day.behind[name] or 0 for day in days] for days in (scaled, whole)]
        assert sum(ages[0]) == pytest.approx(sum(ages[1]), rel=0.1, abs=10)
