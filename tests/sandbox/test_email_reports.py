"""The reports on e-mails, which tell the same events as those on contacts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, parse
from tests.sandbox.conftest import PRESENT, Client

KINDS = ("sends", "opens", "clicks", "bounces", "forwards", "optouts")
STATS = "/reports/stats/email_campaign_activities"
SAME = (
    "contact_id",
    "campaign_activity_id",
    "tracking_activity_type",
    "created_time",
    "device_type",
    "url_id",
    "link_url",
    "bounce_code",
    "opt_out_reason",
)
"""What an event's row has in the reports on e-mails as in those on contacts."""


def reported(account: Account) -> Iterator[str]:
    for campaign_id in account.campaigns.rows:
        yield from account.campaigns.reported(campaign_id)


def tracked(client: Client, activity: str, report: str, **query: Any) -> list[dict[str, Any]]:
    path = f"/reports/email_reports/{activity}/tracking/{report}"
    return client.rows(path, "tracking_activities", **query)


def alike(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name, "") for name in SAME)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_of_every_contact_is_told(client: Client, served: Account, kind: str) -> None:
    activities = [*reported(served)]
    told = []
    for activity in activities:
        rows = tracked(client, activity, kind)
        times = [parse(row["created_time"]) for row in rows]
        assert times == sorted(times, reverse=True)
        told += rows
    wanted = [
        alike(row)
        for rows in served.events.values()
        for row in rows
        if row["campaign_activity_id"] in activities
        and row["tracking_activity_type"] == f"em_{kind}"
    ]
    assert sorted(map(alike, told)) == sorted(wanted)
    assert wanted
    for row in told:
        contact = served.contacts[row["contact_id"]]
        assert row["email_address"] == contact["email_address"]["address"]
        assert row.get("deleted_at") == (contact.get("deleted_at", "")[:10] or None)
    if kind == "sends":
        assert any("deleted_at" in row for row in told)


def test_details_are_campaign_events_and_what_campaigns_do_not_show(
    client: Client, served: Account
) -> None:
    activities = {*reported(served)}
    elsewhere = {
        row["campaign_activity_name"]
        for rows in served.events.values()
        for row in rows
        if row["campaign_activity_id"] not in activities
    }
    assert elsewhere == {
        "Welcome series",
        "Birthday greetings",
        *(f"Landing page {number}" for number in range(1, 6)),
        *(
            row["name"]
            for row in served.campaigns.rows.values()
            if row["current_status"] == "Removed" and row["name"] != "Mistake"
        ),
    }
    assert "Newsletter 5" in elsewhere


def test_two_clicks_in_one_instant(client: Client, served: Account) -> None:
    for activity in reported(served):
        clicks = tracked(client, activity, "clicks")
        instants = [(row["contact_id"], parse(row["created_time"])) for row in clicks]
        if len(instants) > len(set(instants)):
            return
    pytest.fail("nobody clicks two links in one instant")


def test_unique_opens_are_the_last_of_each_contact(client: Client, served: Account) -> None:
    activity = next(reported(served))
    every = tracked(client, activity, "opens")
    unique = tracked(client, activity, "unique_opens", limit=3)
    last: dict[str, dict[str, Any]] = {}
    for row in every:
        last.setdefault(row["contact_id"], row)
    assert unique == [*last.values()]
    assert len(unique) < len(every)


def test_the_figures_are_those_of_the_reports(client: Client, served: Account) -> None:
    for activity in [*reported(served)][:4]:
        stats = client.body(f"{STATS}/{activity}")["results"][0]["stats"]
        assert len(tracked(client, activity, "opens")) == stats["em_opens_all"]
        assert len(tracked(client, activity, "clicks")) == stats["em_clicks_all"]
        assert len(tracked(client, activity, "unique_opens")) == stats["em_opens"]
        away = tracked(client, activity, "didnotopens")
        assert len(away) == stats["em_not_opened"]
        assert {row["tracking_activity_type"] for row in away} <= {"em_didnotopens"}


def test_clicks_by_link_and_bounces_by_code(client: Client, served: Account) -> None:
    links, codes = set(), set()
    for activity in reported(served):
        for row in tracked(client, activity, "clicks"):
            found = tracked(client, activity, "clicks", url_id=row["url_id"])
            assert row in found
            assert {other["url_id"] for other in found} == {row["url_id"]}
            links.add(row["url_id"])
        bounces = tracked(client, activity, "bounces")
        codes |= {row["bounce_code"] for row in bounces}
        assert tracked(client, activity, "bounces", bounce_code=["B", "D"]) == [
            row for row in bounces if row["bounce_code"] in "BD"
        ]
        if len(links) > 1 and len(codes) > 1:
            return


def test_links_count_contacts(client: Client, served: Account) -> None:
    activity = next(reported(served))
    path = f"/reports/email_reports/{activity}/links"
    clicks = tracked(client, activity, "clicks")
    people = {
        url: {row["contact_id"] for row in clicks if row["url_id"] == url}
        for url in {row["url_id"] for row in clicks}
    }
    told = client.body(path)
    assert told["campaign_activity_id"] == activity
    counts = {row["url_id"]: row["unique_clicks"] for row in told["link_click_counts"]}
    assert counts == {url: len(contacts) for url, contacts in people.items()}
    every = client.body(path, no_clicks="true")["link_click_counts"]
    assert 0 in {row["unique_clicks"] for row in every}
    assert len(every) == 3


def test_activities_that_were_not_sent_have_no_reports(client: Client, served: Account) -> None:
    campaigns = served.campaigns
    removed = next(k for k, r in campaigns.activities.items() if r["current_status"] == "REMOVED")
    permalink = next(k for k, r in campaigns.activities.items() if r["role"] == "permalink")
    automation = next(
        row["campaign_activity_id"]
        for rows in served.events.values()
        for row in rows
        if row["campaign_activity_name"] == "Welcome series"
    )
    for activity in (removed, permalink, automation, served.landing_pages[0], "nonsense"):
        for report in ("tracking/sends", "tracking/didnotopens", "links"):
            response = client.get(f"/reports/email_reports/{activity}/{report}")
            assert response.status_code == 404


def test_a_new_event_moves_the_pages(living: Client) -> None:
    account = living.sandbox.account
    people = [*account.contacts][:5]
    activity = account.send_campaign(PRESENT - timedelta(hours=1), people)
    for minute, contact_id in enumerate(people[:4]):
        at = PRESENT - timedelta(minutes=50 - minute)
        account.respond(activity, contact_id, "em_opens", at)
    path = f"/reports/email_reports/{activity}/tracking/opens"
    pages = living.pages(path, "tracking_activities", limit=2)
    first = [row["contact_id"] for row in next(pages)]
    assert first == people[3:1:-1]
    account.respond(activity, people[4], "em_opens", PRESENT)
    assert [row["contact_id"] for row in next(pages)] == [people[2], people[1]]
