"""The sandbox's v3 API: its endpoints, their parameters and their pages."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from tap_constantcontact.sandbox.account import Account, Row, parse, status

STATUSES = {"active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"}
SUB_RESOURCES = {
    "custom_fields",
    "list_memberships",
    "phone_numbers",
    "street_addresses",
    "taggings",
    "notes",
}
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
BASE_ROW = (
    "contact_id",
    "campaign_activity_id",
    "created_time",
    "tracking_activity_type",
    "campaign_activity_name",
)
Query = dict[str, Any]


class Refused(web.HTTPBadRequest):
    """An answer 400 in the API's form."""

    def __init__(self, message: str) -> None:
        body = [{"error_key": "query.param.invalid", "error_message": message}]
        super().__init__(text=json.dumps(body), content_type="application/json")


# Parameters


def _text(value: str) -> str:
    return value


def _instant(value: str) -> datetime:
    # The contract's own example has an offset without a colon.
    colon = value[-5:-4] in "+-" and value[-4:].isdigit()
    return parse(f"{value[:-2]}:{value[-2:]}" if colon else value)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in choices:
            raise ValueError
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return read


def _some_of(choices: set[str] | None, most: int = 1000) -> Callable[[str], set[str]]:
    def read(value: str) -> set[str]:
        values = set(value.split(","))
        if "" in values or len(values) > most or (choices and not values <= choices):
            raise ValueError
        return values

    return read


@dataclass(frozen=True)
class Parameters:
    """The query parameters of an endpoint: how each is read, and which must be there."""

    readers: Mapping[str, Callable[[str], Any]]
    required: tuple[str, ...] = ()

    def read(self, request: web.Request) -> Query:
        """Return a query's values, or refuse it."""
        query = {}
        for name in request.query:
            if name not in self.readers:
                raise Refused(f"The parameter {name} is not supported.")
            try:
                query[name] = self.readers[name](",".join(request.query.getall(name)))
            except ValueError:
                raise Refused(f"The value of {name} is not valid.") from None
        for name in self.required:
            if name not in query:
                raise Refused(f"The parameter {name} is required.")
        return query


BOOLEAN = _one_of("true", "false")
LISTS = Parameters(
    {
        "limit": _whole(1, 500),
        "include_count": BOOLEAN,
        "include_membership_count": _one_of("all", "active"),
        "name": _text,
        "status": _some_of({"all", "active", "deleted"}),
        "channel_type": _one_of("email", "sms"),
        "include_sms_membership_count": BOOLEAN,
    }
)
CONTACTS = Parameters(
    {
        "limit": _whole(1, 500),
        "status": _some_of(STATUSES | {"all"}),
        "email": _text,
        "lists": _some_of(None, 25),
        "tags": _some_of(None, 50),
        "segment_id": _text,
        "updated_after": _instant,
        "updated_before": _instant,
        "created_after": _instant,
        "created_before": _instant,
        "optout_after": _instant,
        "optout_before": _instant,
        "include": _some_of(SUB_RESOURCES),
        "include_count": BOOLEAN,
    }
)
DETAILS = Parameters(
    {
        "limit": _whole(1, 100),
        "tracking_activities_list": _some_of(ACTIVITY_TYPES),
        "tracking_activity_type": _some_of(ACTIVITY_TYPES),
        "include_campaign_activity_names": BOOLEAN,
    }
)
ACCOUNT_SUMMARY = Parameters({"extra_fields": _some_of({"physical_address", "company_logo"})})
SUMMARY = Parameters({"start": _instant, "end": _instant}, required=("start", "end"))


# Pages


def _page(
    request: web.Request, number: int, rows: list[Row], size: int
) -> tuple[list[Row], dict[str, Any]]:
    """Return a page of rows and its `_links`, the cursor being a page number and the query."""
    links: dict[str, Any] = {}
    if number * size < len(rows):
        token = {"next": number + 1, "query": request.query_string}
        cursor = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
        links = {"next": {"href": f"{request.path}?cursor={cursor}"}}
    return rows[(number - 1) * size : number * size], links


def _first_query(request: web.Request) -> tuple[web.Request, int]:
    """Return the request for a first page, and the number of the page that is asked for."""
    if "cursor" not in request.query:
        return request, 1
    try:
        token = json.loads(base64.urlsafe_b64decode(request.query["cursor"]))
        first = request.clone(rel_url=request.rel_url.with_query(token["query"]))
        return first, int(token["next"])
    except (ValueError, KeyError, TypeError):
        raise Refused("The cursor is not valid.") from None


# Endpoints


