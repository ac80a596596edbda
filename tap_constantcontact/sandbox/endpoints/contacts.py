"""Contacts."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta, timezone

from aiohttp import web

from tap_constantcontact.sandbox.data.basics import Row, Span, is_in, parse
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
    account = call.account.contacts
    created, updated = _span("created", query), _span("updated", query)
    found = account.newest_first(
        lambda row: _suits(row, query), created, updated, query.get("email")
    )
    page, links = call.page(found)
    include = query.get("include", set())
    body: Row = {"contacts": [_shown(account.row(of), include) for of in page], **links}
    if query.get("include_count") == "true":
        body["contacts_count"] = len(found)
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
    account = call.account.contacts
    found = account.newest_first(lambda row: row["contact_id"] in members)
    page, links = call.page(found)
    return {"contacts": [_shown(account.row(of), set()) for of in page], **links}


def _suits(contact: Row, query: Query) -> bool:
    """Tell whether a contact is asked for, whenever it was created and updated."""
    statuses = query.get("status", STATUSES - {"deleted"})
    address = contact.get("email_address", {})
    return (
        ("all" in statuses or status(contact) in statuses)
        and ("lists" not in query or bool(query["lists"] & set(contact["list_memberships"])))
        and ("tags" not in query or bool(query["tags"] & set(contact["taggings"])))
        and is_in(_span("optout", query), address.get("opt_out_date"))
    )


def _span(name: str, query: Query) -> Span:
    after, before = query.get(f"{name}_after"), query.get(f"{name}_before")
    return after.timestamp() if after else -math.inf, before.timestamp() if before else math.inf


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
    rows = [
        (row, count) for row, count in call.account.contacts.weighed() if status(row) != "deleted"
    ]
    permissions: Counter[str] = Counter()
    for row, count in rows:
        address = row.get("email_address", {})
        permissions[address.get("permission_to_send", "not_set")] += count
    body = {
        "total": permissions.total(),
        "explicit": permissions["explicit"],
        "implicit": permissions["implicit"],
        "pending": permissions["pending_confirmation"],
        "unsubscribed": permissions["unsubscribed"],
    }
    if "include" in call.query:
        month_ago = datetime.now(timezone.utc) - timedelta(days=30)
        body["new_subscriber"] = sum(
            count for row, count in rows if parse(row["created_at"]) > month_ago
        )
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
