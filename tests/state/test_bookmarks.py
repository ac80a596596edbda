"""States that were merged or damaged: nothing is lost, and nothing that was over comes back."""

from __future__ import annotations

import copy
import json
import pickle
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.state.bookmarks import Bookmark
from tap_constantcontact.state.loading import validated
from tap_constantcontact.state.tally import BUCKETS, Tally, joined, parsed
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, DETAILS, NAMES, SUMMARY, partly_slow
from tests.processes import TAP, Command
from tests.runs import Run, Runner, merge, sync
from tests.sandboxes import PRESENT

SMALL = pickle.dumps(Account(size=2, now=datetime(2024, 7, 20, tzinfo=timezone.utc)))

STREAMS_READ = ("contacts", *CONTACT_REPORTS)


@pytest.fixture(scope="module")
def small() -> Iterator[Sandbox]:
    with Sandbox(pickle.loads(SMALL)) as running:
        yield running


class Step(NamedTuple):
    """A run that is killed, or whose state arrives only up to a point.

    Attributes:
        fresh: Whether the run gets no state, as with Meltano's `--full-refresh`.
        budget: Requests that it may send.
        arrives: Share of its lines that arrive at the target.
        changes: Numbers of the contacts that do something before it.
    """

    fresh: bool
    budget: int | None
    arrives: float
    changes: list[int]


STEPS = st.lists(
    st.builds(
        Step,
        fresh=st.booleans(),
        budget=st.none() | st.integers(1, 12),
        arrives=st.just(1.0) | st.floats(0, 1),
        changes=st.lists(st.integers(0, 3), max_size=2, unique=True),
    ),
    min_size=1,
    max_size=4,
)


LAST = Step(fresh=False, budget=None, arrives=1.0, changes=[])


TO_THE_END = (LAST, LAST)
"""A run that finishes what is under way, and one that reads what happened meanwhile."""


