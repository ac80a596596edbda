"""Summaries, landing pages, text messages, events, automations, bulk jobs and partners."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.sandbox.conftest import PRESENT, Client, Contract

pytestmark = pytest.mark.usefixtures("present")

SUMMARIES = "/reports/summary_reports/email_campaign_summaries"
SMS = "/reports/summary_reports/sms_campaign_summaries"
RATES = "/reports/contact_reports/{}/open_and_click_rates"
LANDING_PAGE = "/reports/landing_pages/campaign_details"
YEARS = {"start": "2022-01-01T00:00:00Z", "end": "2026-12-31T00:00:00Z"}


def test_campaign_summaries_agree_with_the_figures(client: Client, served: Account) -> None:
    rows = client.rows(SUMMARIES, "bulk_email_campaign_summaries", limit=7)
    sent = [parse(row["last_sent_date"]) for row in rows]
    assert sent == sorted(sent, reverse=True)
    keys = [row["campaign_id"] for row in rows]
    assert set(keys) == {key for key in served.campaigns.rows if served.campaigns.reported(key)}
    results = client.body(f"/reports/stats/email_campaigns/{','.join(keys)}")["results"]
    for row, result in zip(rows, results, strict=True):
        counts = row["unique_counts"]
        assert counts.pop("abuse") == 0
        assert counts == {name: result["stats"][f"em_{name}"] for name in counts}


def test_counts_are_of_contacts(client: Client, served: Account) -> None:
    living = [c for c in served.contacts.values() if status(c) != "deleted"]
    counts = client.body("/contacts/counts")
    assert counts["total"] == len(living)
    assert counts["unsubscribed"] == sum(status(c) == "unsubscribed" for c in living)
    assert counts["explicit"] + counts["implicit"] == sum(status(c) == "active" for c in living)
    for name in ("new_subscriber", "new_subscribers"):
        new = client.body("/contacts/counts", include=name)["new_subscriber"]
        month_ago = PRESENT - timedelta(days=30)
        assert new == sum(parse(c["created_at"]) > month_ago for c in living) > 0


def test_rates_are_those_of_the_summary(client: Client, served: Account) -> None:
    heavy = max(served.events, key=lambda key: len(served.events[key]))
    rates = client.body(RATES.format(heavy), **YEARS)
    rows = served.summary(heavy)
    assert rates["included_activities_count"] == len(rows)
    opened = sum(row["em_opens"] > 0 for row in rows)
    assert rates["average_open_rate"] == pytest.approx(opened / len(rows), abs=1e-4)
    nothing = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
    assert client.body(RATES.format(heavy), **nothing)["included_activities_count"] == 0
    six_years = {**YEARS, "start": "2020-12-30T00:00:00Z"}
    assert client.get(RATES.format(heavy), **six_years).status_code == 400
    assert client.get(RATES.format("nobody"), **YEARS).status_code == 404


def test_text_message_campaigns(client: Client, served: Account) -> None:
    rows = client.rows(SMS, "bulk_sms_campaign_summaries", start_at="2024-01-01T00:00:00Z")
    assert rows == served.sms_campaigns()
    assert len(rows) > 100
    some = client.rows(
        SMS,
        "bulk_sms_campaign_summaries",
        start_at=rows[9]["last_sent_date"],
        end_at=rows[5]["last_sent_date"],
    )
    assert some == rows[5:10]
    assert client.get(SMS).status_code == 400


def test_consent_to_text_messages(client: Client, served: Account) -> None:
    for key, contact in served.contacts.items():
        rows = client.body(f"/contacts/sms_engagement_history/{key}")
        assert len(rows) == (2 if "sms_channel" in contact else 0)
        assert {row["contact_id"] for row in rows} <= {key}
    assert client.get("/contacts/sms_engagement_history/nobody").status_code == 404


@pytest.mark.parametrize(
    ("report", "event_type", "kind"),
    [
        ("p_contact_opens", "p_contact_open", "p_contact_opens"),
        ("p_unique_contact_opens", "p_contact_open", "p_contact_opens"),
        ("p_unique_contact_clicks", "p_contact_click", "p_contact_click"),
        ("p_unique_contact_updates", "p_contact_update", "p_contact_updates"),
        ("p_unique_contact_adds", "p_contact_add", "p_contact_adds"),
    ],
)
def test_landing_pages_tell_the_contacts_events(
    client: Client, served: Account, report: str, event_type: str, kind: str
) -> None:
    told = 0
    for page in served.landing_pages:
        rows = client.rows(f"{LANDING_PAGE}/{page}/{report}", "tracking_activities", limit=3)
        events = [
            row
            for events in served.events.values()
            for row in events
            if row["campaign_activity_id"] == page and row["tracking_activity_type"] == event_type
        ]
        assert {row["tracking_activity_type"] for row in rows} <= {kind}
        assert {row["contact_id"] for row in rows} == {row["contact_id"] for row in events}
        if "unique" in report:
            assert len(rows) == len({row["contact_id"] for row in rows})
        else:
            assert len(rows) == len(events)
        told += len(rows)
    assert told
    assert client.get(f"{LANDING_PAGE}/{served.tags[0]}/{report}").status_code == 404


def test_landing_pages_by_name(client: Client, served: Account) -> None:
    path = f"{LANDING_PAGE}/{served.landing_pages[0]}/p_contact_opens"
    rows = client.rows(path, "tracking_activities")
    name = rows[0]["first_name"]
    found = client.rows(path, "tracking_activities", contacts_filter=name[:2].lower())
    assert rows[0] in found
    assert client.rows(path, "tracking_activities", contacts_filter="nobody at all") == []


def test_events_page_by_next(client: Client, served: Account) -> None:
    whole = client.body("/events")
    assert "next_cursor" not in whole
    assert [row["event_id"] for row in whole["records"]] == [*served.marketing_events]
    assert client.rows("/events", "records", limit=3) == whole["records"]
    second = client.body("/events", next=client.body("/events", limit=3)["next_cursor"])
    back = client.body("/events", prev=second["prev_cursor"])
    assert back["records"] == whole["records"][:3]
    both = {"next": second["next_cursor"], "prev": second["prev_cursor"]}
    assert client.get("/events", **both).status_code == 400


def test_the_details_of_every_event(contract: Contract, client: Client, served: Account) -> None:
    for key, row in served.marketing_events.items():
        detail = client.body(f"/events/{key}", include="true")
        contract.judge("/events/{event_id}", detail)
        assert detail.pop("event_settings")
        assert detail == row


def test_registrations_are_those_that_events_count(client: Client, served: Account) -> None:
    total = 0
    for listed in client.rows("/events", "records"):
        detail = client.body(f"/events/{listed['event_id']}")
        assert "event_settings" not in detail
        track = detail["default_track"]["track_id"]
        path = f"/events/{listed['event_id']}/tracks/{track}/registrations"
        rows = client.rows(path, "records")
        metrics = listed["event_registration_summary_metrics"]
        assert metrics["registration_count"] == len(rows)
        assert metrics["ticket_sold"] == sum(row["tickets"] for row in rows)
        assert len({row["registration_id"] for row in rows}) == len(rows)
        total += len(rows)
        paid = client.rows(path, "records", payment_status="PAID", limit=20)
        assert paid == [row for row in rows if row["payment_status"] == "PAID"]
        assert client.get(path, limit=10, page_size=20).status_code == 400
    assert total > 100
    assert client.get(f"{path}x").status_code == 403
    assert client.get(path.replace(track, "other")).status_code == 404
    assert client.get("/events/none").status_code == 404


def test_automations_succeed_with_209(client: Client) -> None:
    response = client.get("/automations/workflows")
    assert response.status_code == 209
    rows = response.json()["flow_summaries"]
    created = [parse(row["created_date"]) for row in rows]
    assert created == sorted(created, reverse=True)
    reverse = client.body("/automations/workflows", sort_direction="ASC")["flow_summaries"]
    assert reverse == rows[::-1]
    named = client.body("/automations/workflows", name="Welcome series")["flow_summaries"]
    assert [row["name"] for row in named] == ["Welcome series"]


def test_bulk_jobs_of_ten_days(client: Client) -> None:
    rows = client.rows("/activities", "activities", limit=7)
    created = [parse(row["created_at"]) for row in rows]
    assert created == sorted(created, reverse=True)
    assert min(created) > PRESENT - timedelta(days=10)
    first = client.body("/activities", limit=7)["activities"]
    links = {row["_links"]["self"]["href"] for row in first}
    assert links == {f"/v3/activities/{first[-1]['activity_id']}"}
    failed = client.rows("/activities", "activities", state="failed")
    assert failed
    assert all(row["activity_errors"] for row in failed)


def test_a_partners_accounts(living: Client) -> None:
    assert living.get("/partner/accounts").status_code == 403
    living.sandbox.api.partner = True
    rows = living.rows("/partner/accounts", "site_owner_list")
    assert rows == living.sandbox.account.partner_accounts()
    assert len(rows) > 100
    first: dict[str, Any] = living.body("/partner/accounts", limit=5)
    assert len(first["site_owner_list"]) == 50
    assert living.body("/partner/accounts", offset=100)["site_owner_list"] == rows[100:]
    managed = living.rows("/partner/accounts", "site_owner_list", account_type="managed", limit=20)
    others = living.rows("/partner/accounts", "site_owner_list", account_type="unmanaged")
    assert len(managed) + len(others) == len(rows)


def test_a_key_is_no_partners_at_first(account: Account) -> None:
    assert not Sandbox(account).api.partner
