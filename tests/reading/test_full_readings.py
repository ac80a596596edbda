"""Readings of all contacts that limits and kills end, and that the next runs go on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_constantcontact.commands import estimate
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.state.loading import unwrapped
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import read_whole, select
from tests.expected import Expected
from tests.runs import Run, Runner, config_for, sync, tap_with
from tests.sandboxes import PRESENT

A_PAGE = 20
PARTS = ("contact_list_memberships", "contact_taggings")
ALL = ("contacts", *PARTS)

pytestmark = [pytest.mark.contacts(200, young=True), pytest.mark.usefixtures("small_pages")]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContactsStream, "page_size", A_PAGE)


@dataclass
class Chain:
    """Runs that start from each other's last state, until one reads to the end.

    Attributes:
        met: The records of all runs by key, of which later ones replace earlier ones.
    """

    run: Runner
    streams: tuple[str, ...]
    state: dict[str, Any] = field(default_factory=dict)
    met: dict[str, dict[Any, Any]] = field(default_factory=dict)

    def add(self, budget: int | None = None, *, kill: float = 1.0, **settings: Any) -> Run:
        """Run the tap, and lose the lines after a part of them as a kill would."""
        whole = self.run(self.state, self.streams, budget=budget, **settings)
        run = Run(whole.lines[: int(kill * len(whole.lines))])
        self.state = run.state or self.state
        for stream in self.streams:
            self.met.setdefault(stream, {}).update(run.by_key(stream))
        return run

    @property
    def is_over(self) -> bool:
        marks = self.state.get("bookmarks", {})
        return all(marks.get(stream, {}).get("full_read_at") for stream in self.streams)

    def finish(self, budgets: Iterator[int]) -> None:
        for budget in budgets:
            if self.is_over:
                return
            self.add(budget)
        pytest.fail("the runs never read to the end")


@pytest.mark.parametrize("streams", [("contacts",), ALL, PARTS], ids=", ".join)
def test_runs_with_few_requests_read_all_contacts_at_the_cost_of_one_run(
    run: Runner, expected: Expected, requests_seen: list[Any], streams: tuple[str, ...]
) -> None:
    run(streams=streams)
    once = len(requests_seen)
    requests_seen.clear()
    chain = Chain(run, streams)
    chain.finish(iter([3] * once))
    assert len(requests_seen) <= 1.1 * once
    assert chain.met == {stream: expected[stream] for stream in streams}


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.tuples(st.integers(3, 9), st.floats(0, 1)), max_size=5),
    streams=st.sampled_from([("contacts",), ALL, PARTS]),
)
def test_no_contact_is_missed_whatever_ends_the_runs(
    run: Runner, expected: Expected, runs: list[tuple[int, float]], streams: tuple[str, ...]
) -> None:
    chain = Chain(run, streams)
    for budget, kill in runs:
        chain.add(budget, kill=kill)
        if chain.is_over:
            break
    else:
        chain.finish(iter([3] * 20))
    assert chain.met == {stream: expected[stream] for stream in streams}


def test_a_kill_costs_little_of_a_reading_of_contacts(
    run: Runner, expected: Expected, requests_seen: list[Any]
) -> None:
    chain = Chain(run, ("contacts",))
    chain.add(kill=0.9)
    whole = len(requests_seen)
    chain.add()
    assert chain.is_over
    assert len(requests_seen) <= whole + 3
    assert chain.met == {"contacts": expected["contacts"]}


def test_what_changes_between_the_runs_of_a_reading_is_in_the_next_reading(
    run: Runner, account: Account
) -> None:
    chain = Chain(run, ("contacts",))
    began = chain.add(3).records["contacts"]
    out, *_, left = (contact["contact_id"] for contact in account.newest_first())
    assert out in {record["contact_id"] for record in began}
    later = PRESENT + timedelta(minutes=10)
    with time_machine.travel(later, tick=True):
        account.delete(out, later)
        account.delete(left, later)
        account.add_contact(later)
        chain.finish(iter([3] * 20))
        assert parse(
            chain.state["bookmarks"]["contacts"]["replication_key_value"]
        ) < PRESENT + timedelta(minutes=1)
        chain.add()
    assert chain.met["contacts"] == Expected(account)["contacts"]


def test_a_finished_reading_leaves_no_place_in_a_merged_state(run: Runner) -> None:
    chain = Chain(run, ALL)
    cut = chain.add(3).state
    chain.finish(iter([3] * 20))
    merged = unwrapped({"completed": cut, "partial": chain.state})
    assert merged == chain.state
    assert all(cut["bookmarks"][stream]["sweep"] for stream in ALL)
    assert not any(chain.state["bookmarks"][stream]["sweep"] for stream in ALL)


@pytest.mark.parametrize(
    "settings",
    [{"contact_includes": []}, {"timezone": "Asia/Tokyo"}, {"contact_status": ["active"]}],
)
def test_a_reading_starts_anew_when_settings_change(
    run: Runner, caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    whole = run(streams="contacts", **settings).by_key("contacts")
    chain = Chain(run, ("contacts",))
    chain.add(3)
    assert chain.add(**settings).by_key("contacts") == whole
    assert "The settings of contacts changed before all of it was read" in caplog.text
    assert chain.state["bookmarks"]["contacts"]["sweep"] is None


def test_an_estimate_counts_what_is_left_of_a_reading(
    run: Runner, sandbox: Sandbox, tmp_path: Path, requests_seen: list[Any]
) -> None:
    chain = Chain(run, ALL)
    chain.add(5)
    figures = estimate.estimated(tap_with(config_for(sandbox, tmp_path), chain.state, ALL))
    requests_seen.clear()
    chain.add()
    assert figures["total"]["requests"] == len(requests_seen) > 0


@pytest.mark.parametrize("budget", [4, None], ids=["in a later run", "at once"])
def test_contacts_are_all_read_when_they_turn_out_to_come_in_no_order(
    run: Runner,
    account: Account,
    expected: Expected,
    monkeypatch: pytest.MonkeyPatch,
    budget: int | None,
) -> None:
    found = account.contacts.newest_first
    (newest, *_) = found(bool)

    def in_order(others: slice) -> None:
        def reordered(*args: Any) -> list[Any]:
            rows = found(*args)
            last = [row for row in rows if row == newest]
            return [row for row in rows if row != newest][others] + last

        monkeypatch.setattr(account.contacts, "newest_first", reordered)

    chain = Chain(run, ("contacts",))
    in_order(slice(None))
    chain.add(3)
    assert chain.state["bookmarks"]["contacts"]["sweep"]
    in_order(slice(None, None, -1))
    chain.add(budget)
    assert chain.state["bookmarks"]["contacts"]["sweep"] is None
    assert chain.is_over == (budget is None)
    if budget:
        chain.add()
    assert chain.met["contacts"] == expected["contacts"]


def test_no_part_of_a_contact_is_missed_after_a_kill_before_its_turn(
    run: Runner, expected: Expected
) -> None:
    chain = Chain(run, ALL)
    killed = chain.add(kill=0.2)
    assert killed.records["contacts"]
    assert not killed.records[PARTS[0]]
    chain.add()
    assert chain.is_over
    assert chain.met == {stream: expected[stream] for stream in ALL}


@pytest.mark.slow
def test_all_runs_of_a_reading_write_one_version_of_a_full_table(
    sandbox: Sandbox, tmp_path: Path, expected: Expected
) -> None:
    config = config_for(sandbox, tmp_path, emit_activate_version_messages=True)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, ALL)
    for stream in ALL:
        read_whole(catalog, stream)
    first = sync({**config, "request_budget": 5}, catalog=catalog)
    with time_machine.travel(PRESENT + timedelta(hours=1), tick=True):
        second = sync(config, first.state, catalog=catalog)
        third = sync(config, second.state, catalog=catalog)
    for stream in ALL:
        assert second.by_key(stream) != expected[stream]
        assert first.by_key(stream) | second.by_key(stream) == expected[stream]
        assert third.by_key(stream) == expected[stream]
        (version,) = versions_of(stream, first)
        assert versions_of(stream, second) == {version}
        assert version not in versions_of(stream, third)
        activated = [
            line["stream"] == stream
            for run in (first, second)
            for line in run.lines
            if line["type"] == "ACTIVATE_VERSION"
        ]
        assert sum(activated) == 1


def versions_of(stream: str, run: Run) -> set[int]:
    return {
        line["version"] for line in run.lines if line.get("stream") == stream and "version" in line
    }
