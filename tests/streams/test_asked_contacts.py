"""A day of the summary from campaigns asks the contacts with new events, if these are few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tap_constantcontact.commands.estimate import estimated
from tap_constantcontact.reading.counts import EventCounts
from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.state.bookmarks import Bookmark, Place
from tap_constantcontact.streams.reports_from_campaigns import COUNTED_BY, ReportFromCampaigns
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, SUMMARY, partly_slow
from tests.runs import Run, Runner, config_for, tap_with
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(40, young=True)

NEXT_DAY = PRESENT + timedelta(days=1)
MORNING = NEXT_DAY - timedelta(hours=5)


@pytest.fixture
def mails(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four e-mails that all contacts got and many opened; their lists have five events a page."""
    monkeypatch.setattr(ReportFromCampaigns, "page_size", 5)
    sent = [account.send_campaign(PRESENT - timedelta(days=30 + week)) for week in range(4)]
    for mail in sent:
        for reader in readers(account)[::2]:
            account.respond(mail, reader, "em_opens", PRESENT - timedelta(days=20))
    return sent


def readers(account: Account) -> list[str]:
    return [key for key, row in account.contacts.items() if status(row) == "active"]


def a_day_later(run: Runner, state: dict[str, Any], streams: Any = SUMMARY, **settings: Any) -> Run:
    with time_machine.travel(NEXT_DAY, tick=True):
        return run(state=state, streams=streams, report_source="campaigns", **settings)


def first(run: Runner, streams: Any = SUMMARY, **settings: Any) -> Run:
    return run(streams=streams, report_source="campaigns", full_sweep_days=0, **settings)


def asked(requests_seen: list[Any]) -> list[str]:
    found = (re.search("contact_reports/(.+)/activity_summary", r.path) for r in requests_seen)
    return [match[1] for match in found if match]


def lists(requests_seen: list[Any]) -> list[Any]:
    return [request.path_qs for request in requests_seen if "/tracking/" in request.path]


def assert_whole(
    runs: Sequence[Run], reports: Sequence[str], expected: Expected, mails: Any
) -> None:
    for report in reports:
        rows: dict[Any, Any] = {}
        for one in runs:
            rows |= one.by_key(report)
        wanted = {
            key: row
            for key, row in expected[report].items()
            if row["campaign_activity_id"] in mails
        }
        assert wanted
        assert {k: row for k, row in rows.items() if row["campaign_activity_id"] in mails} == wanted


def test_each_contact_with_new_events_is_asked_once(
    run: Runner, account: Account, expected: Expected, mails: list[str], requests_seen: list[Any]
) -> None:
    before = first(run, CONTACT_REPORTS)
    few = readers(account)[:2]
    for mail in mails:
        for reader in few:
            account.respond(mail, reader, "em_opens", MORNING)
    account.respond(mails[0], readers(account)[2], "em_clicks", MORNING)
    requests_seen.clear()
    day = a_day_later(run, before.state, CONTACT_REPORTS, full_sweep_days=0)
    assert sorted(asked(requests_seen)) == sorted(readers(account)[:3])
    assert len(lists(requests_seen)) == len({*lists(requests_seen)}) <= len(mails) + 2
    assert {(row["contact_id"], row["campaign_activity_id"]) for row in day.records[SUMMARY]} == {
        *((reader, mail) for reader in few for mail in mails),
        (readers(account)[2], mails[0]),
    }
    assert_whole([before, day], CONTACT_REPORTS, expected, mails)


@pytest.mark.parametrize("most", [1, 2])
def test_contacts_are_asked_however_few_requests_may_be_sent_at_once(
    run: Runner, account: Account, expected: Expected, mails: list[str], most: int
) -> None:
    before = first(run)
    for number, mail in enumerate(mails):
        account.respond(mail, readers(account)[number], "em_opens", MORNING)
    day = a_day_later(run, before.state, full_sweep_days=0, max_concurrent_requests=most)
    assert_whole([before, day], [SUMMARY], expected, mails)


@pytest.mark.parametrize(
    ("days", "others"), partly_slow([(3, 0)], [(3, 3), (0.1, 0), (0.1, 3), (0, 3)])
)
def test_an_event_that_comes_late_is_found(
    run: Runner, expected: Expected, mails: list[str], days: float, others: int
) -> None:
    account, late = run.sandbox.account, timedelta(days=days)
    before = first(run)
    account.respond(mails[1], readers(account)[-1], "em_opens", PRESENT - late)
    for reader in readers(account)[:others]:
        account.respond(mails[1], reader, "em_opens", MORNING)
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert_whole([before, day], [SUMMARY], expected, mails)


