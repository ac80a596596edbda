"""A long list that is read in several chains of pages at once."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_constantcontact.exceptions import LimitReachedError
from tap_constantcontact.reading.query import Creation
from tap_constantcontact.reading.slices import WHOLE, Slice, Slices, place_of, slices_at
from tap_constantcontact.state.bookmarks import LONGEST, Place
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.transport.responses import Page
from tests.expected import Expected
from tests.runs import config_for, sync
from tests.sandboxes import Slow, record_requests

pytestmark = pytest.mark.contacts(300, young=True)

CREATION = Creation("created_at", "created_after", "created_before")
BEGINNING = datetime(2020, 1, 1, tzinfo=timezone.utc)

ROWS = st.lists(st.none() | st.integers(0, 50) | st.integers(0, 10**8) | st.just(7), max_size=120)
"""Seconds at which rows were created: alike, close together, far apart or not known."""


class Listed:
    """A list as the API has it.

    Args:
        created: When its rows were created, in seconds; None for a row that does not tell.
        margin: What is added to the bounds, so that they are inclusive or not, in seconds.
        heeds: Whether it heeds the bounds at all.

    Attributes:
        asked: Number of requests so far.
        budget: Number of requests after which no more are answered.
    """

    def __init__(self, created: Sequence[int | None], margin: int, heeds: bool) -> None:
        self.rows = [
            {"id": n, "created_at": at if at is None else written(at)}
            for n, at in enumerate(created)
        ]
        self.asked = 0
        self.budget = math.inf
        self.most_at_once = 0
        self._margin = timedelta(seconds=margin)
        self._heeds = heeds
        self._lock = threading.Lock()

    def pages(self, bounds: Mapping[str, str]) -> Iterator[Page]:
        rows = [row for row in self.rows if not self._heeds or self._is_within(row, bounds)]
        for start in range(0, max(len(rows), 1), 2):
            with self._lock:
                if self.asked >= self.budget:
                    raise LimitReachedError
                self.asked += 1
            yield Page(partial(list, rows[start : start + 2]), len(rows))

    def _is_within(self, row: Mapping[str, Any], bounds: Mapping[str, str]) -> bool:
        if row["created_at"] is None:
            return True
        at = instant(row["created_at"])
        before, after = (bounds.get(name) for name in (CREATION.before, CREATION.after))
        return (before is None or at < instant(before) + self._margin) and (
            after is None or at > instant(after) - self._margin
        )


def written(seconds: int) -> str:
    at = BEGINNING + timedelta(seconds=seconds)
    return at.isoformat().replace("+00:00", "Z")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@example(created=[132_895, 106_318, 0, *[None] * 17], is_sorted=False, margin=0, heeds=False)
@given(created=ROWS, is_sorted=st.booleans(), margin=st.integers(0, 1), heeds=st.booleans())
def test_every_row_is_read_once_in_whatever_order_and_with_whatever_bounds(
    created: list[int | None], is_sorted: bool, margin: int, heeds: bool
) -> None:
    if is_sorted:
        created = sorted(created, key=lambda at: -1 if at is None else at, reverse=True)
    listed = Listed(created, margin, heeds)
    read = [row for page in Slices(CREATION, 2, listed.pages, lambda: 4) for row in page]
    assert {row["id"] for row in read} == {row["id"] for row in listed.rows}
    dated = [row["id"] for row in read if row["created_at"]]
    assert len(dated) == len({*dated})


@given(created=st.lists(st.integers(0, 10**8), min_size=40, max_size=400, unique=True))
def test_slices_cost_few_requests_more_than_pages(created: list[int]) -> None:
    listed = Listed(sorted(created, reverse=True), 0, heeds=True)
    chains = 4
    for _ in Slices(CREATION, 2, listed.pages, lambda: chains):
        pass
    assert listed.asked <= 1.4 * len(created) / 2 + chains


@example(created=[9, 8, 8, 8], is_ascending=False, margin=0, heeds=True, runs=[(1, 1)])
@example(created=[7, 7, 8, 8], is_ascending=True, margin=0, heeds=True, runs=[(1, 1)])
@given(
    created=ROWS,
    is_ascending=st.booleans(),
    margin=st.integers(0, 1),
    heeds=st.booleans(),
    runs=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 9)), min_size=1),
)
def test_readings_that_are_ended_and_resumed_miss_no_row(
    created: list[int | None],
    is_ascending: bool,
    margin: int,
    heeds: bool,
    runs: list[tuple[int, int]],
) -> None:
    listed = Listed(sorted(filter(None, created), reverse=not is_ascending), margin, heeds)
    left: Sequence[Slice] = WHOLE
    read: set[int] = set()
    for budget, chains in [*runs, (1000, 1)]:
        slices = Slices(CREATION, 2, listed.pages, partial(int, chains), left)
        listed.budget = listed.asked + budget
        rows: list[int] = []
        with suppress(LimitReachedError):
            for page in slices:
                rows += [row["id"] for row in page]
        assert len(rows) == len({*rows})
        read.update(rows)
        if not slices.left:
            break
        if slices.left[0].before:
            place = place_of(slices.left)
            assert len(place.parent_id) <= LONGEST
            left = slices_at(place)
        else:
            left = WHOLE
    assert read == {row["id"] for row in listed.rows}


@given(created=st.lists(st.integers(0, 10**8), min_size=200, max_size=400, unique=True))
def test_a_reading_that_is_ended_and_resumed_costs_few_requests_more(created: list[int]) -> None:
    listed = Listed(sorted(created, reverse=True), 0, heeds=True)
    left: Sequence[Slice] = WHOLE
    while left:
        slices = Slices(CREATION, 2, listed.pages, lambda: 9, left)
        listed.budget = listed.asked + 40
        with suppress(LimitReachedError):
            for _ in slices:
                pass
        left = slices.left and slices_at(place_of(slices.left))
        assert not left or len(place_of(slices.left).parent_id) <= LONGEST
    assert listed.asked <= 1.4 * len(created) / 2 + 9 * len(created) / 80 + 9


@pytest.mark.parametrize(
    "damaged", ["", "soon", "0,6955b900,0", "6955b900,67748580", "f" * 20 + ",0,0"]
)
def test_a_damaged_place_is_that_of_the_whole_list(damaged: str) -> None:
    assert slices_at(Place(1_769_904_000.0, damaged)) == WHOLE


def test_pages_that_are_read_one_at_a_time_are_never_split_into_slices() -> None:
    listed = Listed([*range(200, 0, -1)], 0, heeds=True)
    for _ in Slices(CREATION, 2, listed.pages, lambda: 1):
        pass
    assert listed.asked == 100


@pytest.mark.slow
def test_contacts_are_read_in_slices_where_responses_are_slow(
    slow: Slow, tmp_path: Path, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContactsStream, "page_size", 10)
    slow.slowness.path, slow.slowness.seconds = "/v3/contacts", 0.05
    asked = record_requests(slow)
    config = config_for(slow, tmp_path, requests_per_second=100)
    result = sync(config, streams=("contacts",))
    assert result.by_key("contacts") == expected["contacts"]
    assert slow.slowness.most > 2
    assert len(asked) <= 1.4 * len(slow.account.contacts) / 10
