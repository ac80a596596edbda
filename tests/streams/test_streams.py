"""The records of every stream are the sandbox's own data, by key and by value."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tap_constantcontact.reading.report import Report
from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.campaign_reports import EmailCampaignActivityStatsStream
from tests.expected import Expected
from tests.parameters import DETAILS, INCREMENTAL, NAMES, Stream, named, partly_slow
from tests.runs import Runner
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)

SELECTIONS = partly_slow([INCREMENTAL], [((stream,),) for stream in INCREMENTAL])
"""Incremental streams in one run and, with `-m slow`, in a run of each."""

every_selection = pytest.mark.parametrize(
    "streams", SELECTIONS, ids=lambda streams: " ".join(map(named, streams))
)


def change(account: Account, now: datetime) -> list[str]:
    """Let something happen that every incremental stream tells of; returns whom it befell."""
    active = [key for key, contact in account.contacts.items() if status(contact) == "active"]
    edited = next(key for key in active if account.contacts[key]["notes"])
    left, opener, deleted, *_ = (key for key in active if key != edited)
    account.edit(edited, now)
    account.unsubscribe(left, now, "Moved away")
    account.delete(deleted, now)
    joined = account.add_contact(now)
    mail = account.events[opener][0]["campaign_activity_id"]
    account.add_event(
        opener, "em_opens", now, form=2, campaign_activity_id=mail, campaign_activity_name="Again"
    )
    page = {"campaign_activity_id": account.landing_pages[0], "campaign_activity_name": "Page"}
    account.add_event(opener, "p_contact_open", now, form=2, **page)
    sent = account.send_campaign(now, [opener, joined])
    for kind in ("em_opens", "em_clicks", "em_bounces", "em_forwards", "em_optouts"):
        account.respond(sent, joined, kind, now + timedelta(seconds=1))
    account.send_campaign(now, [])  # to a segment, as the other one to lists
    account.remove_campaign(account.send_campaign(now - timedelta(days=400), []), now)
    return [edited, left, deleted, joined]


def test_a_full_run_of_everything(run: Runner, expected: Expected) -> None:
    """All records come out, the cheap streams first, with every date-time in UTC."""
    result = run(streams=NAMES)
    for stream in NAMES:
        assert result.by_key(stream) == expected[stream], stream
    costly = (Report, EmailCampaignActivityStatsStream)
    sweeps = [stream.name for stream in STREAMS if issubclass(stream, costly)]
    others = [name for name in NAMES if name not in sweeps]
    began = [line["stream"] for line in result.lines if line["type"] == "SCHEMA"]
    assert began == [*others, *sweeps]
    for record in (record for records in result.records.values() for record in records):
        for name, value in record.items():
            if name.endswith(("_at", "_on", "_time")):
                assert value.endswith("Z"), name


@pytest.mark.parametrize("stream", partly_slow(STREAMS[:1], STREAMS[1:]), ids=named)
def test_a_full_run_of_one_stream(run: Runner, expected: Expected, stream: Stream) -> None:
    result = run(streams=stream.name)
    assert result.by_key(stream.name) == expected[stream.name]
    assert result.records.keys() == {stream.name}


@pytest.mark.slow
@every_selection
def test_an_incremental_run_has_what_changed(
    run: Runner, account: Account, expected: Expected, streams: tuple[Stream, ...]
) -> None:
    names = [*map(named, streams)]
    first = run(streams=names)
    change(account, datetime.now(timezone.utc) + timedelta(seconds=2))
    second = run(state=first.state, streams=names)
    third = run(state=second.state, streams=names)
    for stream in streams:
        began = parse(first.state["bookmarks"][stream.name]["replication_key_value"])
        wanted = expected.since(stream, began - timedelta(days=getattr(stream, "lookback_days", 0)))
        assert 0 < len(wanted) < len(expected[stream.name]), stream.name
        assert second.by_key(stream.name) == wanted, stream.name
        moved = parse(second.state["bookmarks"][stream.name]["replication_key_value"])
        assert moved >= began, stream.name
        assert len(third.records[stream.name]) <= len(wanted), stream.name


@pytest.mark.slow
def test_an_incremental_run_of_everything_has_what_changed(
    run: Runner, account: Account, expected: Expected
) -> None:
    first = run()
    changed = change(account, datetime.now(timezone.utc) + timedelta(seconds=2))
    second = run(state=first.state)
    assert second.by_key("contacts") == expected.contacts(lambda c: c["contact_id"] in changed)
    assert any(r["campaign_activity_name"] == "Again" for r in second.records[DETAILS])
    assert len(second.records["email_campaigns"]) == 3
    for stream in STREAMS:
        if stream.selected_by_default and stream not in INCREMENTAL:
            assert second.by_key(stream.name) == expected[stream.name], stream.name


@pytest.mark.slow
@every_selection
def test_start_date_bounds_a_first_run(
    run: Runner, expected: Expected, streams: tuple[Stream, ...]
) -> None:
    start = datetime(2025, 11, 1, tzinfo=timezone.utc)
    result = run(streams=[*map(named, streams)], start_date="2025-11-01")
    for stream in streams:
        wanted = expected.since(stream, start)
        assert 0 < len(wanted) < len(expected[stream.name]), stream.name
        assert result.by_key(stream.name) == wanted, stream.name


def test_figures_say_when_they_were_computed(run: Runner) -> None:
    """The one field that the sandbox makes when it is asked."""
    for record in run(streams="email_campaign_stats").records["email_campaign_stats"]:
        assert 0 <= (parse(record["last_refresh_time"]) - PRESENT).total_seconds() < 600
