"""Every endpoint: its answers, parameters, pages and scope, as the published contract has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.api import ENDPOINTS
from tap_constantcontact.sandbox.server import Sandbox
from tests.sandbox.conftest import Client, Contract


@dataclass(frozen=True)
class Case:
    """An endpoint and a request to it.

    Attributes:
        query: What the request must bring.
        rows: The property of the answer that has the rows, if it has pages.
        most: The most rows that a page may have.
        least: The fewest.
    """

    query: dict[str, str] = field(default_factory=dict)
    rows: str = ""
    most: int = 0
    least: int = 1


YEARS = {"start": "2024-01-01T00:00:00-0500", "end": "2026-12-01T00:00:00-0500"}
ACTIVITY = "/emails/activities/{campaign_activity_id}"
CONTACT_REPORTS = "/reports/contact_reports/{contact_id}"
EMAIL_REPORTS = "/reports/email_reports/{campaign_activity_id}"
LANDING_PAGES = "/reports/landing_pages/campaign_details/{landing_page}"
TRACKING = Case({}, "tracking_activities", 500)
CASES = {
    "/account/summary": Case({"extra_fields": "physical_address,company_logo"}),
    "/account/emails": Case(),
    "/account/user/privileges": Case(),
    "/contact_lists": Case({"include_membership_count": "all"}, "lists", 500),
    "/contact_tags": Case({"include_count": "true"}, "tags", 500),
    "/contact_custom_fields": Case({}, "custom_fields", 100),
    "/segments": Case({}, "segments", 1000),
    "/segments/{segment_id}": Case(),
    "/contacts": Case(
        {
            "status": "all",
            "include": "custom_fields,list_memberships,phone_numbers,street_addresses,taggings",
        },
        "contacts",
        500,
    ),
    "/contacts/counts": Case({"include": "new_subscriber"}),
    "/contacts/sms_engagement_history/{contact_id}": Case(),
    f"{CONTACT_REPORTS}/activity_details": Case(
        {"tracking_activities_list": "em_sends,em_opens"}, "tracking_activities", 100
    ),
    f"{CONTACT_REPORTS}/activity_summary": Case(YEARS),
    f"{CONTACT_REPORTS}/open_and_click_rates": Case(YEARS),
    "/emails": Case({}, "campaigns", 500),
    "/emails/{campaign_id}": Case(),
    ACTIVITY: Case(
        {"include": "permalink_url,html_content,physical_address_in_footer,document_properties"}
    ),
    f"{ACTIVITY}/previews": Case(),
    f"{ACTIVITY}/send_history": Case(),
    f"{ACTIVITY}/schedules": Case(),
    f"{ACTIVITY}/non_opener_resends": Case(),
    "/emails/activities/{tested_activity_id}/abtest": Case(),
    "/reports/stats/email_campaigns/{campaign_ids}": Case(),
    "/reports/stats/email_campaign_activities/{campaign_activity_ids}": Case(),
    "/reports/summary_reports/email_campaign_summaries": Case(
        {}, "bulk_email_campaign_summaries", 500
    ),
    "/reports/summary_reports/sms_campaign_summaries": Case(
        {"start_at": "2024-01-01T00:00:00Z"}, "bulk_sms_campaign_summaries", 50
    ),
    **{
        f"{EMAIL_REPORTS}/tracking/{report}": TRACKING
        for report in (
            "sends",
            "opens",
            "unique_opens",
            "didnotopens",
            "clicks",
            "forwards",
            "optouts",
            "bounces",
        )
    },
    f"{EMAIL_REPORTS}/links": Case({"no_clicks": "true"}),
    **{
        f"{LANDING_PAGES}/{report}": TRACKING
        for report in (
            "p_contact_opens",
            "p_unique_contact_opens",
            "p_unique_contact_clicks",
            "p_unique_contact_updates",
            "p_unique_contact_adds",
            "p_unique_contact_sms_optins",
        )
    },
    "/events": Case({}, "records", 100),
    "/events/{event_id}": Case({"include": "true"}),
    "/events/{event_id}/tracks/{track_id}/registrations": Case({}, "records", 100),
    "/automations/workflows": Case(),
    "/activities": Case({}, "activities", 500),
    "/partner/accounts": Case({}, "site_owner_list"),
}
CASES = {
    template.replace("{tested_activity_id}", "{campaign_activity_id}").replace(
        "{landing_page}", "{campaign_activity_id}"
    ): case
    for template, case in CASES.items()
}
CURSORS = {"next", "prev"}
EXTRA_IN_DETAILS = {"device_type", "url_id", "link_url", "bounce_code", "opt_out_reason"}
"""What the e-mail reports tell beside the contract's row of a contact's activity."""

PAGED = [template for template, case in CASES.items() if case.most]
TEMPLATES = [endpoint.path for endpoint in ENDPOINTS]


def path_to(template: str, account: Account) -> str:
    """Fill in the names of a path with keys that the account has."""
    campaigns = account.campaigns
    campaign_id = next(key for key in campaigns.rows if len(campaigns.reported(key)) == 2)
    active = [key for key, contact in account.contacts.items() if status(contact) == "active"]
    activity = campaigns.activity(campaign_id)
    if "landing_pages" in template:
        activity = account.landing_pages[0]
    if "abtest" in template:
        activity = next(iter(campaigns.ab_tests))
    for kind in ("optouts", "forwards", "bounces"):
        if template.endswith(kind):
            sent = (key for row in campaigns.rows for key in campaigns.reported(row))
            activity = max(sent, key=lambda key: len(account.index.rows(key, f"em_{kind}")))
    event = next(iter(account.marketing_events.values()))
    keys = {
        "segment_id": "1",
        "contact_id": max(active, key=lambda key: len(account.events[key])),
        "campaign_id": campaign_id,
        "campaign_ids": campaign_id,
        "campaign_activity_id": activity,
        "campaign_activity_ids": activity,
        "event_id": event["event_id"],
        "track_id": event["default_track"]["track_id"],
    }
    if "sms_engagement" in template:
        keys["contact_id"] = next(k for k, c in account.contacts.items() if "sms_channel" in c)
    return template.format(**keys)


@pytest.fixture(autouse=True)
def _partner(shared: Sandbox, present: None) -> None:
    shared.api.partner = True


@pytest.fixture(params=TEMPLATES)
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_endpoint_has_a_case() -> None:
    assert set(CASES) == set(TEMPLATES)


def test_an_answer_keeps_to_the_contract(
    contract: Contract, client: Client, served: Account, template: str
) -> None:
    path, case = path_to(template, served), CASES[template]
    bodies = [client.body(path, **case.query)]
    if case.rows:
        bodies = [{case.rows: page} for page in client.pages(path, case.rows, **case.query)]
    for body in bodies:
        if template.endswith("activity_details"):
            for row in body[case.rows]:
                for name in EXTRA_IN_DETAILS:
                    row.pop(name, None)
        if template == "/account/emails":
            for row in body:
                row.pop(
                    "confirm_source", None
                )  # recorded from live accounts; the contract lacks it
        contract.judge(template, body)


VALUES = {"date-time": "2026-01-01T00:00:00.000Z", "boolean": "true"}
BY_NAME = {
    "limit": "10",
    "page_size": "10",
    "offset": "10",
    "start": YEARS["start"],
    "end": YEARS["end"],
    "start_at": YEARS["start"],
    "end_at": YEARS["end"],
    "sort_by": "name",
    "sort_order": "DESC",
    "event_status": "DRAFT",
    "tracking_activities_list": "em_sends",
    "tracking_activity_type": "em_sends",
    "status": "active",
    "segment_id": "1",
    "url_id": "110057770",
}
"""A value of the parameters that have neither an enumeration nor a format."""

BESIDE = {
    "include_sms_membership_count": {"channel_type": "sms"},
    "include_campaign_activity_names": {"tracking_activities_list": "em_sends"},
    "limit": {"tracking_activities_list": "em_sends"},
}
"""What a parameter needs beside it, where the endpoint knows that."""


def _value(parameter: dict[str, Any]) -> str:
    choices = parameter.get("enum") or parameter.get("items", {}).get("enum")
    if choices:
        return str(choices[0])
    form = parameter.get("format", parameter["type"])
    return BY_NAME.get(parameter["name"]) or VALUES.get(form, "a")


def test_every_parameter_of_the_contract_is_known_and_no_other(
    contract: Contract, client: Client, served: Account, template: str
) -> None:
    path = path_to(template, served)
    documented = {
        name: parameter
        for name, parameter in contract.parameters(template).items()
        if name not in CURSORS
    }
    known = next(e.parameters for e in ENDPOINTS if e.path == template)
    assert set(known.required) == {name for name, p in documented.items() if p.get("required")}
    needed = {name: CASES[template].query[name] for name in known.required}
    for name, parameter in documented.items():
        beside = {k: v for k, v in BESIDE.get(name, {}).items() if k in documented}
        query = {**needed, **beside, name: _value(parameter)}
        if template == "/contacts" and name not in known.readers:
            continue  # what the tap does not ask contacts by
        response = client.get(path, **query)
        assert response.ok, (name, response.text)
    assert set(known.readers) - set(documented) == set()
    response = client.get(path, **CASES[template].query, wish="fulfilled")
    assert response.status_code == 400
    assert "wish" in response.json()[0]["error_message"]


@pytest.mark.parametrize("template", PAGED)
def test_following_the_links_gives_the_rows_of_one_large_page(
    client: Client, served: Account, template: str
) -> None:
    path, case = path_to(template, served), CASES[template]
    whole = client.rows(path, case.rows, **case.query, limit=case.most)
    assert whole
    size = max(case.least, 2)
    pages = [*client.pages(path, case.rows, **case.query, limit=size)]
    if template == "/activities":  # whose links are those of the last row of a page
        for row in (row for page in [whole, *pages] for row in page):
            del row["_links"]
    assert [row for page in pages for row in page] == whole
    assert all(len(page) == size for page in pages[:-1])
    for wrong in (case.least - 1, case.most + 1, "many"):
        assert client.get(path, **case.query, limit=wrong).status_code == 400
    assert client.get(path, cursor="nonsense").status_code == 400


def test_an_endpoint_asks_for_its_scope_and_privilege(
    contract: Contract, client: Client, served: Account, template: str
) -> None:
    path, case = path_to(template, served), CASES[template]
    operation = contract.paths[template]["get"]
    if template != "/partner/accounts":
        scopes = {
            scope
            for way in operation["security"]
            for scopes_of_way in way.values()
            for scope in scopes_of_way
        }
        allowed = Client(client.sandbox, client.session, " ".join(scopes) or "offline_access")
        assert allowed.get(path, **case.query).ok
        others = {"contact_data", "campaign_data", "account_read"} - scopes
        refused = Client(client.sandbox, client.session, " ".join(others))
        assert refused.get(path, **case.query).status_code == (403 if scopes else 200)
    access = next(e.access for e in ENDPOINTS if e.path == template)
    assert [access.privilege] == operation.get("x-authorization-privileges", [None])


def test_a_user_without_a_privilege_is_refused(client: Client) -> None:
    privileges = client.sandbox.api.privileges
    privileges.remove("campaign:read")
    try:
        assert client.get("/emails").status_code == 403
        told = {row["privilege_name"] for row in client.body("/account/user/privileges")}
        assert told == set(privileges)
    finally:
        privileges.append("campaign:read")


def test_an_unknown_path_is_forbidden(client: Client) -> None:
    assert client.get("/nothing").status_code == 403
