"""Which parents are due, by their counts, without any request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pendulum
import pytest
import time_machine

from tap_constantcontact.config.dates import BEGINNING, parse_instant
from tap_constantcontact.config.windows import DateSettings, ReportDateSettings
from tap_constantcontact.reading.change_sweeps import ChangeSweeps
from tap_constantcontact.reading.sweeps import Reach
from tap_constantcontact.state.bookmarks import Place
from tap_constantcontact.state.tally import Tally, joined
from tap_constantcontact.streams.campaigns import CAMPAIGNS
from tests.catalogs import read_whole
from tests.harness import PRESENT, tap_with

STREAM = "email_opens"
GROUPS = {"opens": ("opens",), "rest": ("clicks", "bounces")}
LAST, FULL = "2026-11-01T00:00:00Z", "2026-10-20T00:00:00Z"
PLACE = Place.of("2025-12-24T18:00:00Z", "a")

BEFORE: dict[str, dict[str, int | None]] = {
    "a": {"opens": 1, "clicks": 0, "bounces": None},
    "b": {"opens": 0, "clicks": 2, "bounces": 3},
    "c": {"opens": None, "clicks": 0, "bounces": 0},
    "quiet": {"opens": 0, "clicks": 0, "bounces": 0},
    "old": {"opens": 5, "clicks": 0, "bounces": 0},
}
WATCHED = frozenset(BEFORE) - {"old"}


class Told:
    """The counts as the API tells them."""

    watched = WATCHED

    def __init__(self, stats: dict[str, dict[str, int | None]]) -> None:
        self._stats = stats

    def of(self, parent_ids: Sequence[str], names: Sequence[str]) -> dict[str, int | None]:
        found = {key: [self._stats[key][name] for name in names] for key in parent_ids}
        return {
            key: None if set(counts) == {None} else sum(count or 0 for count in counts)
            for key, counts in found.items()
        }

    def tally(self, names: Sequence[str]) -> Tally:
        return Tally.of({key: count or 0 for key, count in self.of([*WATCHED], names).items()})


def tallies(*groups: str) -> str:
    return joined({group: Told(BEFORE).tally(GROUPS[group]) for group in groups or GROUPS})


@pytest.fixture(autouse=True)
def stand_still() -> Iterator[None]:
    with time_machine.travel(PRESENT, tick=False):
        yield


class Reading:
    """The sweeps of a report whose counts were those of `BEFORE` on its last run."""

    def __init__(
        self,
        bookmark: dict[str, Any] | None = None,
        stats: Any = BEFORE,
        lookback: int = 1,
        **settings: Any,
    ) -> None:
        config = {"access_token": "t", **settings}
        catalog = None
        if settings.pop("whole", None):
            catalog = tap_with({"access_token": "t"}).catalog_dict
            read_whole(catalog, STREAM)
            config.pop("whole")
        tap = tap_with(config, {"bookmarks": {STREAM: bookmark or {}}}, catalog=catalog)
        tap.run.counts[CAMPAIGNS] = Told(stats)
        span = ReportDateSettings if "report_date" in settings else DateSettings
        stream = cast(Any, tap.streams[STREAM])
        self.sweeps = ChangeSweeps(stream, Reach(lookback, span, ()), CAMPAIGNS, GROUPS)
        self.sweep, self.window = self.sweeps.begin()
        self._state = tap.run.state

    @property
    def bookmark(self) -> dict[str, Any]:
        return dict(self._state["bookmarks"][STREAM])

    def due(self, *parent_ids: str) -> dict[str, set[str]]:
        due = self.sweeps.due(self.sweep, parent_ids or [*BEFORE])
        return {key: {*groups} for key, groups in due.items()}


INCREMENTAL = {"replication_key_value": LAST, "full_read_at": FULL, "counts": tallies()}


# Full readings


@pytest.mark.parametrize(
    ("bookmark", "settings", "is_full"),
    [
        ({}, {}, True),
        ({}, {"full_sweep_days": 0}, True),
        (INCREMENTAL, {}, False),
        (INCREMENTAL, {"full_sweep_days": 22}, False),
        (INCREMENTAL, {"full_sweep_days": 21}, True),
        (INCREMENTAL, {"full_sweep_days": 1}, True),
        (INCREMENTAL, {"full_sweep_days": 0}, False),
        (INCREMENTAL, {"whole": True}, True),
        (INCREMENTAL, {"report_date": "2026-11-01"}, True),
        ({"replication_key_value": LAST}, {}, True),
        ({"replication_key_value": LAST}, {"full_sweep_days": 0}, False),
        (INCREMENTAL | {"full_read_at": "2026-10-20T12:00:00Z"}, {"full_sweep_days": 21}, True),
        (INCREMENTAL | {"full_read_at": "2026-10-20T12:00:01Z"}, {"full_sweep_days": 21}, False),
    ],
)
def test_the_first_reading_is_full_and_one_each_time_that_the_days_are_over(
    bookmark: dict[str, Any], settings: dict[str, Any], *, is_full: bool
) -> None:
    reading = Reading(bookmark, **settings)
    assert reading.sweeps.is_full(reading.sweep) is is_full


@pytest.mark.parametrize(
    ("bookmark", "lookback", "start"),
    [
        ({}, 1, BEGINNING),
        (INCREMENTAL, 1, parse_instant("2026-10-31")),
        (INCREMENTAL | {"full_read_at": "2026-10-01T00:00:00Z"}, 3, parse_instant("2026-09-28")),
        (INCREMENTAL | {"full_read_at": "2026-10-01T00:00:00Z"}, 40, parse_instant("2026-08-22")),
        ({"replication_key_value": LAST}, 1, parse_instant("2026-10-31")),
        ({"full_read_at": "2026-10-01T00:00:00Z"}, 1, BEGINNING),
    ],
)
def test_a_full_reading_covers_what_is_new_since_the_last_full_one(
    bookmark: dict[str, Any], lookback: int, start: pendulum.DateTime
) -> None:
    reading = Reading(bookmark, lookback=lookback)
    assert reading.window.start == start
    assert reading.window.end == pendulum.instance(PRESENT).add(days=1)


def test_a_full_reading_visits_all_parents_that_may_have_events() -> None:
    assert Reading().due() == {
        "a": {"opens"},
        "b": {"rest"},
        "c": {"opens"},
        "old": {"opens"},
    }


def test_parents_come_in_the_order_in_which_they_are_given() -> None:
    assert [*Reading().due("old", "c", "b", "a")] == ["old", "c", "b", "a"]


# Other readings


def test_a_reading_visits_the_watched_parents_whose_counts_moved() -> None:
    stats: Any = {key: dict(counts) for key, counts in BEFORE.items()}
    stats["a"]["opens"] += 1
    stats["b"]["bounces"] += 1
    stats["old"]["opens"] += 1
    reading = Reading(INCREMENTAL, stats)
    assert reading.due() == {"a": {"opens"}, "b": {"rest"}}
    assert reading.due("quiet", "b") == {"b": {"rest"}}


def test_nothing_is_due_where_no_count_moved() -> None:
    assert Reading(INCREMENTAL).due() == {}


@pytest.mark.parametrize(
    ("counts", "groups"), [(None, {"opens", "rest"}), (tallies("rest"), {"opens"})]
)
def test_counts_that_were_not_kept_may_have_moved(counts: str | None, groups: set[str]) -> None:
    assert Reading(INCREMENTAL | {"counts": counts}).due() == dict.fromkeys(WATCHED, groups)


def test_the_counts_to_read_are_those_that_are_not_zero() -> None:
    sweeps = Reading().sweeps
    assert sweeps.counted("a", ["opens", "rest"]) == {"opens": 1, "bounces": None}
    assert sweeps.counted("b", ["rest"]) == {"clicks": 2, "bounces": 3}
    assert sweeps.counted("quiet", GROUPS) == {}


# The state


def test_the_counts_of_a_reading_are_kept_once_it_is_over() -> None:
    reading = Reading()
    reading.due()
    assert (reading.bookmark["counts"], reading.bookmark["next_counts"]) == (None, tallies())
    reading.sweeps.finish(reading.sweep)
    assert (reading.bookmark["counts"], reading.bookmark["next_counts"]) == (tallies(), None)
    for key in ("full_read_at", "replication_key_value"):
        assert reading.bookmark[key] == "2026-11-10T12:00:00Z"


def test_a_reading_that_goes_on_keeps_the_counts_of_its_begin() -> None:
    first = Reading(INCREMENTAL)
    first.due()
    first.sweeps.move_on(first.sweep, PLACE)
    stats = {key: dict.fromkeys(counts, 9) for key, counts in BEFORE.items()}
    second = Reading(first.bookmark, stats)
    assert second.due("b") == {"b": {"opens", "rest"}}
    second.sweeps.finish(second.sweep)
    assert second.bookmark["counts"] == tallies()
    assert second.bookmark["full_read_at"] == FULL


@pytest.mark.parametrize("settings", [{"whole": True}, {"report_date": "2026-11-01"}])
def test_a_reading_that_moves_no_bookmark_keeps_no_counts(settings: dict[str, Any]) -> None:
    reading = Reading(INCREMENTAL | {"counts": "", "next_counts": None}, **settings)
    before = reading.bookmark
    reading.due()
    reading.sweeps.finish(reading.sweep)
    after = reading.bookmark
    kept = ("counts", "next_counts", "full_read_at", "replication_key_value")
    assert {key: after[key] for key in kept} == {key: before.get(key) for key in kept}


def test_a_state_has_every_key_of_a_reading_from_its_begin() -> None:
    assert Reading().bookmark.keys() == {
        *("account", "filters", "replication_key", "replication_key_value", "sweeps"),
        *("full_read_at", "counts", "next_counts"),
    }
