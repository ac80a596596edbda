"""The two contact reports are the same from campaigns as from the contacts."""

from __future__ import annotations

import itertools
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tap_constantcontact.config.dates import rfc3339
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.state.bookmarks import Bookmark
from tap_constantcontact.streams.campaign_reports import EmailCampaignStatsStream
from tests.expected import Expected
from tests.faults import answering, on_every
from tests.parameters import CONTACT_REPORTS, DETAILS, SUMMARY, partly_slow
from tests.processes import Process
from tests.runs import FaultyRunner, Run, Runner, config_for, tap_with
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)

SOON = PRESENT + timedelta(minutes=5)
BOOKMARKS = (*CONTACT_REPORTS, *(f"{report}_from_campaigns" for report in CONTACT_REPORTS))
DAYS = {"report_start_date": "2026-03-01", "report_end_date": "2026-08-31"}


def from_campaigns(run: Runner, **settings: Any) -> Run:
    return run(streams=CONTACT_REPORTS, report_source="campaigns", **settings)


def shown(account: Account) -> set[str]:
    """Return the activities that the campaign reports know."""
    campaigns = account.campaigns
    return {activity for key in campaigns.rows for activity in campaigns.reported(key)}


def only(rows: dict[Any, Any], activities: set[str]) -> dict[Any, Any]:
    return {key: row for key, row in rows.items() if row["campaign_activity_id"] in activities}


NAMED = (
    "all",
    "some contacts",
    "a window",
    "a start date",
    "some types",
    "a status",
    "deleted ones too",
    "a list",
    "days back",
)


def settings_of(account: Account) -> dict[str, dict[str, Any]]:
    contacts = [*account.contacts]
    return {
        "all": {},
        "some contacts": {"contact_ids": contacts[3:9]},
        "a status": {"contact_status": ["unsubscribed"]},
        "deleted ones too": {"contact_status": ["all"]},
        "a list": {"contact_list_ids": [[*account.lists][1]]},
        "some types": {"tracking_activity_types": ["em_clicks", "em_bounces", "p_contact_open"]},
        "a window": DAYS,
        "days back": {"report_days_back": 40},
        "a start date": {"start_date": "2026-05-01"},
    }


@pytest.mark.parametrize("name", partly_slow(NAMED[:1], NAMED[1:]))
def test_both_report_sources_give_the_same_records(
    run: Runner, account: Account, name: str
) -> None:
    settings = settings_of(account)[name]
    contacts = run(streams=CONTACT_REPORTS, **settings)
    campaigns = from_campaigns(run, **settings)
    for report in CONTACT_REPORTS:
        assert contacts.records[report]
        assert campaigns.by_key(report) == contacts.by_key(report)
    assert ids(campaigns) == ids(contacts)


def ids(result: Run) -> set[str]:
    return {row["activity_id"] for row in result.records[DETAILS]}


def test_events_of_a_bare_row_have_the_same_keys(run: Runner, sandbox: Sandbox) -> None:
    sandbox.api.base_rows = True
    contacts = run(streams=DETAILS)
    campaigns = run(streams=DETAILS, report_source="campaigns")
    assert ids(campaigns) == ids(contacts)


@pytest.mark.slow
def test_contacts_that_campaigns_do_not_show_are_read_when_due(
    run: Runner, account: Account, expected: Expected
) -> None:
    never = from_campaigns(run, full_sweep_days=0)
    for report in CONTACT_REPORTS:
        assert never.by_key(report) == only(expected[report], shown(account))

    first = from_campaigns(run)
    opener, mail = next(
        (row["contact_id"], row)
        for contact_id, rows in account.events.items()
        if "deleted_at" not in account.contacts[contact_id]
        for row in rows
        if row["campaign_activity_id"] not in shown(account)
        and row["created_time"] > "2026"
        and row["tracking_activity_type"] == "em_sends"
    )
    source = {name: mail[name] for name in ("campaign_activity_id", "campaign_activity_name")}
    account.add_event(opener, "em_opens", SOON, **source)
    with time_machine.travel(PRESENT + timedelta(days=29), tick=True):
        second = from_campaigns(run, state=first.state)
        assert not any(second.records.values())
    with time_machine.travel(PRESENT + timedelta(days=31), tick=True):
        third = from_campaigns(run, state=second.state)
    assert [row["contact_id"] for row in third.records[DETAILS]] == [opener]


def test_a_day_reads_only_the_campaigns_that_moved(
    run: Runner, account: Account, expected: Expected, requests_seen: list[Any]
) -> None:
    first = from_campaigns(run)
    activity = max(
        shown(account), key=lambda key: account.index.rows(key, "em_sends")[0]["created_time"]
    )
    readers = sorted(
        key
        for key in account.index.people(activity, "em_sends")
        if "deleted_at" not in account.contacts[key]
    )
    for reader in readers[:3]:
        account.respond(activity, reader, "em_opens", SOON, device_type="tablet")
    requests_seen.clear()
    second = from_campaigns(run, state=first.state)
    assert len(requests_seen) <= 20
    assert {row["contact_id"] for row in second.records[DETAILS]} == {*readers[:3]}
    rows = second.by_key(SUMMARY)
    assert {key[0] for key in rows if key[1] == activity} == {*readers[:3]}
    assert first.by_key(SUMMARY) | rows == expected[SUMMARY]
    assert first.by_key(DETAILS) | second.by_key(DETAILS) == expected[DETAILS]


