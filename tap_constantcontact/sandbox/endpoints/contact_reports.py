"""Reports on one contact."""

from __future__ import annotations

from datetime import timedelta

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.endpoints.endpoint import CONTACT_REPORTS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    BOOLEAN,
    NotFound,
    Parameters,
    Refused,
    instant,
    some_of,
    whole,
)

ACTIVITY_TYPES = {
    "em_sends",
    "em_opens",
    "em_clicks",
    "em_bounces",
    "em_optouts",
    "em_forwards",
    "p_contact_open",
    "p_contact_click",
    "p_contact_add",
    "p_contact_update",
}
SUMMARY_PAGE = 200
FIVE_YEARS = timedelta(days=5 * 365 + 2)
BASE_ROW = (
    "contact_id",
    "campaign_activity_id",
    "created_time",
    "tracking_activity_type",
    "campaign_activity_name",
)


def known_contact(call: Call) -> str:
    """Return the `contact_id` of the path, or answer 404."""
    contact_id = call.path("contact_id")
    if contact_id not in call.account.contacts:
        raise NotFound("No such contact.", "contacts.api.not_found")
    return contact_id


def activity_details(call: Call) -> Answer:
    """GET /reports/contact_reports/{contact_id}/activity_details."""
    query = call.query
    kinds = [
        query[name]
        for name in ("tracking_activities_list", "tracking_activity_type")
        if name in query
    ]
    if len(kinds) != 1:
        raise Refused("Give tracking_activities_list or tracking_activity_type, and not both.")
    rows = [
        row
        for row in call.account.details(known_contact(call))
        if row["tracking_activity_type"] in kinds[0]
    ]
    page, links = call.page(rows, 100)
    if call.service.base_rows:
        page = [{key: row[key] for key in BASE_ROW if key in row} for row in page]
    if query.get("include_campaign_activity_names") == "false":
        page = [
            {key: value for key, value in row.items() if key != "campaign_activity_name"}
            for row in page
        ]
    return {"tracking_activities": page, "_links": {"next": {"href": None}}, **links}


def _sent_within(call: Call) -> list[Row]:
    """Return what the contact did with the e-mails that were sent between `start` and `end`."""
    return [
        row
        for row in call.account.summary(known_contact(call))
        if call.query["start"] <= parse(row["start_on"]) < call.query["end"]
    ]


def activity_summary(call: Call) -> Answer:
    """GET /reports/contact_reports/{contact_id}/activity_summary."""
    page, links = call.page(_sent_within(call), SUMMARY_PAGE)
    return {
        "contact_id": call.path("contact_id"),
        "campaign_activities": page,
        "_links": None,
        **links,
    }


def open_and_click_rates(call: Call) -> Answer:
    """GET /reports/contact_reports/{contact_id}/open_and_click_rates."""
    if call.query["end"] - call.query["start"] > FIVE_YEARS:
        raise Refused("start and end may be five years apart at the most.")
    rows = _sent_within(call)
    opened = sum(row["em_opens"] > 0 for row in rows)
    clicked = sum(row["em_clicks"] > 0 for row in rows)
    return {
        "contact_id": call.path("contact_id"),
        "included_activities_count": len(rows),
        "average_open_rate": round(opened / len(rows), 4) if rows else 0.0,
        "average_click_rate": round(clicked / len(rows), 4) if rows else 0.0,
    }


SPAN = Parameters({"start": instant, "end": instant}, required=("start", "end"))
REPORTS = "/reports/contact_reports/{contact_id}"
ENDPOINTS = (
    Endpoint(
        f"{REPORTS}/activity_details",
        CONTACT_REPORTS,
        activity_details,
        Parameters(
            {
                "limit": whole(1, 100),
                "tracking_activities_list": some_of(ACTIVITY_TYPES),
                "tracking_activity_type": some_of(ACTIVITY_TYPES),
                "include_campaign_activity_names": BOOLEAN,
            }
        ),
    ),
    Endpoint(f"{REPORTS}/activity_summary", CONTACT_REPORTS, activity_summary, SPAN),
    Endpoint(f"{REPORTS}/open_and_click_rates", CONTACT_REPORTS, open_and_click_rates, SPAN),
)
