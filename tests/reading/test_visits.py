"""Which parents a sweep reads, by their counts, without any request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pendulum
import pytest
import time_machine

from tap_constantcontact.config.dates import BEGINNING, parse_instant
from tap_constantcontact.config.windows import DateSettings, ReportDateSettings
from tap_constantcontact.reading import counts
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.query import Change, Creation, Query
from tap_constantcontact.reading.sweeps import Sweeps
from tap_constantcontact.reading.visits import Moved
from tap_constantcontact.state.bookmarks import Place
from tap_constantcontact.state.tally import BUCKETS, Tally, joined, parsed
from tests.catalogs import read_whole
from tests.runs import Runner, tap_with
from tests.sandboxes import PRESENT

STREAM = "email_opens"
GROUPS = {"opens": ("opens",), "rest": ("clicks", "bounces")}
LAST, FULL = "2026-11-01T00:00:00Z", "2026-10-20T00:00:00Z"
PLACE = Place.of("2026-01-01T00:00:00Z", "a")

BEFORE: dict[str, dict[str, int | None]] = {
    "a": {"opens": 1, "clicks": 0, "bounces": None},
    "b": {"opens": 0, "clicks": 2, "bounces": 3},
    "c": {"opens": None, "clicks": 0, "bounces": 0},
    "quiet": {"opens": 0, "clicks": 0, "bounces": 0},
    "old": {"opens": 5, "clicks": 0, "bounces": 0},
}
WATCHED = [key for key in BEFORE if key != "old"]


def campaigns(keys: Iterable[str]) -> Any:
    """A stream that lists these campaigns, of which the one that is called old changed first."""

    class Campaigns:
        name = "email_campaigns"
        creation = Creation()
        converter = logger = cast("Any", type("Quiet", (), {"report": lambda *_: None}))()

        def __init__(self, run: Runner) -> None: ...

        def queries(self) -> list[Query]:
            return [Query()]

        def collect(self, _: Query) -> Iterator[dict[str, str]]:
            for day, key in enumerate(keys, 1):
                yield {
                    "campaign_id": key,
                    "created_at": f"2026-01-{day:02}T00:00:00Z",
                    "updated_at": "2026-01-01" if key == "old" else f"2026-02-{day:02}",
                }

    return Campaigns


def stats_of(campaigns: ParentType, told: Mapping[str, Mapping[str, int | None]]) -> Any:
    """A report that tells these counts of campaigns."""

    class Stats:
        parents = campaigns
        ids_a_request = 2

        def __init__(self, run: Runner) -> None: ...

        def rows_about(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
            for key in keys:
                yield {"campaign_id": key, "stats": told[key]}

    return Stats


def tallies(*groups: str) -> str:
    def count(key: str, group: str) -> int:
        return sum(BEFORE[key][name] or 0 for name in GROUPS[group])

    return joined(
        {group: Tally.of({key: count(key, group) for key in WATCHED}) for group in groups or GROUPS}
    )


@pytest.fixture(autouse=True)
def watch_all_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "WATCHED", len(WATCHED))


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
        order: Iterable[str] = BEFORE,
        *,
        keeps_growth: bool = False,
        **settings: Any,
    ) -> None:
        config = {"access_token": "t", **settings}
        catalog = None
        if settings.pop("whole", None):
            catalog = tap_with({"access_token": "t"}).catalog_dict
            read_whole(catalog, STREAM)
            config.pop("whole")
        tap = tap_with(config, {"bookmarks": {STREAM: bookmark or {}}}, catalog=catalog)
        dates = ReportDateSettings if "report_date" in settings else DateSettings
        self.sweeps = Sweeps(
            cast("Any", tap.streams[STREAM]),
            dates.of(tap.config),
            lookback,
            filters=(),
            others=Moved.settings,
        )
        parents = ParentType("campaign_id", campaigns(order), changed=Change("", "updated_at"))
        self.visits = Moved(stats_of(parents, stats), GROUPS, keeps_growth=keeps_growth)
        self.sweeps.begin()
        self.visits.begin(self.sweeps)
        self.window = self.visits.window(self.sweeps)
        self._state = tap.run.state

    @property
    def bookmark(self) -> dict[str, Any]:
        return dict(self._state["bookmarks"][STREAM])

    @property
    def due(self) -> dict[str, set[str]]:
        """The parents to read, each with the names of the counts to read."""
        places = self.visits.due(self.sweeps, self.sweeps.current)
        return {place.parent_id: {*self.moved(place.parent_id)} for place in places}

    def moved(self, parent_id: str) -> dict[str, int | None]:
        return self.visits.moved(self.sweeps, parent_id)

    def finish(self) -> None:
        self.visits.finish(self.sweeps)
        self.sweeps.finish()


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
    assert reading.visits.is_full(reading.sweeps) is is_full


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
    assert Reading().due == {
        "a": {"opens"},
        "b": {"clicks", "bounces"},
        "c": {"opens"},
        "old": {"opens"},
    }


def test_the_newest_parents_come_first() -> None:
    order = ["old", "c", "b", "a", "quiet"]
    assert [*Reading(order=order).due] == ["a", "b", "c", "old"]


# Other readings


def test_a_reading_visits_the_watched_parents_whose_counts_moved() -> None:
    stats: Any = {key: dict(counts) for key, counts in BEFORE.items()}
    stats["a"]["opens"] += 1
    stats["b"]["bounces"] += 1
    stats["old"]["opens"] += 1
    assert Reading(INCREMENTAL, stats).due == {"a": {"opens"}, "b": {"clicks", "bounces"}}


def test_nothing_is_due_where_no_count_moved() -> None:
    assert Reading(INCREMENTAL).due == {}


@pytest.mark.parametrize(
    ("counts", "due"),
    [
        (None, {"a": {"opens", "bounces"}, "b": {"clicks", "bounces"}, "c": {"opens"}}),
        (tallies("rest"), {"a": {"opens"}, "b": set(), "c": {"opens"}}),
    ],
)
def test_counts_that_were_not_kept_may_have_moved(
    counts: str | None, due: dict[str, set[str]]
) -> None:
    assert Reading(INCREMENTAL | {"counts": counts}).due == due | {"quiet": set()}


def test_the_counts_to_read_are_those_that_are_not_zero() -> None:
    reading = Reading()
    assert reading.moved("a") == {"opens": 1}
    assert reading.moved("c") == {"opens": None}
    assert reading.moved("b") == {"clicks": 2, "bounces": 3}
    assert reading.moved("quiet") == {}


# The state


def test_the_counts_of_a_reading_are_kept_once_it_is_over() -> None:
    reading = Reading()
    assert parsed(reading.bookmark["counts"])["opens"].moved == (None,) * BUCKETS
    reading.finish()
    assert reading.bookmark["counts"] == tallies()
    for key in ("full_read_at", "replication_key_value"):
        assert reading.bookmark[key] == "2026-11-10T12:00:00Z"


def test_a_reading_that_goes_on_keeps_the_counts_of_its_begin() -> None:
    first = Reading(INCREMENTAL)
    first.sweeps.move_on(Place.of("2026-01-04T00:00:00Z", "quiet"))
    stats = {key: dict.fromkeys(counts, 9) for key, counts in BEFORE.items()}
    second = Reading(first.bookmark, stats)
    assert second.due == {key: {*BEFORE[key]} for key in ("a", "b", "c")}
    second.finish()
    assert second.bookmark["counts"] == tallies()
    assert second.bookmark["full_read_at"] == FULL


@pytest.mark.parametrize("keeps_growth", [False, True])
@pytest.mark.parametrize("settings", [{}, {"full_sweep_days": 40}])
def test_what_moved_before_a_reading_is_due_until_one_is_over(
    settings: dict[str, Any], *, keeps_growth: bool
) -> None:
    stats: Any = {key: dict(counts) for key, counts in BEFORE.items()}
    stats["a"]["opens"] += 3
    first = Reading(INCREMENTAL, stats, keeps_growth=keeps_growth)
    stats["a"]["opens"] += 250
    stats["b"]["clicks"] += 2
    second = Reading(first.bookmark, stats, keeps_growth=keeps_growth, **settings)
    a, b = (second.visits.growths(second.sweeps, key) for key in ("a", "b"))
    assert a == {"opens": 253 if keeps_growth else None, "rest": 0}
    assert b["rest"] == (None if settings and not keeps_growth else 2)
    third = Reading(second.bookmark, stats, keeps_growth=keeps_growth)
    assert third.due == {"a": {"opens"}, "b": {"clicks", "bounces"}}
    third.finish()
    moved_during_the_sweep = {} if settings else {"a": {"opens"}, "b": {"clicks", "bounces"}}
    fourth = Reading(third.bookmark, stats, keeps_growth=keeps_growth)
    assert fourth.due == moved_during_the_sweep


@pytest.mark.parametrize("settings", [{"whole": True}, {"report_date": "2026-11-01"}])
def test_a_reading_that_moves_no_bookmark_keeps_no_counts(settings: dict[str, Any]) -> None:
    reading = Reading(INCREMENTAL | {"counts": ""}, **settings)
    before = reading.bookmark
    reading.finish()
    after = reading.bookmark
    kept = ("counts", "full_read_at", "replication_key_value")
    assert {key: after[key] for key in kept} == {key: before.get(key) for key in kept}


def test_a_state_has_every_key_of_a_reading_from_its_begin() -> None:
    assert Reading().bookmark.keys() == {
        *("account", "filters", "replication_key", "replication_key_value", "sweep"),
        *("full_read_at", "counts"),
    }
