"""Campaign activities: details, history, schedules, resends and tests of subjects."""

from __future__ import annotations

from tap_constantcontact.sandbox.account import Account, parse
from tests.sandbox.conftest import Client, Contract

ACTIVITY = "/emails/activities"


def test_the_details_of_every_activity(client: Client, served: Account) -> None:
    roles = set()
    for key in served.campaigns.rows:
        response = client.get(f"/emails/{key}")
        if not response.ok:
            continue
        for reference in response.json()["campaign_activities"]:
            detail = client.body(f"{ACTIVITY}/{reference['campaign_activity_id']}")
            assert detail["campaign_id"] == key
            assert detail["role"] == reference["role"]
            assert detail["current_status"] == response.json()["current_status"]
            assert "permalink_url" not in detail
            roles.add(detail["role"])
    assert roles == {"primary_email", "permalink", "resend"}


def test_the_content_of_an_email_is_included_on_request(
    contract: Contract, client: Client, served: Account
) -> None:
    told = set()
    for key in served.campaigns.rows:
        for activity in served.campaigns.reported(key):
            detail = client.body(
                f"{ACTIVITY}/{activity}", include="html_content,document_properties"
            )
            contract.judge(f"{ACTIVITY}/{{campaign_activity_id}}", detail)
            told |= set(detail)
    assert told >= {"html_content", "document_properties", "document_id"}


def test_removed_activities_cannot_be_read(client: Client, served: Account) -> None:
    removed = [
        k for k, r in served.campaigns.activities.items() if r["current_status"] == "REMOVED"
    ]
    for key in (*removed, "nonsense"):
        for part in ("", "/send_history", "/schedules", "/non_opener_resends", "/abtest"):
            assert client.get(f"{ACTIVITY}/{key}{part}").status_code == 404


def test_send_history_counts_the_sends(client: Client, served: Account) -> None:
    for campaign_id, campaign in served.campaigns.rows.items():
        for activity in served.campaigns.reported(campaign_id):
            (sent,) = client.body(f"{ACTIVITY}/{activity}/send_history")
            rows = served.index.rows(activity, "em_sends")
            assert sent["count"] == len(rows)
            assert {parse(row["created_time"]) for row in rows} <= {parse(sent["run_date"])}
        if campaign["current_status"] == "Draft":
            key = served.campaigns.activity(campaign_id)
            assert client.body(f"{ACTIVITY}/{key}/send_history") == []


def test_only_scheduled_activities_have_a_schedule(client: Client, served: Account) -> None:
    for key, campaign in served.campaigns.rows.items():
        if campaign["current_status"] == "Removed":
            continue
        rows = client.body(f"{ACTIVITY}/{served.campaigns.activity(key)}/schedules")
        assert len(rows) == (campaign["current_status"] == "Scheduled")
        for row in rows:
            assert parse(row["scheduled_date"]) > served.now


def test_resends_to_non_openers(client: Client, served: Account) -> None:
    delays = set()
    for key in served.campaigns.rows:
        reported = served.campaigns.reported(key)
        if not reported:
            continue
        rows = client.body(f"{ACTIVITY}/{reported[0]}/non_opener_resends")
        assert len(rows) == len(reported) - 1
        for row in rows:
            delays |= {name for name in row if name.startswith("delay")}
            resent = served.index.people(reported[1], "em_sends")
            assert resent <= served.index.people(reported[0], "em_sends")
            assert not resent & served.index.people(reported[0], "em_opens")
    assert delays == {"delay_days", "delay_minutes"}


def test_a_test_of_subjects(client: Client, served: Account) -> None:
    tested: list[int] = []
    others: list[int] = []
    for key in served.campaigns.rows:
        for activity in served.campaigns.reported(key)[:1]:
            response = client.get(f"{ACTIVITY}/{activity}/abtest")
            (tested if response.ok else others).append(response.status_code)
    assert tested
    assert set(others) == {404}
