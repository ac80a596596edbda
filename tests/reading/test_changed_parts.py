"""Events of campaigns are read again only where their counts moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from tap_constantcontact.reading import counts
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.email_events import EmailEvents
from tests.expected import Expected
from tests.parameters import DETAILS
from tests.runs import Runner
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)

EVENTS = tuple(stream.name for stream in STREAMS if issubclass(stream, EmailEvents))
SOON = PRESENT + timedelta(minutes=5)


@pytest.fixture
def later() -> Iterator[Callable[[int], None]]:
    """Move the clock so many days past the tests' present."""
    travels = []

    def travel(days: int) -> None:
        travels.append(time_machine.travel(PRESENT + timedelta(days=days), tick=True))
        travels[-1].start()

    yield travel
    for journey in reversed(travels):
        journey.stop()


def newest(account: Account, number: int = 0) -> str:
    """Return an activity of a sent campaign, counted from the newest."""
    campaigns = account.campaigns
    sent = [key for key in campaigns.rows if campaigns.reported(key)]
    sent.sort(key=lambda key: str(campaigns.rows[key]["updated_at"]), reverse=True)
    return campaigns.reported(sent[number])[0]


def recipient(account: Account, activity: str, number: int = 0) -> str:
    return sorted(account.index.people(activity, "em_sends"))[number]


def test_a_quiet_run_asks_for_the_list_and_the_counts(
    run: Runner, requests_seen: list[Any]
) -> None:
    first = run(streams=EVENTS)
    requests_seen.clear()
    second = run(state=first.state, streams=EVENTS)
    assert [request.path.split("/")[2] for request in requests_seen] == ["emails", "reports"]
    assert not any(second.records.values())


def test_only_a_campaign_whose_counts_moved_is_read_again(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    first = run(streams=EVENTS)
    activity = newest(account, 3)
    reader = recipient(account, activity)
    account.respond(activity, reader, "em_opens", SOON, device_type="mobile")
    requests_seen.clear()
    second = run(state=first.state, streams=EVENTS)
    tracked = [request.path.split("/")[4:] for request in requests_seen][2:]
    assert [path for path in tracked if path[-1:] == ["opens"]]
    assert not [path for path in tracked if path[-1:] == ["clicks"]]
    assert len(tracked) <= 6
    assert [row["contact_id"] for row in second.records["email_opens"]] == [reader]
    third = run(state=second.state, streams=EVENTS)
    assert not any(third.records.values())


@pytest.mark.slow
def test_a_second_bounce_is_found_by_the_next_full_reading(
    run: Runner, account: Account, expected: Expected, later: Callable[[int], None]
) -> None:
    stream = "email_bounces"
    first = run(streams=stream)
    activity = next(
        key
        for key in (newest(account, n) for n in range(20))
        if account.index.people(key, "em_bounces")
    )
    victim = min(account.index.people(activity, "em_bounces"))
    account.respond(activity, victim, "em_bounces", SOON, bounce_code="B")
    later(1)
    second = run(state=first.state, streams=stream)
    assert second.records[stream] == []
    later(29)
    third = run(state=second.state, streams=stream)
    assert third.records[stream] == []
    later(31)
    never = run(state=third.state, streams=stream, full_sweep_days=0)
    assert never.records[stream] == []
    fourth = run(state=third.state, streams=stream)
    assert [row["contact_id"] for row in fourth.records[stream]] == [victim]
    assert first.by_key(stream) | fourth.by_key(stream) == expected[stream]
    later(32)
    assert run(state=fourth.state, streams=stream).records[stream] == []


def test_only_the_campaigns_that_changed_last_are_watched(
    run: Runner, account: Account, monkeypatch: pytest.MonkeyPatch, later: Callable[[int], None]
) -> None:
    monkeypatch.setattr(counts, "WATCHED", 3)
    first = run(streams="email_opens")
    for number in (1, 8):
        activity = newest(account, number)
        account.respond(activity, recipient(account, activity), "em_opens", SOON)
    later(1)
    second = run(state=first.state, streams="email_opens")
    assert {row["campaign_activity_id"] for row in second.records["email_opens"]} == {
        newest(account, 1)
    }
    later(31)
    third = run(state=second.state, streams="email_opens")
    assert newest(account, 8) in {
        row["campaign_activity_id"] for row in third.records["email_opens"]
    }


@pytest.mark.parametrize("budget", [7, 25])
def test_events_during_a_reading_are_read_by_the_next(
    run: Runner, account: Account, expected: Expected, budget: int
) -> None:
    stream = "email_clicks"
    seen: dict[Any, Any] = {}
    state: dict[str, Any] = {}
    at: datetime = SOON
    for _ in range(30):
        result = run(state=state, streams=stream, budget=budget, lookback_days=0)
        seen |= result.by_key(stream)
        state = result.state
        if state["bookmarks"][stream]["replication_key_value"]:
            break
        for number in (0, 5, 12, 20):
            activity = newest(account, number)
            at += timedelta(seconds=1)
            account.respond(activity, recipient(account, activity, number % 3), "em_clicks", at)
    assert not state["bookmarks"][stream]["sweep"].count(" ")
    seen |= run(state=state, streams=stream).by_key(stream)
    assert seen == expected[stream]


def test_events_have_the_keys_of_the_contact_report(run: Runner) -> None:
    result = run(streams=(*EVENTS, DETAILS), contact_status=["all"])
    campaigns = {row["activity_id"] for name in EVENTS for row in result.records[name]}
    contacts = {row["activity_id"]: row for row in result.records[DETAILS]}
    assert campaigns <= contacts.keys()
    rest = [contacts[key] for key in contacts.keys() - campaigns]
    assert rest
    assert len(contacts) > len(rest) > 0


def test_a_damaged_tally_makes_the_watched_campaigns_due(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(streams="email_opens")
    activity = newest(account, 2)
    account.respond(activity, recipient(account, activity), "em_opens", SOON)
    first.state["bookmarks"]["email_opens"]["counts"] = "opens=AAAA"
    second = run(state=first.state, streams="email_opens")
    assert len(second.records["email_opens"]) == 1
    assert "counts of email_opens is damaged" in caplog.text


def test_a_campaign_without_counts_is_no_failure(
    run: Runner, account: Account, expected: Expected
) -> None:
    """The counts of all are refused for the sake of one; the others' are asked for by halves."""
    activity = newest(account, 4)
    account.campaigns.send_history[activity].clear()
    campaign = account.campaigns.activities[activity]["campaign_id"]
    for other in account.campaigns.reported(campaign):
        account.campaigns.send_history[other].clear()
    wanted = expected["email_opens"]
    assert len(wanted) > 0
    found = run(streams="email_opens").by_key("email_opens")
    assert wanted.items() <= found.items()