@pytest.mark.slow
@pytest.mark.parametrize("budget", partly_slow([60], [23]))
def test_a_reading_over_many_runs_is_whole(run: Runner, expected: Expected, budget: int) -> None:
    seen: dict[str, dict[Any, Any]] = {report: {} for report in CONTACT_REPORTS}
    state: dict[str, Any] = {}
    runs = 0
    while not all(Bookmark(state, name).swept_at for name in BOOKMARKS):
        runs += 1
        result = from_campaigns(run, state=state, request_budget=budget)
        state = result.state
        for report in CONTACT_REPORTS:
            again = seen[report].keys() & result.by_key(report).keys()
            assert not again
            seen[report] |= result.by_key(report)
    assert runs > 3
    for report in CONTACT_REPORTS:
        assert seen[report] == expected[report]


def counted(most: int) -> Callable[[bytes], bool]:
    """Return a function that is true from its n-th call on."""
    lines = itertools.count(1)

    def enough(_: bytes) -> bool:
        return next(lines) >= most

    return enough


@pytest.mark.slow
def test_kills_lose_nothing(sandbox: Sandbox, tmp_path: Path, expected: Expected) -> None:
    rng = random.Random(5)
    config = config_for(sandbox, tmp_path, report_source="campaigns", requests_per_second=200)
    state: dict[str, Any] = {}
    seen: dict[str, dict[Any, Any]] = {report: {} for report in CONTACT_REPORTS}
    for kill in range(9):
        process = Process(tmp_path, config, state)
        if kill < 8:
            most = rng.randrange(50, 900)
            process.read_until(counted(most))
            process.end(signal.SIGKILL)
        else:
            process.end()
            assert process.process.returncode == 0
        result = process.run()
        state = result.state or state
        for report in CONTACT_REPORTS:
            seen[report] |= result.by_key(report)
    for report in CONTACT_REPORTS:
        assert seen[report] == expected[report]


@pytest.mark.slow
@pytest.mark.parametrize("first_from", partly_slow(["contacts"], ["campaigns"]))
def test_the_source_may_change(
    run: Runner, account: Account, expected: Expected, first_from: str
) -> None:
    then_from = "campaigns" if first_from == "contacts" else "contacts"
    first = run(streams=CONTACT_REPORTS, report_source=first_from)
    activity = min(shown(account))
    automated = next(
        row
        for rows in account.events.values()
        for row in rows
        if row["campaign_activity_id"] not in shown(account)
        and row["tracking_activity_type"] == "em_sends"
    )
    source = {name: automated[name] for name in ("campaign_activity_id", "campaign_activity_name")}
    for contact_id in [
        key for key in account.contacts if "deleted_at" not in account.contacts[key]
    ][:3]:
        account.respond(activity, contact_id, "em_clicks", SOON)
        account.add_event(contact_id, "em_opens", SOON, **source)
    with time_machine.travel(PRESENT + timedelta(days=31), tick=True):
        second = run(
            streams=CONTACT_REPORTS,
            state=first.state,
            report_source=then_from,
            lookback_days=600,
        )
    assert first.by_key(DETAILS) | second.by_key(DETAILS) == expected[DETAILS]
    assert first.by_key(SUMMARY) | second.by_key(SUMMARY) == expected[SUMMARY]


@pytest.mark.slow
def test_failing_requests_lose_nothing(read: FaultyRunner, expected: Expected) -> None:
    result, errors = read(
        on_every(7, answering(503, "busy", "text/plain")),
        on_every(11, answering(429, '{"error_key": "throttled", "error_message": "Slow down"}')),
        streams=CONTACT_REPORTS,
        report_source="campaigns",
    )
    assert not errors
    for report in CONTACT_REPORTS:
        assert result.by_key(report) == expected[report]


@pytest.mark.parametrize("of_completion", [True, False], ids=["completion", "campaigns"])
@pytest.mark.parametrize("report", CONTACT_REPORTS)
def test_a_report_that_a_limit_has_cut_short_comes_before_those_that_were_finished(
    report: str, *, of_completion: bool
) -> None:
    """Both ways to read it count: the campaigns, and the contacts that campaigns do not show."""
    config = {"access_token": "t", "report_source": "campaigns"}
    over = {name: {"sweep": rfc3339(PRESENT)} for name in (*BOOKMARKS, "email_links")}
    tap = tap_with(config, {"bookmarks": over | {report: {}, f"{report}_from_campaigns": {}}})
    cut: Any = tap.streams[report]
    sweeps = cut.per_contact(tap.run).sweeps if of_completion else cut.sweeps
    sweeps.bookmark.update(sweep=str(sweeps.current))
    bookmark = "" if of_completion else "_from_campaigns"
    over[f"{report}{bookmark}"] = dict(tap.run.state["bookmarks"][f"{report}{bookmark}"])
    order = [*tap_with(config, {"bookmarks": over}).streams]
    assert order.index(report) < order.index("email_links")


def test_events_of_deleted_contacts_stay_out_where_the_newest_campaigns_have_no_events(
    run: Runner, account: Account, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmailCampaignStatsStream, "ids_a_request", 2)
    monkeypatch.setattr(Quota, "left", 4.0)  # so that counts are requested two at a time
    for _ in range(3):
        account.send_campaign(PRESENT, [])
    rows = run(streams=DETAILS, report_source="campaigns", full_sweep_days=0).by_key(DETAILS)
    assert rows
    assert rows.items() <= expected[DETAILS].items()
