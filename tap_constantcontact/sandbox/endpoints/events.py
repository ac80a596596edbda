"""Events and who registered for them."""

from __future__ import annotations

from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.endpoints.endpoint import CAMPAIGNS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    BOOLEAN,
    NotFound,
    Parameters,
    Refused,
    one_of,
    text,
    whole,
)

PAGE = 100
REGISTRATIONS_PAGE = 50
STATUSES = ("ACTIVE", "DRAFT", "COMPLETE", "DELETED", "CANCELLED", "ERROR")
EVENT_ORDERS = {
    "name": "name",
    "start_time": "event_start",
    "end_time": "event_end",
    "created_time": "create_time",
    "updated_time": "last_update_time",
}
"""What an order is called in a query, and the property that it means."""

REGISTRATION_ORDERS = {
    "first_name",
    "last_name",
    "email_address",
    "registration_status",
    "payment_status",
    "tickets",
    "total",
}
SETTINGS = {
    "event_requires_payments": True,
    "item_configured": False,
    "online_payment_configured": True,
    "payment_configured": True,
    "promo_code_configured": False,
    "ticket_configured": True,
}


def _page(call: Call, rows: list[Row], size: int) -> Answer:
    number = call.number
    first, end = (number - 1) * size, number * size
    body: Row = {"records": rows[first:end], "total_records": len(rows), "_links": None}
    if end < len(rows):
        body["next_cursor"] = call.cursor(str(number + 1))
    if first:
        body["prev_cursor"] = call.cursor(str(number - 1))
    return body


def _listed(call: Call, row: Row) -> Row:
    """Return what the list tells of an event."""
    guests = call.account.registrations(row["event_id"])
    shown = {
        "start_time": row["event_start"],
        "end_time": row["event_end"],
        "time_zone_type": row["time_zone_abbreviation"],
        "event_registration_summary_metrics": {
            "registration_count": len(guests),
            "ticket_sold": sum(guest["tickets"] for guest in guests),
            "item_sold": 0,
        },
    }
    same = (
        "event_id",
        "name",
        "title",
        "description",
        "status",
        "registration_url",
        "event_type",
        "location_type",
        "address",
        "create_time",
    )
    return {name: row[name] for name in same if name in row} | shown


def _has(row: Row, sought: str, *names: str) -> bool:
    return any(sought.casefold() in row[name].casefold() for name in names)


def events(call: Call) -> Answer:
    """GET /events."""
    query = call.query
    rows = [
        row
        for row in call.account.marketing_events.values()
        if query.get("event_status") in (None, row["status"])
        and _has(row, query.get("search_text", ""), "name", "title", "description")
    ]
    if "sort_by" in query:
        rows.sort(
            key=lambda row: str(row[EVENT_ORDERS[query["sort_by"]]]),
            reverse=query.get("sort_order") == "DESC",
        )
    return _page(call, [_listed(call, row) for row in rows], query.get("limit", PAGE))


def _event(call: Call) -> Row:
    if row := call.account.marketing_events.get(call.path("event_id")):
        return row
    raise NotFound("No such event.")


def event(call: Call) -> Answer:
    """GET /events/{event_id}."""
    row = _event(call)
    return row | {"event_settings": SETTINGS} if call.query.get("include") == "true" else row


def registrations(call: Call) -> Answer:
    """GET /events/{event_id}/tracks/{track_id}/registrations."""
    query = call.query
    if _event(call)["default_track"]["track_id"] != call.path("track_id"):
        raise NotFound("No such track.")
    sizes = {query[name] for name in ("limit", "page_size") if name in query}
    if len(sizes) > 1:
        raise Refused("limit and page_size must be the same.")
    rows = [
        row
        for row in call.account.registrations(call.path("event_id"))
        if query.get("registration_status") in (None, row["registration_status"])
        and query.get("payment_status") in (None, row["payment_status"])
        and _has(row, query.get("search_text", ""), "first_name", "last_name", "email_address")
    ]
    if "sort_by" in query:
        rows.sort(key=lambda row: row[query["sort_by"]], reverse=query.get("sort_order") == "DESC")
    return _page(call, rows, sizes.pop() if sizes else REGISTRATIONS_PAGE)


ORDER = one_of("ASC", "DESC")
CURSORS = ("next", "prev")
ENDPOINTS = (
    Endpoint(
        "/events",
        CAMPAIGNS,
        events,
        Parameters(
            {
                "event_status": one_of(*STATUSES),
                "search_text": text,
                "sort_by": one_of(*EVENT_ORDERS),
                "sort_order": ORDER,
                "limit": whole(1, 100),
            }
        ),
        CURSORS,
    ),
    Endpoint("/events/{event_id}", CAMPAIGNS, event, Parameters({"include": BOOLEAN})),
    Endpoint(
        "/events/{event_id}/tracks/{track_id}/registrations",
        CAMPAIGNS,
        registrations,
        Parameters(
            {
                "registration_status": one_of(
                    "PENDING", "REGISTERED", "CANCELED", "EXPIRED", "IN_PROGRESS", "FAILED"
                ),
                "payment_status": one_of(
                    "PENDING", "PAID", "REFUNDED", "CANCELLED", "FAILED", "CHARGED_BACK"
                ),
                "search_text": text,
                "sort_by": one_of(*sorted(REGISTRATION_ORDERS)),
                "sort_order": ORDER,
                "page_size": whole(1, 100),
                "limit": whole(1, 100),
            }
        ),
        CURSORS,
    ),
)
