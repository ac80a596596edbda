"""E-mail campaigns: what changed since, removed ones too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tap_constantcontact.sandbox.account import Account, parse
from tests.expected import Expected
from tests.harness import PRESENT, Run

CAMPAIGNS = "email_campaigns"
Runner = Callable[..., Run]


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