class World:
    """An account that changes, the runs that read it, and what arrives at a target.

    Attributes:
        state: What the runner has merged from the lines that arrived.
        loaded: The records that arrived, by stream and key.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.account: Account = pickle.loads(SMALL)
        sandbox.api.account = sandbox.account = self.account
        self.state: dict[str, Any] = {}
        self.loaded: dict[str, dict[Any, Any]] = {name: {} for name in STREAMS_READ}
        self._now = PRESENT
        self._config = {
            "api_url": sandbox.api_url,
            "auth_url": sandbox.auth_url,
            "requests_per_second": 10_000,
            "contacts_refresh_days": 0,
            "contact_includes": [],
        }
        self._sandbox = sandbox

    def take(self, step: Step) -> None:
        self._now += timedelta(hours=1)
        with time_machine.travel(self._now, tick=True):
            for number in step.changes:
                self._change(number)
            self._now += timedelta(minutes=1)
        with time_machine.travel(self._now, tick=True):
            config = {**self._config, "access_token": self._sandbox.authorization.issue()}
            if step.budget:
                config["request_budget"] = step.budget
            lines = sync(config, {} if step.fresh else self.state, STREAMS_READ).lines
        arrived = lines[: round(step.arrives * len(lines))]
        run = Run(arrived)
        for name in STREAMS_READ:
            self.loaded[name] |= run.by_key(name)
        for line in arrived:
            if line["type"] == "STATE":
                merge(copy.deepcopy(line["value"]), self.state)

    def _change(self, number: int) -> None:
        contact_id = [*self.account.contacts][number]
        if status(self.account.contacts[contact_id]) == "deleted":
            return
        mail = next(row for rows in self.account.events.values() for row in rows)
        source = {key: mail[key] for key in ("campaign_activity_id", "campaign_activity_name")}
        self.account.add_event(contact_id, "em_opens", self._now, **source)
        self.account.edit(contact_id, self._now)

    def assert_all_is_loaded(self) -> None:
        expected = Expected(self.account)
        assert {key: row["updated_at"] for key, row in self.loaded["contacts"].items()} == {
            key: row["updated_at"] for key, row in expected.contacts().items()
        }
        assert self.loaded["contact_activity_details"] == expected.contact_activity_details()
        # Counts of older e-mails grow on beyond the lookback, by design.
        assert (
            self.loaded["contact_action_summary"].keys() == expected.contact_action_summary().keys()
        )


@pytest.mark.timeout(900)
@given(steps=STEPS)
def test_no_row_is_lost_when_runs_go_on_from_merged_states(
    small: Sandbox, steps: list[Step]
) -> None:
    world = World(small)
    for step in (*steps, *TO_THE_END):
        world.take(step)
    world.assert_all_is_loaded()


def test_a_finished_sweep_stays_finished_when_its_state_is_merged(small: Sandbox) -> None:
    world = World(small)
    world.take(Step(fresh=False, budget=4, arrives=1.0, changes=[]))
    assert world.state["bookmarks"][SUMMARY]["sweep"]
    world.take(Step(fresh=True, budget=None, arrives=1.0, changes=[0]))
    bookmarks = {name: world.state["bookmarks"][name] for name in CONTACT_REPORTS}
    assert all(Bookmark(world.state, name).swept_at for name in bookmarks)
    world.take(LAST)
    for name, bookmark in bookmarks.items():
        moved = world.state["bookmarks"][name]["replication_key_value"]
        assert moved >= bookmark["replication_key_value"]
    world.assert_all_is_loaded()


def test_every_state_of_a_run_has_every_key(small: Sandbox) -> None:
    world = World(small)
    world.take(LAST)
    keys = {"replication_key", "replication_key_value", "filters", "sweep"}
    for name in CONTACT_REPORTS:
        assert world.state["bookmarks"][name].keys() >= keys


def test_state_does_not_grow_with_the_contacts(run: Runner) -> None:
    states = [line for line in run().lines if line["type"] == "STATE"]
    assert max(len(json.dumps(line)) for line in states) < 2048


@pytest.mark.slow
def test_the_state_of_all_streams_is_short(run: Runner) -> None:
    state = {"account": "0123456789abcdef", "bookmarks": {}}
    lines = run(state=state, streams=NAMES).lines
    states = [json.dumps(line) for line in lines if line["type"] == "STATE"]
    assert all('"account": "0123456789abcdef"' in state for state in states)
    assert max(map(len, states)) <= 8192


def line_of(state: dict[str, Any]) -> str:
    return json.dumps({"type": "STATE", "value": state}, separators=(",", ":"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "source", "most"),
    [
        ((), "contacts", 2048),
        (STREAMS_READ, "campaigns", 2048),
        (NAMES, "contacts", 8192),
        (NAMES, "campaigns", 8192),
    ],
)
def test_the_state_is_short_even_with_three_sweeps_under_way_and_all_counts_moved(
    run: Runner, streams: tuple[str, ...], source: str, most: int
) -> None:
    state: dict[str, Any] = {"account": "01234567", "bookmarks": {}}
    state = run(state=state, streams=streams, report_source=source).state
    chance = random.Random(24)
    for bookmark in state["bookmarks"].values():
        if counts := bookmark.get("counts"):
            moved = {name: Tally(chance.randbytes(BUCKETS)) for name in parsed(counts)}
            bookmark["counts"] = joined(moved)
    later = run(state=state, streams=streams, report_source=source, full_sweep_days=1)
    seen = [line["value"]["bookmarks"] for line in later.lines if line["type"] == "STATE"]
    under_way = {
        name: max((one[name] for one in seen if name in one), key=lambda of: len(json.dumps(of)))
        for name in state["bookmarks"]
    }

    def grown(name: str) -> int:
        return len(json.dumps(under_way[name])) - len(json.dumps(state["bookmarks"][name]))

    *cut_before, being_read = sorted(under_way, key=grown)[-3:]
    for name in cut_before:
        under_way[name].pop("starting_replication_value", None)  # only while a stream is being read
    for name in (*cut_before, being_read):
        state["bookmarks"][name] = under_way[name]
    assert len(line_of(state)) <= most


@pytest.mark.parametrize(
    ("stream", "budget"),
    [("email_links", 25), ("contact_open_and_click_rates", 25), ("event_registrations", 8)],
)
def test_a_full_table_is_read_on_from_its_place_and_not_twice(
    run: Runner, expected: Expected, requests_seen: list[Any], stream: str, budget: int
) -> None:
    state: dict[str, Any] = {"account": "0123456789abcdef", "bookmarks": {}}
    loaded: dict[Any, Any] = {}
    runs = 0
    while not runs or Bookmark(state, stream).sweep:
        result = run(state=state, streams=stream, budget=budget)
        state = json.loads(json.dumps(result.state))
        loaded |= result.by_key(stream)
        runs += 1
    assert runs > 2
    assert loaded == expected[stream]
    reports = [request.path for request in requests_seen if "/reports/" in request.path]
    assert len(reports) - len(set(reports)) <= 9 * runs


@pytest.mark.slow
def test_a_full_table_of_another_account_starts_over(run: Runner, expected: Expected) -> None:
    state = {"account": "0123456789abcdef", "bookmarks": {}}
    stream = "contact_open_and_click_rates"
    first = run(state=state, streams=stream, budget=25)
    second = run(state=first.state | {"account": "fedcba9876543210"}, streams=stream)
    assert second.by_key(stream) == expected[stream]


@pytest.mark.parametrize(
    "sweep", ["soon", "- -", "2026-01-01 x y", f"2026-01-01 x 2026-01-01 {'y' * 101}", 7, {}]
)
def test_a_damaged_sweep_begins_anew(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture, sweep: Any
) -> None:
    result = run(streams="email_links", state={"bookmarks": {"email_links": {"sweep": sweep}}})
    assert "state's sweep of email_links is damaged" in caplog.text
    assert result.by_key("email_links") == expected.email_links()


DAMAGE: dict[str, tuple[Any, str]] = {
    "a sweep in another form": ({"sweep": {"began": "2026-01-01T00:00:00Z"}}, "sweep"),
    "a sweep without a parent": ({"sweep": "2026-01-01T00:00:00Z f00d 2026-01-01"}, "sweep"),
    "a sweep that is none": ({"sweep": "yes"}, "sweep"),
    "a bookmark that is no date": ({"replication_key_value": "yesterday"}, "replication_key_value"),
    "partitions": ({"partitions": [{"context": {"contact_id": "a"}}] * 500}, "partitions"),
    "no bookmark": ("gone", "bookmark"),
    "a bookmark from before all e-mail": (
        {"replication_key_value": "0001-01-01T00:00:00Z"},
        "replication_key_value",
    ),
    "a bookmark beyond all calendars": (
        {"replication_key_value": "9999-12-31T23:59:59Z"},
        "replication_key_value",
    ),
}


@pytest.mark.parametrize("name", partly_slow([*DAMAGE][:3], [*DAMAGE][3:]))
def test_a_damaged_state_is_read_again(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    bookmark, key = DAMAGE[name]
    result = run(streams=DETAILS, state={"bookmarks": {DETAILS: bookmark}})
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    (warning,) = [message for message in said if "state" in message]
    assert f"state's {key} of contact_activity_details is damaged" in warning
    assert result.by_key(DETAILS) == expected.contact_activity_details()
    assert len(json.dumps(result.state)) < 2048


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


KEYS = st.sampled_from(["sweep", "replication_key_value", "filters", "other"])


@given(st.dictionaries(st.sampled_from(CONTACT_REPORTS), JSON | st.dictionaries(KEYS, JSON)))
def test_every_bookmark_is_taken_or_replaced(bookmarks: dict[str, Any]) -> None:
    kept = validated({"bookmarks": bookmarks}, CONTACT_REPORTS, PRESENT, lambda *_: None)
    assert len(json.dumps(kept)) <= 2048
    assert (
        validated(kept, CONTACT_REPORTS, PRESENT, lambda *_: pytest.fail("left out again")) == kept
    )


@pytest.mark.parametrize("content", ["[]", "3", '{"bookmarks": []}', "{"])
def test_a_state_file_without_a_state_ends_with_one_line(tmp_path: Path, content: str) -> None:
    config = {"access_token": "t", "api_url": "http://127.0.0.1:1"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "state.json").write_text(content)
    options = ("--config=config.json", "--state=state.json")
    result = Command(TAP, *options, folder=tmp_path).run()
    assert result.returncode == 1
    assert len([line for line in result.stderr.splitlines() if "ERROR" in line]) == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
