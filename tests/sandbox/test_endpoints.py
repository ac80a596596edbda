"""Every endpoint: its answers, parameters, pages and scope, as the published contract has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.api import ENDPOINTS
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
    "/reports/contact_reports/{contact_id}/activity_details": Case(
        {"tracking_activities_list": "em_sends,em_opens"}, "tracking_activities", 100
    ),
    "/reports/contact_reports/{contact_id}/activity_summary": Case(YEARS),
    "/emails": Case({}, "campaigns", 500),
    "/emails/{campaign_id}": Case(),
    "/reports/stats/email_campaigns/{campaign_ids}": Case(),
    "/reports/stats/email_campaign_activities/{campaign_activity_ids}": Case(),
}
EXTRA_IN_DETAILS = {"device_type", "url_id", "link_url", "bounce_code", "opt_out_reason"}
"""What the e-mail reports tell beside the contract's row of a contact's activity."""

PAGED = [template for template, case in CASES.items() if case.rows]
TEMPLATES = [endpoint.path for endpoint in ENDPOINTS]


def path_to(template: str, account: Account) -> str:
    """Fill in the names of a path with keys that the account has."""
    campaigns = account.campaigns
    campaign_id = next(key for key in campaigns.rows if len(campaigns.reported(key)) == 2)
    active = [key for key, contact in account.contacts.items() if status(contact) == "active"]
    keys = {
        "segment_id": "1",
        "contact_id": max(active, key=lambda key: len(account.events[key])),
        "campaign_id": campaign_id,
        "campaign_ids": campaign_id,
        "campaign_activity_id": campaigns.activity(campaign_id),
        "campaign_activity_ids": campaigns.activity(campaign_id),
    }
    return template.format(**keys)


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
        contract.judge(template, body)


VALUES = {
    "date-time": "2026-01-01T00:00:00.000Z",
    "boolean": "true",
    "integer": "10",
    "string": "a",
    "array": "a",
}
BY_NAME = {
    "limit": "10",
    "start": YEARS["start"],
    "end": YEARS["end"],
    "sort_by": "name",
    "tracking_activities_list": "em_sends",
    "tracking_activity_type": "em_sends",
    "include": "notes",
    "status": "active",
    "segment_id": "1",
    "include_sms_membership_count": "true",
}
BESIDE = {"include_sms_membership_count": {"channel_type": "sms"}}
"""What a parameter needs beside it."""


def _value(parameter: dict[str, Any]) -> str:
    choices = parameter.get("enum") or parameter.get("items", {}).get("enum")
    if parameter["name"] in BY_NAME:
        return BY_NAME[parameter["name"]]
    return str(
        choices[0]
        if choices
        else VALUES[parameter.get("format", "")]
        if parameter.get("format") in VALUES
        else VALUES[parameter["type"]]
    )


def test_every_parameter_of_the_contract_is_known_and_no_other(
    contract: Contract, client: Client, served: Account, template: str
) -> None:
    path = path_to(template, served)
    documented = contract.parameters(template)
    known = next(e.parameters for e in ENDPOINTS if e.path == template)
    assert set(known.required) == {name for name, p in documented.items() if p.get("required")}
    needed = {name: CASES[template].query[name] for name in known.required}
    for name, parameter in documented.items():
        query = {**needed, **BESIDE.get(name, {}), name: _value(parameter)}
        if template.endswith("activity_details") and not name.startswith("tracking"):
            query["tracking_activities_list"] = "em_sends"
        if template == "/contacts" and name not in known.readers:
            continue  # what the tap does not ask contacts by
        response = client.get(path, **query)
        assert response.ok, (name, response.text)
    assert set(known.readers) - set(documented) == set()
    response = client.get(path, **CASES[template].query, wish="fulfilled")
    assert response.status_code == 400
    assert "wish" in response.json()[0]["error_message"]


@pytest.mark.parametrize("template", PAGED)
def test_pages(client: Client, served: Account, template: str) -> None:
    path, case = path_to(template, served), CASES[template]
    whole = client.rows(path, case.rows, **case.query, limit=case.most)
    assert whole
    size = max(case.least, 2)
    pages = [*client.pages(path, case.rows, **case.query, limit=size)]
    assert [row for page in pages for row in page] == whole
    assert all(len(page) == size for page in pages[:-1])
    for wrong in (case.least - 1, case.most + 1, "many"):
        assert client.get(path, **case.query, limit=wrong).status_code == 400
    assert client.get(path, cursor="nonsense").status_code == 400


def test_an_endpoint_asks_for_its_scope(
    contract: Contract, client: Client, served: Account, template: str
) -> None:
    path, case = path_to(template, served), CASES[template]
    security = contract.paths[template]["get"]["security"]
    scopes = {scope for way in security for scopes in way.values() for scope in scopes}
    allowed = Client(client.sandbox, client.session, " ".join(scopes) or "offline_access")
    assert allowed.get(path, **case.query).ok
    others = {"contact_data", "campaign_data", "account_read"} - scopes
    refused = Client(client.sandbox, client.session, " ".join(others))
    response = refused.get(path, **case.query)
    assert response.status_code == (403 if scopes else 200)


def test_an_unknown_path_is_forbidden(client: Client) -> None:
    assert client.get("/nothing").status_code == 403
