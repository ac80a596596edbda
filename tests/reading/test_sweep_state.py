"""What a sweep covers, what it leaves in the state, and when it goes on; without any request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pendulum
import pytest
import time_machine

from tap_constantcontact.config.dates import BEGINNING, parse_instant
from tap_constantcontact.config.settings import DAYS, INSTANTS, PROPERTIES
from tap_constantcontact.config.windows import Window
from tap_constantcontact.reading.sweeps import Sweeps
from tap_constantcontact.state.bookmarks import UNKNOWN, Place
from tap_constantcontact.state.bookmarks import Sweep as UnderWay
from tests.catalogs import read_whole
from tests.clocks import StillClock
from tests.parameters import DETAILS, SUMMARY, partly_slow
from tests.runs import tap_with
from tests.sandboxes import PRESENT

NOW = pendulum.instance(PRESENT)
TOMORROW = NOW.add(days=1)
LINKS = "email_links"
"""A stream that is read whole on each run."""

LAST = "2026-11-01T06:00:00Z"
PLACE = Place.of("2025-12-24T18:00:00Z", "7")

Given = dict[str, Any]


class Sweeping:
    """A report of a tap that is set up, with its part of the state."""

    def __init__(
        self, name: str, bookmark: Given, settings: Given, account: str | None, *, whole: bool
    ) -> None:
        config = {"access_token": "t", **settings}
        state = {"account": account, "bookmarks": {name: bookmark}}
        catalog = tap_with(config).catalog_dict if whole else None
        if catalog:
            read_whole(catalog, name)
        tap = tap_with(config, state, catalog=catalog, clock=StillClock(PRESENT.timestamp() + 600))
        self.sweeps: Sweeps = tap.streams[name].sweeps  # type: ignore[attr-defined]
        self._name = name
        self._state = tap.run.state

    def begin(self) -> tuple[UnderWay, Window]:
        """Begin or resume a sweep; returns it with the window that it covers."""
        self.sweeps.begin()
        return self.sweeps.current, self.sweeps.window()

    @property
    def bookmark(self) -> Given:
        found: Given = self._state.get("bookmarks", {}).get(self._name, {})
        return dict(found)


Sweep = Callable[..., Sweeping]


@pytest.fixture(autouse=True)
def stand_still() -> Iterator[None]:
    with time_machine.travel(PRESENT, tick=False):
        yield


@pytest.fixture
def sweep() -> Sweep:
    def sweep(
        name: str = DETAILS,
        bookmark: Given | None = None,
        account: str | None = None,
        *,
        whole: bool = False,
        **settings: Any,
    ) -> Sweeping:
        return Sweeping(name, bookmark or {}, settings, account, whole=whole)

    return sweep


# What it covers


@pytest.mark.parametrize(
    ("name", "settings", "last", "start"),
    [
        (DETAILS, {}, None, BEGINNING),
        (DETAILS, {"start_date": "2026-06-01"}, None, "2026-06-01"),
        (DETAILS, {}, LAST, "2026-10-31T06:00:00Z"),
        (SUMMARY, {}, LAST, "2026-10-02T06:00:00Z"),
        (DETAILS, {"lookback_days": 5}, LAST, "2026-10-27T06:00:00Z"),
        (DETAILS, {"lookback_days": 0}, LAST, LAST),
        (DETAILS, {"start_date": "2026-06-01"}, LAST, "2026-10-31T06:00:00Z"),
        ("email_opens", {"lookback_days": 5}, LAST, "2026-10-31T06:00:00Z"),
        (LINKS, {}, None, BEGINNING),
    ],
)
def test_a_sweep_covers_what_is_new_since_the_last_one(
    sweep: Sweep, name: str, settings: Given, last: str | None, start: Any
) -> None:
    _, window = sweep(name, {"replication_key_value": last}, **settings).begin()
    since = parse_instant(start) if isinstance(start, str) else start
    assert window == Window(since, TOMORROW)


def test_a_window_that_settings_fix_is_covered_whatever_the_bookmark(sweep: Sweep) -> None:
    report = sweep(DETAILS, {"replication_key_value": LAST}, report_date="2026-05-04")
    _, window = report.begin()
    assert window == Window(parse_instant("2026-05-04"), parse_instant("2026-05-05"))


def test_a_report_that_is_read_whole_covers_everything(sweep: Sweep) -> None:
    report = sweep(DETAILS, {"replication_key_value": LAST}, whole=True, start_date="2026-06-01")
    _, window = report.begin()
    assert window.start == BEGINNING


# What it leaves in the state


@pytest.mark.parametrize(
    ("name", "settings", "keys"),
    [
        (
            DETAILS,
            {},
            "account filters replication_key replication_key_value sweep",
        ),
        (DETAILS, {"report_days_back": 3}, "account sweep"),
        (LINKS, {}, "sweep"),
    ],
)
def test_a_state_has_every_key_of_a_sweep_from_its_begin(
    sweep: Sweep, name: str, settings: Given, keys: str
) -> None:
    report = sweep(name, **settings)
    report.begin()
    assert report.bookmark.keys() == {*keys.split()}


def test_a_sweep_that_is_cut_short_goes_on_after_its_last_parent(
    sweep: Sweep, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    first = sweep()
    begun, _ = first.begin()
    assert first.sweeps.under_way() is None
    first.sweeps.move_on(PLACE)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["value"]["bookmarks"][DETAILS] == first.bookmark
    first.sweeps.move_on(Place(UNKNOWN, "a parent without a date"))
    second = sweep(bookmark=first.bookmark)
    resumed, _ = second.begin()
    assert resumed == second.sweeps.under_way() == second.sweeps.current
    assert (resumed.began, resumed.place) == (begun.began, PLACE)
    assert "changed while a sweep" not in caplog.text


def test_a_sweep_that_is_over_leaves_when_it_began_and_when_it_ended(sweep: Sweep) -> None:
    first = sweep()
    first.begin()
    first.sweeps.move_on(PLACE)
    first.sweeps.finish()
    bookmark = first.bookmark
    assert parse_instant(bookmark["sweep"]) == NOW.add(minutes=10)
    assert bookmark["replication_key_value"] == "2026-11-10T12:00:00Z"
    assert bookmark["replication_key"] == "created_time"
    assert bookmark["filters"]


def test_a_window_that_settings_fix_moves_no_bookmark(sweep: Sweep) -> None:
    report = sweep(DETAILS, {"replication_key_value": LAST, "filters": "x"}, report_days_back=3)
    report.begin()
    report.sweeps.finish()
    bookmark = report.bookmark
    assert (bookmark["replication_key_value"], bookmark["filters"]) == (LAST, "x")
    assert parse_instant(bookmark["sweep"]) == NOW.add(minutes=10)


def test_a_stream_that_is_read_whole_has_no_bookmark_to_move(sweep: Sweep) -> None:
    report = sweep(LINKS)
    report.begin()
    report.sweeps.finish()
    assert report.bookmark == {"sweep": "2026-11-10T12:10:00Z"}


# When it goes on


SINCE_MAY = {"report_start_date": "2026-05-01"}


@pytest.mark.parametrize(
    "changed",
    partly_slow(
        [
            {"start_date": "2020-01-01"},
            {"timezone": "Asia/Tokyo"},
        ],
        [
            {"lookback_days": 3},
            {"report_date": "2026-05-01"},
            {"report_days_back": 3},
            SINCE_MAY,
            {"report_start_days_back": 3},
            {"report_end_date": "2026-05-04", **SINCE_MAY},
            {"report_end_days_back": 3, **SINCE_MAY},
            {"tracking_activity_types": ["em_opens"]},
            {"contact_status": ["active"]},
            {"contact_ids": ["a"]},
        ],
    ),
    ids=lambda changed: next(iter(changed)),
)
def test_a_sweep_does_not_go_on_under_settings_that_would_read_something_else(
    sweep: Sweep, caplog: pytest.LogCaptureFixture, changed: Given
) -> None:
    first = sweep(**(SINCE_MAY if len(changed) > 1 else {}))
    begun, _ = first.begin()
    first.sweeps.move_on(PLACE)
    stored = first.bookmark
    stored["sweep"] = str(replace(begun, began=parse_instant(LAST), place=PLACE))
    second = sweep(bookmark=stored, **changed)
    anew, _ = second.begin()
    assert anew.began == NOW
    assert anew.place is None
    assert "settings of contact_activity_details changed while a sweep was under" in caplog.text


OWN_SETTINGS = PROPERTIES.to_dict()["properties"]


def another_value(name: str) -> Any:
    """A value of a setting other than its default."""
    schema = OWN_SETTINGS[name]
    kind = schema["type"][0]
    if choices := schema.get("enum") or schema.get("items", {}).get("enum"):
        choice = next(one for one in choices if one not in (None, schema.get("default")))
        return [choice] if kind == "array" else choice
    if name in (*INSTANTS, *DAYS):
        return "2026-05-04"
    values = {"boolean": not schema.get("default"), "integer": 3, "number": 0.5, "array": ["a"]}
    return {"timezone": "Asia/Tokyo"}.get(name, values.get(kind, "other"))


@pytest.mark.parametrize("settings", [{}, SINCE_MAY], ids=str)
@pytest.mark.parametrize("name", [DETAILS, SUMMARY, "email_opens"])
def test_a_sweep_does_not_go_on_under_any_setting_that_would_change_its_window(
    name: str, settings: Given
) -> None:
    bookmark = {"replication_key_value": LAST, "full_read_at": "2026-10-20T00:00:00Z"}
    tap = tap_with({"access_token": "t"}, {"bookmarks": {name: bookmark}})

    def begin(config: Given) -> Any:
        run = replace(tap.run, config={**tap.config, **settings, **config})
        stream: Any = type(tap.streams[name])
        report = stream(run)
        return report.sweeps.current, report.visits.window(report.sweeps)

    sweep, window = begin({})
    changing, going_on = [], []
    for setting in OWN_SETTINGS:
        other_sweep, other_window = begin({setting: another_value(setting)})
        if other_window != window:
            changing.append(setting)
            if other_sweep.settings == sweep.settings:
                going_on.append(setting)
    assert changing
    assert not going_on


@pytest.mark.parametrize(
    "changed",
    [{"requests_per_second": 1}, {"contact_status": ["deleted", "active"]}, {"full_sweep_days": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_sweep_goes_on_under_other_settings(sweep: Sweep, changed: Given) -> None:
    first = sweep(contact_status=["active", "deleted"])
    first.begin()
    first.sweeps.move_on(PLACE)
    second = sweep(bookmark=first.bookmark, **{"contact_status": ["active", "deleted"], **changed})
    assert second.sweeps.under_way()


@pytest.mark.parametrize("changed", [{"start_date": "2020-01-01"}, {"timezone": "Asia/Tokyo"}])
def test_a_whole_reading_does_not_go_on_under_settings_that_would_read_something_else(
    sweep: Sweep, changed: Given
) -> None:
    first = sweep(LINKS)
    first.begin()
    first.sweeps.move_on(PLACE)
    assert sweep(LINKS, first.bookmark).sweeps.under_way()
    assert sweep(LINKS, first.bookmark, **changed).sweeps.under_way() is None


def test_a_sweep_goes_on_once_the_account_is_known(sweep: Sweep) -> None:
    first = sweep()
    first.begin()
    first.sweeps.move_on(PLACE)
    assert sweep(bookmark=first.bookmark, account="ours").sweeps.under_way()


def test_a_whole_reading_does_not_go_on_with_a_sweep_of_what_is_new(sweep: Sweep) -> None:
    first = sweep()
    first.begin()
    first.sweeps.move_on(PLACE)
    assert sweep(bookmark=first.bookmark, whole=True).sweeps.under_way() is None


def test_a_stream_that_is_read_whole_does_not_go_on_with_another_account(sweep: Sweep) -> None:
    first = sweep(LINKS, account="ours")
    first.begin()
    first.sweeps.move_on(PLACE)
    assert sweep(LINKS, first.bookmark, "ours").sweeps.under_way()
    assert sweep(LINKS, first.bookmark, "theirs").sweeps.under_way() is None


@pytest.mark.parametrize("filters", ["as before", "others", None])
def test_rows_that_old_filters_left_out_are_told(
    sweep: Sweep, caplog: pytest.LogCaptureFixture, filters: str | None
) -> None:
    first = sweep(tracking_activity_types=["em_opens"])
    first.begin()
    first.sweeps.finish()
    bookmark = first.bookmark
    types = {"others": ["em_clicks"]}.get(filters or "", ["em_opens"])
    if filters is None:
        bookmark["filters"] = None
    second = sweep(bookmark=bookmark, tracking_activity_types=types, start_date="2020-01-01")
    second.begin()
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == (filters == "others")
    assert all("filters of contact_activity_details changed" in one.message for one in warned)


def test_a_report_under_way_comes_first_and_then_the_one_that_was_swept_longest_ago(
    sweep: Sweep,
) -> None:
    never, long_ago = sweep(), sweep(bookmark={"sweep": "2026-01-01T00:00:00Z"})
    lately = sweep(bookmark={"sweep": LAST})
    first = sweep()
    begun, _ = first.begin()
    first.sweeps.move_on(PLACE)
    newer, older = first.bookmark, first.bookmark
    older["sweep"] = str(replace(begun, began=parse_instant(LAST), place=PLACE))
    order = [
        sweep(bookmark=older).sweeps.order(),
        sweep(bookmark=newer).sweeps.order(),
        never.sweeps.order(),
        long_ago.sweeps.order(),
        lately.sweeps.order(),
    ]
    assert order == sorted(order)
    assert len({*order}) == len(order)