class Api:
    """The endpoints over an account.

    Attributes:
        account: The data.
        pending_segments: For each segment, the requests before it is computed.
        base_rows: Whether activity details have the five fields that the contract gives them, and
            not those of the e-mail reports.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.base_rows = False
        self.pending_segments: dict[str, int] = {}

    async def account_summary(self, request: web.Request) -> web.Response:
        """GET /account/summary."""
        extra = ACCOUNT_SUMMARY.read(request).get("extra_fields", set())
        return web.json_response(self.account.profile(extra))

    async def contact_lists(self, request: web.Request) -> web.Response:
        """GET /contact_lists."""
        request, number = _first_query(request)
        query = LISTS.read(request)
        wanted = query.get("status", {"active"})
        by_sms = query.get("channel_type") == "sms"
        if "include_sms_membership_count" in query and not by_sms:
            raise Refused("include_sms_membership_count is for lists of the channel_type sms.")
        rows = [
            row
            for row in self.account.list_rows()
            if wanted & {"all", "deleted" if "deleted_at" in row else "active"}
            and query.get("name") in (None, row["name"])
            and (row["list_id"] in self.account.sms_lists) == by_sms
        ]
        page, links = _page(request, number, rows, query.get("limit", 50))
        kind = query.get("include_membership_count")
        lists = []
        for row in page:
            counts = row.pop("counts")
            lists.append({**row, "membership_count": counts[kind]} if kind else row)
        body: Row = {"lists": lists, "_links": links}
        if query.get("include_count") == "true":
            body["lists_count"] = len(rows)
        return web.json_response(body)

    async def contacts(self, request: web.Request) -> web.Response:
        """GET /contacts."""
        request, number = _first_query(request)
        query = CONTACTS.read(request)
        if "segment_id" in query:
            return self._segment(request, number, query)
        rows = [contact for contact in self.account.newest_first() if _matches(contact, query)]
        page, links = _page(request, number, rows, query.get("limit", 50))
        body: Row = {"contacts": [_shown(row, query.get("include", set())) for row in page]}
        if links or len(page) % 2:
            body["_links"] = links
        if query.get("include_count") == "true":
            body["contacts_count"] = len(rows)
        return web.json_response(body)

    def _segment(self, request: web.Request, number: int, query: Query) -> web.Response:
        if set(query) - {"segment_id", "limit"}:
            raise Refused("segment_id can be combined with limit only.")
        segment = query["segment_id"]
        if segment not in self.account.segments:
            raise web.HTTPNotFound(text="[]", content_type="application/json")
        if self.pending_segments.get(segment, 0) > 0:
            self.pending_segments[segment] -= 1
            return web.json_response({"contacts": [], "status": "processing"}, status=202)
        members = set(self.account.segments[segment])
        rows = [row for row in self.account.newest_first() if row["contact_id"] in members]
        page, links = _page(request, number, rows, query.get("limit", 50))
        return web.json_response(
            {"contacts": [_shown(row, set()) for row in page], "_links": links}
        )

    async def activity_details(self, request: web.Request) -> web.Response:
        """GET /reports/contact_reports/{contact_id}/activity_details."""
        request, number = _first_query(request)
        query = DETAILS.read(request)
        kinds = [
            query[name]
            for name in ("tracking_activities_list", "tracking_activity_type")
            if name in query
        ]
        if len(kinds) != 1:
            raise Refused("Give tracking_activities_list or tracking_activity_type, and not both.")
        rows = [
            row
            for row in self.account.details(self._contact_id(request))
            if row["tracking_activity_type"] in kinds[0]
        ]
        page, links = _page(request, number, rows, query.get("limit", 100))
        if self.base_rows:
            page = [{key: row[key] for key in BASE_ROW if key in row} for row in page]
        if query.get("include_campaign_activity_names") == "false":
            page = [
                {key: value for key, value in row.items() if key != "campaign_activity_name"}
                for row in page
            ]
        links = links or {"next": {"href": None}}
        return web.json_response({"tracking_activities": page, "_links": links})

    async def activity_summary(self, request: web.Request) -> web.Response:
        """GET /reports/contact_reports/{contact_id}/activity_summary."""
        request, number = _first_query(request)
        query = SUMMARY.read(request)
        contact_id = self._contact_id(request)
        rows = [
            row
            for row in self.account.summary(contact_id)
            if query["start"] <= parse(row["start_on"]) < query["end"]
        ]
        page, links = _page(request, number, rows, SUMMARY_PAGE)
        body = {"contact_id": contact_id, "campaign_activities": page, "_links": links or None}
        return web.json_response(body)

    def _contact_id(self, request: web.Request) -> str:
        contact_id = request.match_info["contact_id"]
        if contact_id not in self.account.contacts:
            error = {"error_key": "contacts.api.not_found", "error_message": "No such contact."}
            raise web.HTTPNotFound(text=json.dumps([error]), content_type="application/json")
        return contact_id


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
