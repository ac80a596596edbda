"""Campaigns and their figures, which agree with the contacts' events."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, parse
from tests.sandbox.conftest import PRESENT, Client

STATS = "/reports/stats/email_campaigns"
ACTIVITY_STATS = "/reports/stats/email_campaign_activities"
KINDS = ("sends", "opens", "clicks", "bounces", "forwards", "optouts")


def sent(account: Account) -> list[str]:
    """The campaigns that have figures."""
    return [key for key in account.campaigns.rows if account.campaigns.reported(key)]


def events_of(account: Account, activities: list[str]) -> list[dict[str, Any]]:
    return [
        row
        for rows in account.events.values()
        for row in rows
        if row["campaign_activity_id"] in activities
    ]


def figures(events: list[dict[str, Any]]) -> dict[str, int]:
    counts = {
        f"em_{kind}": len(
            {e["contact_id"] for e in events if e["tracking_activity_type"] == f"em_{kind}"}
        )
        for kind in KINDS
    }
    for kind in ("em_opens", "em_clicks"):
        devices = Counter(e["device_type"] for e in events if e["tracking_activity_type"] == kind)
        counts[f"{kind}_all"] = devices.total()
        for device in ("computer", "mobile", "tablet", "other", "none"):
            counts[f"{kind}_all_{device}"] = devices[device]
    rest = counts["em_sends"] - counts["em_opens"] - counts["em_bounces"]
    return {**counts, "em_not_opened": max(0, rest)}


def test_campaigns_come_newest_first_in_every_status(client: Client, served: Account) -> None:
    rows = client.rows("/emails", "campaigns", limit=7)
    assert [row["campaign_id"] for row in rows] == sorted(
        served.campaigns.rows,
        key=lambda key: parse(served.campaigns.rows[key]["created_at"]),
        reverse=True,
    )
    assert {row["current_status"] for row in rows} == {"Draft", "Scheduled", "Done", "Removed"}
    updated = [parse(row["updated_at"]) for row in rows]
    assert updated != sorted(updated, reverse=True), "the order is not that of updates"


def test_campaigns_by_when_they_were_updated(client: Client, served: Account) -> None:
    after, before = "2026-01-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"
    rows = client.rows("/emails", "campaigns", after_date=after, before_date=before, limit=3)
    assert {row["campaign_id"] for row in rows} == {
        key
        for key, row in served.campaigns.rows.items()
        if parse(after) < parse(row["updated_at"]) < parse(before)
    }
    assert rows


def test_a_removed_campaign_is_listed_alone(client: Client, served: Account) -> None:
    for key, row in served.campaigns.rows.items():
        response = client.get(f"/emails/{key}")
        assert response.status_code == (404 if row["current_status"] == "Removed" else 200)
        if response.ok:
            assert response.json()["current_status"] == row["current_status"].upper()
    assert client.get(f"/emails/{served.tags[0]}").status_code == 404


def test_every_campaign_event_belongs_to_a_campaign_or_an_automation(served: Account) -> None:
    of_campaigns = {
        activity["campaign_activity_id"]: row["name"]
        for row in served.campaigns.rows.values()
        for activity in row["campaign_activities"]
    }
    others = set()
    for rows in served.events.values():
        times = [parse(row["created_time"]).replace(microsecond=0) for row in rows]
        assert times == sorted(times)
        for row in rows:
            if row["campaign_activity_id"] in of_campaigns:
                assert row["campaign_activity_name"] == of_campaigns[row["campaign_activity_id"]]
            elif row["tracking_activity_type"].startswith("em_"):
                others.add(row["campaign_activity_name"])
    assert others == {"Welcome series", "Birthday greetings"}


def test_campaign_figures_count_the_contacts_events(client: Client, served: Account) -> None:
    keys = sent(served)
    body = client.body(f"{STATS}/{','.join(keys)}")
    assert [result["campaign_id"] for result in body["results"]] == keys
    for result in body["results"]:
        activities = served.campaigns.reported(result["campaign_id"])
        assert result["stats"] == figures(events_of(served, activities))
    assert any(len(served.campaigns.reported(key)) == 2 for key in keys), "a resend"


def test_activity_figures_count_the_contacts_events(client: Client, served: Account) -> None:
    keys = [activity for key in sent(served) for activity in served.campaigns.reported(key)][:10]
    body = client.body(f"{ACTIVITY_STATS}/{','.join(keys)}")
    assert body["errors"] == []
    for result, key in zip(body["results"], keys, strict=True):
        assert result["campaign_activity_id"] == key
        wanted = figures(events_of(served, [key]))
        stats = result["stats"]
        assert {name: stats[name] for name in wanted} == wanted
        by_reason = [n for name, n in stats.items() if name.startswith("em_bounces_")]
        assert sum(by_reason) == stats["em_bounces"]


def test_too_many_campaigns_at_once_are_refused(client: Client, served: Account) -> None:
    key = sent(served)[0]
    assert client.get(f"{STATS}/{','.join([key] * 150)}").ok
    assert client.get(f"{STATS}/{','.join([key] * 151)}").status_code == 400
    activity = served.campaigns.activity(key)
    assert client.get(f"{ACTIVITY_STATS}/{','.join([activity] * 10)}").ok
    assert client.get(f"{ACTIVITY_STATS}/{','.join([activity] * 11)}").status_code == 400


def test_one_unknown_campaign_fails_the_whole_batch(client: Client, served: Account) -> None:
    campaigns = served.campaigns.rows
    good = sent(served)[0]
    unsent = [key for key, row in campaigns.items() if row["current_status"] == "Draft"]
    removed = [key for key, row in campaigns.items() if row["current_status"] == "Removed"]
    for bad in ("nonsense", served.tags[0], unsent[0], removed[-1]):
        assert client.get(f"{STATS}/{good},{bad}").status_code == 404


def test_an_unknown_activity_is_told_beside_the_others(client: Client, served: Account) -> None:
    good = served.campaigns.activity(sent(served)[0])
    removed = [
        key
        for key, row in served.campaigns.activities.items()
        if row["current_status"] == "REMOVED"
    ]
    for bad in (served.tags[0], removed[0]):
        body = client.body(f"{ACTIVITY_STATS}/{good},{bad}")
        assert [result["campaign_activity_id"] for result in body["results"]] == [good]
        assert [bad in error["error_message"] for error in body["errors"]] == [True]
    assert client.get(f"{ACTIVITY_STATS}/{good},nonsense").status_code == 404


def test_figures_move_with_the_account(living: Client) -> None:
    account = living.sandbox.account
    at = PRESENT - timedelta(hours=1)
    people = [*account.contacts][:3]
    activity = account.send_campaign(at, people)
    key = account.campaigns.activities[activity]["campaign_id"]

    def stats() -> dict[str, int]:
        result: dict[str, int] = living.body(f"{STATS}/{key}")["results"][0]["stats"]
        return {name: count for name, count in result.items() if count}

    assert stats() == {"em_sends": 3, "em_not_opened": 3}
    for minutes in (1, 2):
        later = at + timedelta(minutes=minutes)
        account.respond(activity, people[0], "em_opens", later, device_type="mobile")
    assert stats() == {
        "em_sends": 3,
        "em_not_opened": 2,
        "em_opens": 1,
        "em_opens_all": 2,
        "em_opens_all_mobile": 2,
    }
    account.events[people[0]].pop()
    assert stats()["em_opens_all"] == 1
    account.remove_campaign(activity, at + timedelta(minutes=3))
    assert living.get(f"{STATS}/{key}").status_code == 404
    listed = living.rows("/emails", "campaigns", after_date=at.isoformat())
    assert {row["campaign_id"]: row["current_status"] for row in listed} == {key: "Removed"}
    assert any(row["campaign_activity_id"] == activity for row in account.details(people[0]))


@pytest.mark.parametrize("days", [0, 20, 40])
def test_a_later_present_has_the_same_past(days: int) -> None:
    now = PRESENT + timedelta(days=days)
    account, later = Account(size=12, now=now), Account(size=12, now=now + timedelta(days=30))
    for key, rows in account.events.items():
        assert later.events[key][: len(rows)] == rows
    for key, row in account.campaigns.rows.items():
        if row["current_status"] == "Done":
            assert (
                later.campaigns.send_history[account.campaigns.activity(key)]
                == (account.campaigns.send_history[account.campaigns.activity(key)])
            )