def test_an_event_is_found_though_counts_that_are_late_agree(
    run: Runner, expected: Expected, mails: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, counted = run.sandbox.account, EventCounts.of
    campaign_id = account.campaigns.activities[mails[1]]["campaign_id"]
    before = first(run)
    account.respond(mails[1], readers(account)[-1], "em_opens", PRESENT - timedelta(hours=2))
    account.respond(mails[1], readers(account)[0], "em_opens", MORNING)

    def late(counts: EventCounts, parent_id: str, names: Sequence[str]) -> int | None:
        found = counted(counts, parent_id, names)
        return (
            found - 1 if found and parent_id == campaign_id and "em_opens_all" in names else found
        )

    monkeypatch.setattr(EventCounts, "of", late)
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert len(day.records[SUMMARY]) == 2
    assert_whole([before, day], [SUMMARY], expected, mails)


@pytest.mark.usefixtures("one_sum")
def test_an_event_that_comes_late_is_found_beside_many_that_may_be_counted(
    run: Runner, expected: Expected, mails: list[str]
) -> None:
    account = run.sandbox.account
    before = first(run)
    account.respond(mails[1], readers(account)[-1], "em_opens", PRESENT - timedelta(days=3))
    for reader in islice(cycle(readers(account)), 300):
        account.respond(mails[0], reader, "em_clicks", PRESENT + timedelta(minutes=10))
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert_whole([before, day], [SUMMARY], expected, mails)


def test_all_events_are_read_if_that_takes_fewer_requests(
    run: Runner, account: Account, expected: Expected, mails: list[str], requests_seen: list[Any]
) -> None:
    before = first(run)
    for reader in readers(account):
        account.respond(mails[2], reader, "em_clicks", MORNING)
    requests_seen.clear()
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert not asked(requests_seen)
    assert len(lists(requests_seen)) == len({*lists(requests_seen)})
    assert_whole([before, day], [SUMMARY], expected, mails)


@pytest.fixture
def one_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """All campaigns in one sum of the tally."""
    for module in ("state.tally", "reading.asked"):
        monkeypatch.setattr(f"tap_constantcontact.{module}.bucket_of", lambda _: 0)


@pytest.mark.usefixtures("one_sum")
def test_contacts_are_asked_though_another_mailing_was_sent_since(
    run: Runner, account: Account, expected: Expected, mails: list[str], requests_seen: list[Any]
) -> None:
    before = first(run)
    new = account.send_campaign(MORNING)
    account.respond(mails[0], readers(account)[0], "em_opens", MORNING)
    requests_seen.clear()
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert asked(requests_seen) == readers(account)[:1]
    assert len(lists(requests_seen)) == len({*lists(requests_seen)})
    assert_whole([before, day], [SUMMARY], expected, [*mails, new])


@pytest.mark.usefixtures("one_sum")
def test_contacts_are_asked_though_another_mailing_has_many_new_events(
    run: Runner, account: Account, expected: Expected, mails: list[str], requests_seen: list[Any]
) -> None:
    before = first(run)
    for reader in islice(
        cycle(readers(account)), 4 * 256
    ):  # of which a tally's growth tells nothing
        account.respond(mails[1], reader, "em_clicks", MORNING)
    account.respond(mails[0], readers(account)[0], "em_opens", MORNING)
    requests_seen.clear()
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert sorted(asked(requests_seen)) == sorted(readers(account))
    assert_whole([before, day], [SUMMARY], expected, mails)


@pytest.mark.parametrize("budget", partly_slow([24], [18, 20, 30]))
def test_a_day_over_many_runs_is_whole(
    run: Runner, account: Account, expected: Expected, mails: list[str], budget: int
) -> None:
    runs = [first(run)]
    for number, mail in enumerate(mails):
        for reader in readers(account)[6 * number : 6 * number + 6]:
            account.respond(mail, reader, "em_opens", MORNING)
    while len(runs) == 1 or not Bookmark(runs[-1].state, f"{SUMMARY}_from_campaigns").swept_at:
        assert len(runs) < 9
        runs.append(a_day_later(run, runs[-1].state, budget=budget, full_sweep_days=0))
    assert len(runs) > 2
    assert_whole(runs, [SUMMARY], expected, mails)


def test_a_run_looks_for_new_events_in_no_more_e_mails_than_it_can_pay_for(
    run: Runner, account: Account, expected: Expected, mails: list[str], requests_seen: list[Any]
) -> None:
    mails += [account.send_campaign(PRESENT - timedelta(days=60 + day)) for day in range(8)]
    runs = [first(run)]
    for number, mail in enumerate(mails):
        for reader in islice(cycle(readers(account)), 5 * number, 5 * number + 5):
            account.respond(mail, reader, "em_opens", MORNING)
    requests_seen.clear()
    while len(runs) == 1 or not Bookmark(runs[-1].state, f"{SUMMARY}_from_campaigns").swept_at:
        assert len(runs) < 9
        runs.append(a_day_later(run, runs[-1].state, budget=60, full_sweep_days=0))
    assert len(runs) > 2
    assert len(lists(requests_seen)) <= len({*lists(requests_seen)}) + len(COUNTED_BY)
    assert_whole(runs, [SUMMARY], expected, mails)


@pytest.mark.parametrize("budget", partly_slow([34, 58], [38, 42, 46, 50, 54]))
def test_each_run_gets_further_although_it_looks_for_new_events_first(
    run: Runner, account: Account, expected: Expected, mails: list[str], budget: int
) -> None:
    mails += [account.send_campaign(PRESENT - timedelta(days=60 + day)) for day in range(8)]
    for mail in mails[4:]:
        for reader in readers(account)[:12]:
            account.respond(mail, reader, "em_clicks", PRESENT - timedelta(days=20))
    runs = [first(run)]
    new = account.send_campaign(MORNING)
    for reader in islice(cycle(readers(account)), 60):
        account.respond(new, reader, "em_opens", MORNING)
    for mail in mails:
        account.respond(mail, readers(account)[0], "em_opens", MORNING)
    while len(runs) == 1 or not Bookmark(runs[-1].state, f"{SUMMARY}_from_campaigns").swept_at:
        assert len(runs) < 9
        runs.append(a_day_later(run, runs[-1].state, budget=budget, full_sweep_days=0))
    assert_whole(runs, [SUMMARY], expected, [*mails, new])


@pytest.mark.usefixtures("one_sum")
def test_each_run_gets_further_although_the_counts_do_not_agree(
    run: Runner, account: Account, expected: Expected, mails: list[str]
) -> None:
    mails += [account.send_campaign(PRESENT - timedelta(days=60 + day)) for day in range(8)]
    runs = [first(run)]
    account.respond(mails[1], readers(account)[-1], "em_opens", PRESENT - timedelta(days=3))
    account.respond(mails[0], readers(account)[0], "em_opens", MORNING)
    while len(runs) == 1 or not Bookmark(runs[-1].state, f"{SUMMARY}_from_campaigns").swept_at:
        assert len(runs) < 9
        runs.append(a_day_later(run, runs[-1].state, budget=90, full_sweep_days=0))
    assert_whole(runs, [SUMMARY], expected, mails)


def test_contacts_are_asked_about_a_campaign_without_a_date_as_well(
    run: Runner,
    account: Account,
    expected: Expected,
    mails: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undated, dated = account.campaigns.activities[mails[3]]["campaign_id"], Place.of

    def place(created_at: str | None, parent_id: str) -> Place:
        return dated(None if parent_id == undated else created_at, parent_id)

    monkeypatch.setattr(Place, "of", place)
    before = first(run)
    for mail, reader in zip((mails[0], mails[3]), readers(account), strict=False):
        account.respond(mail, reader, "em_opens", MORNING)
    day = a_day_later(run, before.state, full_sweep_days=0)
    assert_whole([before, day], [SUMMARY], expected, mails)


def test_only_the_contacts_that_are_wanted_and_known_are_asked(
    run: Runner, account: Account, mails: list[str], requests_seen: list[Any]
) -> None:
    wanted = [*readers(account)[1:3], "8f2b6f2c-0000-11ee-8a3f-fa163e6b01c1"]
    before = first(run, contact_ids=wanted)
    for reader in readers(account)[:2]:
        account.respond(mails[0], reader, "em_opens", MORNING)
    requests_seen.clear()
    day = a_day_later(run, before.state, full_sweep_days=0, contact_ids=wanted)
    assert asked(requests_seen) == [wanted[0]]
    assert [row["contact_id"] for row in day.records[SUMMARY]] == [wanted[0]]


def test_a_contact_that_is_gone_is_skipped(
    run: Runner, account: Account, mails: list[str], requests_seen: list[Any]
) -> None:
    gone, there = readers(account)[:2]
    before = first(run, contact_ids=[gone, there])
    for reader in (gone, there):
        account.respond(mails[0], reader, "em_opens", MORNING)
    del account.contacts[gone]
    requests_seen.clear()
    day = a_day_later(run, before.state, full_sweep_days=0, contact_ids=[gone, there])
    assert sorted(asked(requests_seen)) == sorted([gone, there])
    assert [row["contact_id"] for row in day.records[SUMMARY]] == [there]


def test_an_estimate_knows_the_contacts_that_are_asked(
    run: Runner, account: Account, mails: list[str], requests_seen: list[Any], tmp_path: Path
) -> None:
    before = first(run)
    for mail, reader in zip(mails, readers(account), strict=False):
        account.respond(mail, reader, "em_opens", MORNING)
    settings = {"report_source": "campaigns", "full_sweep_days": 0}
    with time_machine.travel(NEXT_DAY, tick=True):
        config = config_for(run.sandbox, tmp_path, **settings)
        tap = tap_with(config, before.state, [SUMMARY])
        planned = estimated(tap)["streams"][0]["requests"]
    requests_seen.clear()
    a_day_later(run, before.state, full_sweep_days=0)
    assert len(asked(requests_seen)) == len(mails)
    sent = [r for r in requests_seen if "/tracking/" in r.path or "/activity_summary" in r.path]
    details = [request for request in requests_seen if re.search("/emails/.+", request.path)]
    assert planned == len(sent) + len(details) + 1  # to list the campaigns
