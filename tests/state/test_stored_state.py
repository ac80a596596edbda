"""What a state holds, and what of a given one is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config.dates import rfc3339
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.state.bookmarks import (
    LONGEST,
    UNKNOWN,
    Bookmark,
    Place,
    Sweep,
    written_for,
)
from tap_constantcontact.state.loading import CONSEQUENCE, KEYS, LONGEST_TALLIES, validated
from tap_constantcontact.state.tally import Tally, joined

END = datetime(9998, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
"""When the runs of these tests begin: none of their instants is later."""

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"
STREAM = "email_links"

INSTANTS = st.datetimes(
    datetime(1995, 1, 1), datetime(2037, 1, 1), timezones=st.just(timezone.utc)
).map(lambda instant: pendulum.instance(instant.replace(microsecond=instant.microsecond // 1000)))
PLACES = st.builds(
    lambda instant, parent_id: Place(instant.timestamp(), parent_id),
    INSTANTS,
    st.text(max_size=LONGEST),
)
FINGERPRINTS = st.text("0123456789abcdef", min_size=16, max_size=16)
PARTS = st.none() | st.text(st.characters(max_codepoint=126), max_size=27)  # quoted, they fit
SWEEPS = st.builds(Sweep, INSTANTS, FINGERPRINTS, st.none() | PLACES, PARTS)


def kept(bookmark: Any, account: str | None = None) -> tuple[Any, list[tuple[str, str]]]:
    """The part of a stream's bookmark that is kept, and the warnings of what is not."""
    warnings: list[tuple[str, str]] = []
    state = {"bookmarks": {STREAM: bookmark}}
    if account:
        state["account"] = account  # type: ignore[assignment]
    known = validated(state, [STREAM], END, lambda *texts: warnings.append(texts))
    assert known["bookmarks"].keys() <= {STREAM}
    return known["bookmarks"].get(STREAM), warnings


# Sweeps


@given(sweep=SWEEPS, swept_at=INSTANTS.map(rfc3339))
def test_a_sweep_goes_on_from_the_state_as_it_was(sweep: Sweep, swept_at: str) -> None:
    state: dict[str, Any] = {}
    bookmark = Bookmark(state, STREAM)
    bookmark.ensure("sweep")
    assert (bookmark.sweep, bookmark.swept_at) == (None, None)
    bookmark.update(sweep=str(sweep))
    read, warnings = kept(json.loads(json.dumps(state))["bookmarks"][STREAM])
    assert not warnings
    again = Bookmark({"bookmarks": {STREAM: read}}, STREAM)
    assert (again.sweep, again.swept_at) == (sweep, None)
    again.update(sweep=swept_at)
    assert (again.sweep, again.swept_at) == (None, swept_at)


def test_a_sweep_goes_on_at_its_place_wherever_the_machine_is(far_from_utc: None) -> None:
    bookmark = Bookmark({}, STREAM)
    assert bookmark.sweep is None
    sweep = Sweep(pendulum.datetime(2026, 1, 1), "f00d", Place.of("2025-12-24T18:00:00Z", "7"))
    bookmark.update(sweep=str(sweep))
    assert bookmark.sweep == sweep


def test_a_sweep_reads_the_newest_parents_first_and_those_without_a_date_last() -> None:
    old, new = Place.of("2025-12-24T18:00:00Z", "9"), Place.of("2025-12-24T18:00:01+00:00", "1")
    twin, added = Place.of("2025-12-24T18:00:00Z", "8"), Place.of("2026-02-01T00:00:01Z", "2")
    dateless = Place.of(None, "0")
    assert dateless.created_at == UNKNOWN
    sweep = Sweep(pendulum.datetime(2026, 2, 1), "f00d")
    order = [new, twin, old, added, dateless]
    assert sweep.rest([dateless, old, added, new, twin]) == order
    for number, place in enumerate(order, 1):
        assert replace(sweep, place=place).rest(order) == order[number:]


# Every key


def test_a_key_without_a_value_is_written_as_null() -> None:
    state: dict[str, Any] = {"bookmarks": {STREAM: {"filters": "x"}}}
    Bookmark(state, STREAM).ensure("filters", "sweep")
    assert state["bookmarks"][STREAM] == {"filters": "x", "sweep": None}


@pytest.mark.parametrize(
    ("of_state", "of_bookmark", "written"),
    [
        (OURS, None, OURS),
        (OURS, THEIRS, OURS),
        (None, THEIRS, THEIRS),
        (None, None, None),
    ],
)
def test_a_bookmark_tells_whose_account_it_is_of_and_does_not_forget_it(
    of_state: str | None, of_bookmark: str | None, written: str | None
) -> None:
    state = {"account": of_state, "bookmarks": {STREAM: {"account": of_bookmark}}}
    Bookmark(state, STREAM).ensure("account")
    assert state["bookmarks"] == {STREAM: {"account": written}}


# What is kept


SWEEP = "2026-01-02T00:00:00Z f00d 2025-12-24T18:00:00Z a b"
COUNTS = joined({"opens": Tally.of({"a": 1})})
GOOD: dict[str, Any] = {
    "account": OURS,
    "replication_key": "x" * LONGEST,
    "replication_key_value": "2026-01-01T00:00:00.123456Z",
    "full_read_at": "1900-01-01",
    "filters": "",
    "counts": COUNTS,
    "sweep": SWEEP,
}


