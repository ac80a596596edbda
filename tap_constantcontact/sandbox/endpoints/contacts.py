"""Contacts."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta, timezone

from aiohttp import web

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.data.contacts import status
from tap_constantcontact.sandbox.endpoints.endpoint import CONTACTS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    BOOLEAN,
    NotFound,
    Parameters,
    Query,
    Refused,
    instant,
    one_of,
    some_of,
    text,
    whole,
)

STATUSES = {"active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"}
SUB_RESOURCES = {
    "custom_fields",
    "list_memberships",
    "phone_numbers",
    "street_addresses",
    "taggings",
    "notes",
}


def contacts(call: Call) -> Answer:
    """GET /contacts."""
    query = call.query
    if "segment_id" in query:
        return _members(call)
    rows = [contact for contact in call.account.newest_first() if _matches(contact, query)]
    page, links = call.page(rows)
    body: Row = {"contacts": [_shown(row, query.get("include", set())) for row in page], **links}
    if query.get("include_count") == "true":
        body["contacts_count"] = len(rows)
    return body


def _members(call: Call) -> Answer:
    """Answer with the contacts of a segment, once it is computed."""
    if set(call.query) - {"segment_id", "limit"}:
        raise Refused("segment_id can be combined with limit only.")
    segment = call.query["segment_id"]
    if segment not in call.account.segments:
        raise NotFound("No such segment.", "contacts.api.not_found")
    pending = call.service.pending_segments
    if pending.get(segment, 0) > 0:
        pending[segment] -= 1
        return web.json_response({"contacts": [], "status": "processing"}, status=202)
    members = set(call.account.segments[segment])
    rows = [row for row in call.account.newest_first() if row["contact_id"] in members]
    page, links = call.page(rows)
    return {"contacts": [_shown(row, set()) for row in page], **links}


def _matches(contact: Row, query: Query) -> bool:
    statuses = query.get("status", STATUSES - {"deleted"})
    address = contact.get("email_address", {})
    dates = {
        "created": contact["created_at"],
        "updated": contact["updated_at"],
        "optout": address.get("opt_out_date"),
    }
    return (
        ("all" in statuses or status(contact) in statuses)
        and query.get("email") in (None, address.get("address"))
        and ("lists" not in query or bool(query["lists"] & set(contact["list_memberships"])))
        and ("tags" not in query or bool(query["tags"] & set(contact["taggings"])))
        and all(_within(date, name, query) for name, date in dates.items())
    )


def _within(date: str | None, name: str, query: Query) -> bool:
    after, before = query.get(f"{name}_after"), query.get(f"{name}_before")
    if after is None and before is None:
        return True
    if date is None:
        return False
    seconds = parse(date).timestamp()
    earliest = after.timestamp() if after else -math.inf
    latest = before.timestamp() if before else math.inf
    return bool(earliest < seconds < latest)


def _shown(contact: Row, include: set[str]) -> Row:
    return {
        key: value
        for key, value in contact.items()
        if key not in SUB_RESOURCES
        or (key in include and "deleted_at" not in contact)
        or (key in include and key != "list_memberships")
    }


def counts(call: Call) -> Answer:
    """GET /contacts/counts: of all contacts but those deleted."""
    rows = [row for row in call.account.contacts.values() if status(row) != "deleted"]
    permissions = Counter(
        row.get("email_address", {}).get("permission_to_send", "not_set") for row in rows
    )
    body = {
        "total": len(rows),
        "explicit": permissions["explicit"],
        "implicit": permissions["implicit"],
        "pending": permissions["pending_confirmation"],
        "unsubscribed": permissions["unsubscribed"],
    }
    if "include" in call.query:
        month_ago = datetime.now(timezone.utc) - timedelta(days=30)
        body["new_subscriber"] = sum(parse(row["created_at"]) > month_ago for row in rows)
    return body


CONTACT_COLLECTION = Endpoint(
    "/contacts",
    CONTACTS,
    contacts,
    Parameters(
        {
            "limit": whole(1, 500),
            "status": some_of(STATUSES | {"all"}),
            "email": text,
            "lists": some_of(None, 25),
            "tags": some_of(None, 50),
            "segment_id": text,
            "updated_after": instant,
            "updated_before": instant,
            "created_after": instant,
            "created_before": instant,
            "optout_after": instant,
            "optout_before": instant,
            "include": some_of(SUB_RESOURCES),
            "include_count": BOOLEAN,
        }
    ),
)

ENDPOINTS = (
    CONTACT_COLLECTION,
    Endpoint(
        "/contacts/counts",
        CONTACTS,
        counts,
        # The contract's enumeration has the singular, its text the plural.
        Parameters({"include": one_of("new_subscriber", "new_subscribers")}),
    ),
)
