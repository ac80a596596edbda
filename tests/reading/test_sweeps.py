"""Sweeps that are cut short go on where they stood."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest

from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.state.bookmarks import Bookmark, Sweep
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, DETAILS, SUMMARY
from tests.runs import Run, Runner


def begin_earlier(state: dict[str, Any], stream: str, began: datetime) -> None:
    """Let the sweep that is under way have begun at another instant."""
    bookmark = state["bookmarks"][stream]
    sweep = Sweep.parse(bookmark["sweep"])
    bookmark["sweep"] = str(replace(sweep, began=pendulum.instance(began)))


def cut_short(run: Runner, budget: int, **settings: Any) -> Run:
    result = run(streams=CONTACT_REPORTS, budget=budget, **settings)
    assert result.exit_code == 0
    return result


@pytest.mark.slow
def test_a_sweep_goes_on_from_each_state_that_its_run_wrote(
    run: Runner, expected: Expected
) -> None:
    first = run(streams=CONTACT_REPORTS)
    seen: dict[str, dict[Any, Any]] = {report: {} for report in CONTACT_REPORTS}
    states = []
    for line in first.lines:
        if line["type"] == "RECORD":
            name, record = line["stream"], line["record"]
            seen[name] |= Run([line]).by_key(name)
            assert record
        elif line["type"] == "STATE":
            states.append((line["value"], {name: dict(rows) for name, rows in seen.items()}))
    for state, before in random.Random(3).sample(states, 6):
        rest = run(state=state, streams=CONTACT_REPORTS)
        for report in CONTACT_REPORTS:
            assert before[report] | rest.by_key(report) == expected[report]


def test_contacts_come_change_and_go_between_the_runs(
    run: Runner, account: Account, expected: Expected
) -> None:
    first = cut_short(run, budget=20)
    place = Sweep.parse(first.state["bookmarks"][SUMMARY]["sweep"]).place
    assert place
    order = sorted(
        (-parse(contact["created_at"]).timestamp(), key)
        for key, contact in account.contacts.items()
        if status(contact) != "deleted"
    )
    out = [key for at, key in order if (at, key) <= (-place.created_at, place.parent_id)]
    left = [key for _, key in order if key not in out]
    now = datetime.now(timezone.utc)
    account.delete(left[0], now)
    account.delete(out[-1], now)
    del account.events[left[1]], account.contacts[left[1]]
    account.edit(left[2], now)
    joined = account.add_contact(now)
    mail = next(row for rows in account.events.values() for row in rows)
    source = {key: mail[key] for key in ("campaign_activity_id", "campaign_activity_name")}
    account.add_event(joined, "em_sends", now, **source)
    account.add_event(left[3], "em_opens", now, **source)

    second = run(state=first.state, streams=CONTACT_REPORTS)

    assert set(second.by_key(SUMMARY)) == {
        key for key in expected.contact_action_summary() if key[0] not in out
    }
    whole = expected.contact_activity_details()
    assert second.by_key(DETAILS) == whole
    assert {key[0] for key in whole} >= {joined, left[3]}


@pytest.mark.slow
def test_events_during_a_sweep_are_read_by_the_next(run: Runner, account: Account) -> None:
    settings: dict[str, Any] = {"streams": CONTACT_REPORTS, "lookback_days": 0}
    first = run(budget=20, **settings)
    half_an_hour_ago = datetime.now(timezone.utc) - timedelta(minutes=30)
    begin_earlier(first.state, SUMMARY, half_an_hour_ago - timedelta(minutes=30))
    visited = next(iter(first.by_key(SUMMARY)))[0]
    mail = account.events[visited][0]
    source = {key: mail[key] for key in ("campaign_activity_id", "campaign_activity_name")}
    source["campaign_activity_id"] = "new"
    account.add_event(visited, "em_sends", half_an_hour_ago, **source)
    second = run(state=first.state, **settings)
    third = run(state=second.state, **settings)
    assert (visited, "new") not in second.by_key(SUMMARY)
    assert [*third.by_key(SUMMARY)] == [(visited, "new")]
    bookmark = second.state["bookmarks"][SUMMARY]["replication_key_value"]
    began = half_an_hour_ago - timedelta(minutes=30)
    assert 0 <= (began - parse(bookmark)).total_seconds() < 3


def test_changed_settings_begin_a_new_sweep(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(streams=DETAILS, budget=20, tracking_activity_types=["em_sends"])
    second = run(streams=DETAILS, state=first.state)
    assert "settings of contact_activity_details changed while a sweep was under way" in caplog.text
    assert second.by_key(DETAILS) == expected.contact_activity_details()
    caplog.clear()
    third = run(streams=DETAILS, state=second.state, tracking_activity_types=["em_opens"])
    assert "filters of contact_activity_details changed since its last sweep" in caplog.text
    assert third.exit_code == 0


def test_settings_in_another_order_are_the_same(run: Runner, account: Account) -> None:
    some = sorted(account.contacts)[:9]
    first = run(streams=DETAILS, budget=5, contact_ids=some)
    second = run(streams=DETAILS, state=first.state, contact_ids=some[::-1])
    assert not set(first.by_key(DETAILS)) & set(second.by_key(DETAILS))


def test_a_fixed_window_goes_on_with_the_days_it_began_with(
    run: Runner, expected: Expected
) -> None:
    first = run(streams=DETAILS, budget=20, report_days_back=60)
    begin_earlier(first.state, DETAILS, parse("2026-10-15T12:00:00Z"))
    rest = run(streams=DETAILS, state=first.state, report_days_back=60)
    start, end = parse("2026-08-16T00:00:00Z"), parse("2026-10-15T12:00:00Z")
    out = {row["contact_id"] for row in first.records[DETAILS]}
    for row in rest.records[DETAILS]:
        assert start <= parse(row["created_time"]) < end
        assert row["contact_id"] not in out
    bookmark = rest.state["bookmarks"][DETAILS]
    assert "replication_key_value" not in bookmark
    assert Bookmark(rest.state, DETAILS).swept_at
