"""Reports on landing pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tap_constantcontact.sandbox.data.activity_index import Rows
from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.data.landing_pages import PAGE_LINK
from tap_constantcontact.sandbox.endpoints.endpoint import (
    CAMPAIGN_REPORTS,
    Answer,
    Call,
    Endpoint,
)
from tap_constantcontact.sandbox.endpoints.parameters import NotFound, Parameters, text, whole
from tap_constantcontact.sandbox.endpoints.people import introduced


def _events(call: Call, event_type: str) -> Rows:
    """Return the events of a landing page of a type, the newest first."""
    key = call.path("campaign_activity_id")
    if key not in call.account.landing_pages:
        raise NotFound("No such landing page.")
    return call.account.index.rows(key, event_type)


def _told(call: Call, event: Row, kind: str) -> Row:
    """Return an event as the reports tell it under a type."""
    row = introduced(call.account, event, kind)
    if "device_type" in event:
        row["device_type"] = event["device_type"]
    contact = call.account.contacts.look(event["contact_id"]) or {}
    if "sms_channel" in contact:
        row["sms_channel"] = _channel(contact["sms_channel"])
    return row


def _channel(channel: Row) -> Row:
    digits = channel["sms_address"]
    number = f"{digits[3:6]}-{digits[6:]}"
    return {
        "country_code": channel["country_code"],
        "state": "E",
        "formatted_national": f"({digits[:3]}) {number}",
        "formatted_international": f"+{channel['dial_code']} {digits[:3]}-{number}",
    }


def _page(call: Call, events: Sequence[Row], kind: str, extra: Row | None = None) -> Answer:
    """Answer with events, of contacts whose name or address has what the query says."""
    if wanted := call.query.get("contacts_filter", "").casefold():
        events = [
            event
            for event in events
            if any(
                wanted in value.casefold()
                for name, value in introduced(call.account, event, kind).items()
                if name in ("first_name", "last_name", "email_address")
            )
        ]
    page, links = call.page(events)
    rows = [_told(call, event, kind) | (extra or {}) for event in page]
    return {"tracking_activities": rows, "_links": {"next": None}, **links}


def opens(call: Call) -> Answer:
    """GET …/p_contact_opens."""
    return _page(call, _events(call, "p_contact_open"), "p_contact_opens")


def _unique(event_type: str, kind: str, extra: Row | None = None) -> Callable[[Call], Answer]:
    """Return what answers with the last event of a type of each contact."""
    return lambda call: _page(call, _events(call, event_type).last_of_each(), kind, extra)


def unique_sms_optins(call: Call) -> Answer:
    """GET …/p_unique_contact_sms_optins: of those who gave a phone number with their data."""
    events = _events(call, "p_contact_update").of(lambda contact: "sms_channel" in contact)
    return _page(call, events.last_of_each(), "p_contact_sms_optins")


REPORTS: dict[str, Callable[[Call], Answer]] = {
    "p_contact_opens": opens,
    "p_unique_contact_opens": _unique("p_contact_open", "p_contact_opens"),
    "p_unique_contact_clicks": _unique("p_contact_click", "p_contact_click", PAGE_LINK),
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
