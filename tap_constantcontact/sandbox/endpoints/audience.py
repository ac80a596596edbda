"""Lists, tags, custom fields and segments."""

from __future__ import annotations

from collections import Counter

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.endpoints.endpoint import CONTACTS, LISTS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    BOOLEAN,
    NotFound,
    Parameters,
    Refused,
    one_of,
    some_of,
    text,
    whole,
)


def contact_lists(call: Call) -> Answer:
    """GET /contact_lists."""
    query = call.query
    wanted = query.get("status", {"active"})
    by_sms = query.get("channel_type") == "sms"
    if "include_sms_membership_count" in query and not by_sms:
        raise Refused("include_sms_membership_count is for lists of the channel_type sms.")
    rows = [
        row
        for row in call.account.list_rows()
        if wanted & {"all", "deleted" if "deleted_at" in row else "active"}
        and query.get("name") in (None, row["name"])
        and (row["list_id"] in call.account.sms_lists) == by_sms
    ]
    page, links = call.page(rows)
    kind = query.get("include_membership_count")
    lists = []
    for row in page:
        counts = row.pop("counts")
        lists.append({**row, "membership_count": counts[kind]} if kind else row)
    body: Row = {"lists": lists, **links}
    if query.get("include_count") == "true":
        body["lists_count"] = len(rows)
    return body


def contact_tags(call: Call) -> Answer:
    """GET /contact_tags: ascending by key, whose pages begin at a key."""
    rows = sorted(call.account.tag_rows.values(), key=lambda row: str(row["tag_id"]))
    page, links = call.page_by_key(rows, "tag_id")
    if call.query.get("include_count") == "true":
        counts: Counter[str] = Counter()
        for contact, count in call.account.contacts.weighed():
            counts.update(dict.fromkeys(contact["taggings"], count))
        page = [{**row, "contacts_count": counts[row["tag_id"]]} for row in page]
    return {"tags": page, **links}


def contact_custom_fields(call: Call) -> Answer:
    """GET /contact_custom_fields."""
    page, links = call.page([*call.account.custom_fields.values()])
    return {"custom_fields": page, **links}


def segments(call: Call) -> Answer:
    """GET /segments: without their criteria."""
    rows = [
        {key: value for key, value in row.items() if key != "segment_criteria"}
        for row in call.account.segment_rows.values()
    ]
    if call.query.get("sort_by") == "name":
        rows.sort(key=lambda row: str(row["name"]))
    else:
        rows.sort(key=lambda row: parse(row["edited_at"]), reverse=True)
    page, links = call.page(rows, 1000)
    return {"segments": page, "_links": {"next": None}, **links}


def segment(call: Call) -> Answer:
    """GET /segments/{segment_id}."""
    if row := call.account.segment_rows.get(call.path("segment_id")):
        return row
    raise NotFound("No such segment.", "contacts.api.not_found")


ENDPOINTS = (
    Endpoint(
        "/contact_lists",
        LISTS,
        contact_lists,
        Parameters(
            {
                "limit": whole(1, 500),
                "include_count": BOOLEAN,
                "include_membership_count": one_of("all", "active"),
                "name": text,
                "status": some_of({"all", "active", "deleted"}),
                "channel_type": one_of("email", "sms"),
                "include_sms_membership_count": BOOLEAN,
            }
        ),
    ),
    Endpoint(
        "/contact_tags",
        CONTACTS,
        contact_tags,
        Parameters({"limit": whole(1, 500), "include_count": BOOLEAN}),
    ),
    Endpoint(
        "/contact_custom_fields",
        CONTACTS,
        contact_custom_fields,
        Parameters({"limit": whole(1, 100)}),
    ),
    Endpoint(
        "/segments",
        LISTS,
        segments,
        Parameters({"limit": whole(1, 1000), "sort_by": one_of("name", "date")}),
    ),
    Endpoint("/segments/{segment_id}", LISTS, segment),
)