def test_each_state_key_has_an_example_in_this_module() -> None:
    assert GOOD.keys() == KEYS.keys()


def test_a_bookmark_is_kept_whole() -> None:
    assert kept(GOOD) == (GOOD, [])
    for sweep in ("9998-12-31T23:59:59Z", "2026-01-01 f00d 1970-01-01 "):
        assert kept({"sweep": sweep}) == ({"sweep": sweep}, [])
    nulls = dict.fromkeys(GOOD)
    assert kept(nulls) == (nulls, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("replication_key", "x" * (LONGEST + 1)),
        ("replication_key", 7),
        ("replication_key_value", "soon"),
        ("replication_key_value", 1_700_000_000),
        ("full_read_at", "1899-12-31T23:59:59Z"),
        ("sweep", "9999-01-01T00:00:00Z"),
        ("sweep", f"2026-01-01T00:00:00.{'0' * 100}Z"),
        ("filters", ["x"]),
        ("counts", "opens=AAAA"),
        ("counts", "=".join(("x" * (LONGEST_TALLIES - 128), "A" * 128))),
        ("counts", 7),
        ("counts", f"opens={'A' * 128}:AAAA"),
        ("sweep", ""),
        ("sweep", {"began": "2026-01-01"}),
        ("sweep", "soon"),
        ("sweep", "2026-01-01 f00d 2026-01-01"),
        ("sweep", "soon f00d 2026-01-01 7"),
        ("sweep", "2026-01-01 f00d soon 7"),
        ("sweep", f"2026-01-01 {'x' * 101} 2026-01-01 7"),
        ("sweep", f"2026-01-01 f00d 2026-01-01 {'x' * 101}"),
        ("account", {"x": OURS}),
        ("unheard_of", "x"),
        ("unheard_of", None),
    ],
)
def test_an_impossible_value_of_a_state_key_is_dropped_and_told(key: str, value: Any) -> None:
    read, ((what, consequence),) = kept({"full_read_at": "2026-01-01", key: value})
    assert read == (None if key == "full_read_at" else {"full_read_at": "2026-01-01"})
    assert what == f"{key} of {STREAM} is damaged or from another version"
    assert consequence == CONSEQUENCE.get(key, "it is dropped")


@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"account", "replication_key", "filters"}))
def test_dropping_a_bookmark_says_what_is_read_again(key: str) -> None:
    _, ((_, consequence),) = kept({key: 7})
    assert "again" in consequence or "new sweep" in consequence or "from the start" in consequence


def test_progress_keys_of_the_sdk_are_dropped_from_the_state_without_a_warning() -> None:
    of_the_sdk = ("progress_markers", "replication_key_signpost", "starting_replication_value")
    assert kept(dict.fromkeys(of_the_sdk, "x")) == (None, [])


def test_a_longest_tally_is_kept() -> None:
    counts = "=".join(("x" * (LONGEST_TALLIES - 129), "A" * 128))
    assert kept({"counts": counts}) == ({"counts": counts}, [])


@pytest.mark.parametrize("bookmark", ["gone", None, []])
def test_a_bookmark_that_is_none_is_told(bookmark: Any) -> None:
    assert kept(bookmark) == (
        None,
        [
            (
                f"bookmark of {STREAM} is damaged or from another version",
                "the stream is read from the start",
            )
        ],
    )


@pytest.mark.parametrize(
    ("of_state", "of_bookmark", "belongs"),
    [
        (OURS, OURS, True),
        (OURS, None, True),
        (None, THEIRS, True),
        (OURS, THEIRS, False),
        (THEIRS, OURS, False),
    ],
)
def test_a_bookmark_of_another_account_is_not_used(
    of_state: str | None, of_bookmark: str | None, *, belongs: bool
) -> None:
    bookmark = {"account": of_bookmark, "filters": "x"}
    read, warnings = kept(bookmark, of_state)
    if belongs:
        assert (read, warnings) == (bookmark, [])
    else:
        assert read is None
        assert warnings == [
            (
                f"bookmark of {STREAM} belongs to another account",
                "the stream is read from the start",
            )
        ]


def test_the_bookmarks_of_further_streams_are_still_read() -> None:
    state = {"account": OURS, "bookmarks": {"a": 7, "b": {"account": THEIRS}, "c": GOOD}}
    assert validated(state, "abc", END, lambda *_: None) == {"bookmarks": {"c": GOOD}}


@pytest.mark.parametrize(
    ("found", "account"),
    [(OURS, OURS), ("x" * LONGEST, "x" * LONGEST), ("x" * 101, None), ("", None), (7, None)],
)
def test_a_state_tells_whose_account_it_is_of(found: Any, account: str | None) -> None:
    assert written_for({"account": found}) == account
    assert written_for({}) is None


@pytest.mark.parametrize("state", [None, [], 3, {"bookmarks": None}, {"bookmarks": []}])
def test_a_malformed_state_is_refused(state: Any) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        validated(state, [STREAM], END, lambda *_: None)
    assert "give the value of the last STATE message" in caught.value.errors[0]


def test_a_state_without_bookmarks_is_one_of_a_first_run() -> None:
    assert validated({}, [STREAM], END, lambda *_: None) == {"bookmarks": {}}
