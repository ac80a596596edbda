"""E-mail campaigns and their activities: what changed since, removed ones too."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.commands.estimate import estimated
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.faults import changing
from tests.runs import FaultyRunner, Runner, config_for, tap_with
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)

CAMPAIGNS = "email_campaigns"


def of(account: Account, campaign_activity_id: str) -> str:
    key: str = account.campaigns.activities[campaign_activity_id]["campaign_id"]
    return key


def test_an_incremental_run_asks_by_date_and_has_removed_campaigns(
    run: Runner, account: Account, expected: Expected, requests_seen: list[Any]
) -> None:
    removed = of(account, account.send_campaign(PRESENT - timedelta(days=300)))
    first = run(streams=CAMPAIGNS)
    assert "after_date" not in requests_seen[-1].query
    requests_seen.clear()
    later = PRESENT + timedelta(minutes=5)
    account.campaigns.remove(removed, later)
    sent = of(account, account.send_campaign(later))
    second = run(state=first.state, streams=CAMPAIGNS)
    (request,) = requests_seen
    bookmark = parse(first.state["bookmarks"][CAMPAIGNS]["replication_key_value"])
    assert bookmark - parse(request.query["after_date"]) == timedelta(seconds=1)
    changed = second.by_key(CAMPAIGNS)
    assert changed == {key: expected[CAMPAIGNS][key] for key in (removed, sent)}
    assert changed[removed]["current_status"] == "Removed"


def test_a_campaign_of_the_bookmark_s_own_instant_is_read_again(
    run: Runner, account: Account
) -> None:
    first = run(streams=CAMPAIGNS)
    bookmark = parse(first.state["bookmarks"][CAMPAIGNS]["replication_key_value"])
    sent = of(account, account.send_campaign(bookmark, []))
    earlier = of(account, account.send_campaign(bookmark - timedelta(milliseconds=500), []))
    second = run(state=first.state, streams=CAMPAIGNS).by_key(CAMPAIGNS)
    assert sent in second
    assert earlier not in second


def test_activities_are_read_again_only_if_their_campaign_has_changed(
    run: Runner, account: Account, expected: Expected, requests_seen: list[Any]
) -> None:
    first = run(streams="email_campaign_activities")
    requests_seen.clear()
    sent = of(account, account.send_campaign(datetime.now(timezone.utc) + timedelta(seconds=2), []))
    second = run(state=first.state, streams="email_campaign_activities")
    wanted = {
        key: row
        for key, row in expected.email_campaign_activities().items()
        if row["campaign_id"] == sent
    }
    assert second.by_key("email_campaign_activities") == wanted
    assert len(requests_seen) == 2 + len(wanted)
    requests_seen.clear()
    third = run(state=second.state, streams="email_campaign_activities")
    assert len(third.records["email_campaign_activities"]) <= len(wanted)
    assert len(requests_seen) <= 2 + len(wanted)


DETAILED = (
    "email_campaign_activities",
    "email_campaign_activity_lists",
    "email_campaign_activity_segments",
)
"""The streams from the details of activities."""


@pytest.mark.parametrize("streams", [DETAILED, DETAILED[1:]], ids=["with activities", "without"])
def test_what_e_mails_are_sent_to_costs_no_further_request(
    run: Runner, expected: Expected, requests_seen: list[Any], streams: tuple[str, ...]
) -> None:
    run(streams=DETAILED[0])
    alone = sorted(request.path_qs for request in requests_seen)
    requests_seen.clear()
    result = run(streams=streams)
    assert sorted(request.path_qs for request in requests_seen) == alone
    for stream in streams:
        assert expected[stream]
        assert result.by_key(stream) == expected[stream]


@pytest.mark.parametrize("streams", [DETAILED, DETAILED[1:]], ids=["with activities", "without"])
def test_an_estimate_counts_the_details_of_activities_once(
    sandbox: Sandbox, tmp_path: Path, streams: tuple[str, ...]
) -> None:
    def costs(*names: str) -> list[int]:
        tap = tap_with(config_for(sandbox, tmp_path), streams=names)
        return [line["requests"] for line in estimated(tap)["streams"]]

    assert costs(*streams) == [*costs(DETAILED[0]), *[0] * (len(streams) - 1)]


def test_a_run_that_a_limit_stops_loses_nothing_that_e_mails_are_sent_to(
    run: Runner, expected: Expected, account: Account
) -> None:
    first = run(streams=DETAILED, budget=60)
    second = run(first.state, streams=DETAILED)
    for stream in DETAILED:
        assert first.by_key(stream) | second.by_key(stream) == expected[stream]
    assert 0 < len(first.by_key(DETAILED[0])) < len(expected[DETAILED[0]])
    sent = account.send_campaign(datetime.now(timezone.utc) + timedelta(seconds=2), [])
    third = run(second.state, streams=DETAILED)
    lists = {list_id for activity, list_id in third.by_key(DETAILED[1]) if activity == sent}
    assert lists == {*account.campaigns.activities[sent]["contact_list_ids"]}


def test_what_activities_have_that_is_not_known_is_told_when_only_their_lists_are_read(
    read: FaultyRunner,
) -> None:
    def add(body: Any) -> None:
        body["mood"] = "merry"

    read(changing(DETAILED[0], add), streams=DETAILED[1:2])
    (said,) = (r.getMessage() for r in read.log.records if "does not know" in r.getMessage())
    assert said == (
        "Left out fields of email_campaign_activities that this version does not know: mood."
    )


def test_an_activity_that_is_removed_meanwhile_is_skipped(
    read: FaultyRunner, account: Account, expected: Expected
) -> None:
    gone, *_ = expected.email_campaign_activities()

    @web.middleware
    async def forget(request: web.Request, handler: Any) -> Any:
        if request.path == f"/v3/emails/activities/{gone}":
            raise web.HTTPNotFound
        return await handler(request)

    result, errors = read(forget, streams=("email_campaign_activities",))
    assert not errors
    wanted = expected.email_campaign_activities()
    del wanted[gone]
    assert result.by_key("email_campaign_activities") == wanted


def test_the_details_of_a_campaign_are_requested_once_for_all_streams(
    run: Runner, requests_seen: list[Any]
) -> None:
    run(streams=("email_campaign_activities", "email_links", "email_campaign_activity_stats"))
    details = [r.path for r in requests_seen if re.fullmatch("/v3/emails/[-0-9a-f]{36}", r.path)]
    assert details
    assert len(details) == len(set(details))
