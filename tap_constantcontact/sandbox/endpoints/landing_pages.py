"""Reports on landing pages."""

from __future__ import annotations

from collections.abc import Callable

from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.data.landing_pages import PAGE_LINK
from tap_constantcontact.sandbox.endpoints.endpoint import (
    CAMPAIGN_REPORTS,
    Answer,
    Call,
    Endpoint,
)
from tap_constantcontact.sandbox.endpoints.parameters import NotFound, Parameters, text, whole
from tap_constantcontact.sandbox.endpoints.people import introduced, last_of_each


def _reports(call: Call, event_type: str, kind: str) -> list[Row]:
    """Return the rows of a landing page's events, the newest first.

    Args:
        call: What was asked.
        event_type: The type of the contacts' events.
        kind: The type that the report gives them.
    """
    account = call.account
    key = call.path("campaign_activity_id")
    if key not in account.landing_pages:
        raise NotFound("No such landing page.")
    wanted = call.query.get("contacts_filter", "").casefold()
    rows = []
    for event in account.index.rows(key, event_type):
        row = introduced(account, event, kind)
        told = (row.get(name, "") for name in ("first_name", "last_name", "email_address"))
        if not any(wanted in value.casefold() for value in told):
            continue
        if "device_type" in event:
            row["device_type"] = event["device_type"]
        if channel := account.contacts.get(event["contact_id"], {}).get("sms_channel"):
            row["sms_channel"] = _channel(channel)
        rows.append(row)
    return rows


def _channel(channel: Row) -> Row:
    digits = channel["sms_address"]
    number = f"{digits[3:6]}-{digits[6:]}"
    return {
        "country_code": channel["country_code"],
        "state": "E",
        "formatted_national": f"({digits[:3]}) {number}",
        "formatted_international": f"+{channel['dial_code']} {digits[:3]}-{number}",
    }


def _page(call: Call, rows: list[Row]) -> Answer:
    page, links = call.page(rows)
    return {"tracking_activities": page, "_links": {"next": None}, **links}


def opens(call: Call) -> Answer:
    """GET …/p_contact_opens."""
    return _page(call, _reports(call, "p_contact_open", "p_contact_opens"))


def _unique(event_type: str, kind: str) -> Callable[[Call], Answer]:
    """Return what answers with the last event of a type of each contact."""
    return lambda call: _page(call, last_of_each(_reports(call, event_type, kind), "contact_id"))


def unique_clicks(call: Call) -> Answer:
    """GET …/p_unique_contact_clicks: the last click of each contact on each link."""
    rows = [row | PAGE_LINK for row in _reports(call, "p_contact_click", "p_contact_click")]
    return _page(call, last_of_each(rows, "contact_id", "url_id"))


def unique_sms_optins(call: Call) -> Answer:
    """GET …/p_unique_contact_sms_optins: of those who gave a phone number with their data."""
    rows = _reports(call, "p_contact_update", "p_contact_sms_optins")
    return _page(call, last_of_each([row for row in rows if "sms_channel" in row], "contact_id"))


REPORTS: dict[str, Callable[[Call], Answer]] = {
    "p_contact_opens": opens,
    "p_unique_contact_opens": _unique("p_contact_open", "p_contact_opens"),
    "p_unique_contact_clicks": unique_clicks,
    "p_unique_contact_updates": _unique("p_contact_update", "p_contact_updates"),
    "p_unique_contact_adds": _unique("p_contact_add", "p_contact_adds"),
    "p_unique_contact_sms_optins": unique_sms_optins,
}
ENDPOINTS = tuple(
    Endpoint(
        f"/reports/landing_pages/campaign_details/{{campaign_activity_id}}/{name}",
        CAMPAIGN_REPORTS,
        answer,
        Parameters({"limit": whole(1, 500), "contacts_filter": text}),
    )
    for name, answer in REPORTS.items()
)
