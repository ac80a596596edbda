"""A sandbox that breaks one assumption about the API at a time, as middlewares."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from aiohttp import web

from tap_constantcontact.sandbox.account import Account, Row, parse, write
from tap_constantcontact.sandbox.endpoints.contacts import STATUSES
from tap_constantcontact.transport.status import SUCCESSES
from tests.faults import Fault, answering
from tests.parameters import stream_of
from tests.sandboxes import is_request_for

Alter = Callable[[web.Request, Any], None]
Middleware = Any

DAY = timedelta(days=1)
REFUSAL = answering(400, '[{"error_key": "bad", "error_message": "No."}]')


class Break(NamedTuple):
    """How an assumption is broken.

    Attributes:
        middleware: Makes the middleware, given the account.
        also: The assumptions that fall with it.
    """

    middleware: Callable[[Account], Middleware]
    also: frozenset[str] = frozenset()


class Exchange(NamedTuple):
    """A request to a sandbox of an account, and the response that it would send."""

    account: Account
    request: web.Request
    response: web.Response


def altering(stream: str, alter: Alter) -> Break:
    """Alter the body of each response for a stream, by what was asked."""

    @web.middleware
    async def altered(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if not is_request_for(path_of(stream), request.path) or response.status not in SUCCESSES:
            return response
        body = json.loads(response.body)
        alter(request, body)
        return web.json_response(body, status=response.status)

    return Break(lambda _: altered)


def path_of(name: str) -> Any:
    return stream_of(name) if name != "email_campaign_details" else CampaignDetails


class CampaignDetails:
    path = "/emails/{campaign_id}"


def instead(
    stream: str,
    fault: Fault,
    when: Callable[[Exchange], bool] = lambda _: True,
) -> Break:
    """Answer requests for a stream in another way, some of them or all."""

    def middleware(account: Account) -> Middleware:
        @web.middleware
        async def answered(request: web.Request, handler: Any) -> Any:
            try:
                response = await handler(request)
            except web.HTTPException as refusal:
                response = refusal
            if is_request_for(path_of(stream), request.path) and when(
                Exchange(account, request, response)
            ):
                return await fault(request, handler)
            if isinstance(response, web.HTTPException):
                raise response
            return response

        return answered

    return Break(middleware)


def dropping(
    stream: str, rows: str, is_dropped: Callable[[web.Request, Row], bool], *also: str
) -> Break:
    """Leave out some rows of each response for a stream."""

    def alter(request: web.Request, body: Any) -> None:
        body[rows] = [row for row in body[rows] if not is_dropped(request, row)]
        if f"{rows}_count" in body and not body.get("_links"):
            body[f"{rows}_count"] = len(body[rows])

    return altering(stream, alter)._replace(also=frozenset(also))


def each(stream: str, rows: str, change: Callable[[Row], None], *also: str) -> Break:
    """Change each row of a response for a stream."""

    def alter(request: web.Request, body: Any) -> None:
        for row in body[rows]:
            change(row)

    return altering(stream, alter)._replace(also=frozenset(also))


def late(parameter: str, path: str, days: float = 1) -> Callable[[web.Request, Row], bool]:
    """Drop what is less than some days after the value of a parameter."""

    def is_dropped(request: web.Request, row: Row) -> bool:
        bound, value = request.query.get(parameter), row
        for name in path.split("."):
            value = value.get(name) or {}
        if not bound or not value:
            return False
        apart = parse(str(value)) - parse(bound.replace("+0000", "Z"))
        return timedelta() <= apart / (1 if days > 0 else -1) < abs(days) * DAY

    return is_dropped


def skipping(stream: str, rows: str) -> Break:
    """Skip the first row of each page but the first."""

    def alter(request: web.Request, body: Any) -> None:
        if "cursor" in request.query:
            del body[rows][0]

    return altering(stream, alter)


def _moved(row: Row) -> None:
    row["created_time"] = write(parse(row["created_time"]) + timedelta(minutes=1))


def _ties_turned(_: web.Request, body: Any) -> None:
    body[EVENTS].reverse()
    body[EVENTS].sort(key=lambda row: parse(row["created_time"]), reverse=True)


def _stale(row: Row) -> None:
    if row.get("deleted_at"):
        row["updated_at"] = row["created_at"]


def _local(row: Row) -> None:
    row["created_at"] = row["created_at"][:19]


def _undated(row: Row) -> None:
    row.get("email_address", {}).pop("opt_out_date", None)


def _cut(request: web.Request, body: Any) -> None:
    if request.query.get("include_count") and request.query.get("limit") == "500":
        del body["contacts"][10:]
        body.pop("_links", None)


def asking(query: Callable[[web.Request], Mapping[str, Any]]) -> Break:
    """Answer requests for contacts as if some query parameters were others."""

    @web.middleware
    async def asked(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts":
            request = request.clone(rel_url=request.rel_url.update_query(query(request)))
        return await handler(request)

    return Break(lambda _: asked)


def _without_deleted(request: web.Request) -> Mapping[str, Any]:
    is_all = request.query.get("status") == "all"
    return {"status": ",".join(sorted(STATUSES - {"deleted"}))} if is_all else {}


def _short(request: web.Request) -> Mapping[str, Any]:
    return {"limit": 5} if int(request.query.get("limit", 0)) > 5 else {}


def _last_lost(request: web.Request, body: Any) -> None:
    if not body.get("_links"):
        del body["bulk_email_campaign_summaries"][-1]


def _counted(**changes: int) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        for name, by in changes.items():
            row["stats"][name] += by

    return change


def _renamed(row: Row) -> None:
    if row["current_status"] == "Done":
        row["current_status"] = "Sent"


def _older(row: Row) -> None:
    if row["current_status"] == "Done":
        row["updated_at"] = row["created_at"]


def _reversed(stream: str, rows: str) -> Break:
    return altering(stream, lambda _, body: body[rows].reverse())


DETAILS, SUMMARY = "contact_activity_details", "contact_action_summary"
EVENTS = "tracking_activities"
SUMMARIES = "bulk_email_campaign_summaries"

BREAKS: Mapping[str, Break] = {
    "updated-after-finds-changes": dropping(
        "contacts", "contacts", late("updated_after", "updated_at")
    ),
    "optout-after-finds-unsubscribes": dropping(
        "contacts", "contacts", late("optout_after", "email_address.opt_out_date")
    ),
    "unsubscribes-have-a-date": each("contacts", "contacts", _undated),
    "all-statuses-bring-deleted-contacts": asking(_without_deleted),
    "deletions-move-updated-at": each("contacts", "contacts", _stale),
    "created-before-finds-older-contacts": dropping(
        "contacts", "contacts", late("created_before", "created_at", -60)
    ),
    "created-after-finds-newer-contacts": dropping(
        "contacts", "contacts", late("created_after", "created_at", 60)
    ),
    "contacts-newest-first": _reversed("contacts", "contacts"),
    "includes-bring-memberships": each(
        "contacts", "contacts", lambda row: row.pop("list_memberships", None)
    ),
    "after-date-finds-campaigns": dropping(
        "email_campaigns", "campaigns", late("after_date", "updated_at")
    ),
    "pages-of-contacts": skipping("contacts", "contacts"),
    "every-page-links-to-the-next": altering("contacts", _cut),
    "pages-of-campaigns": skipping("email_campaigns", "campaigns"),
    "pages-of-summaries": skipping("email_campaign_summaries", SUMMARIES),
    "pages-of-lists": skipping("contact_lists", "lists"),
    "pages-of-tags": skipping("contact_tags", "tags"),
    "pages-as-large-as-asked-for": asking(_short),
    "dates-tell-their-offset": each("contacts", "contacts", _local),
    "sent-campaigns-are-done": each("email_campaigns", "campaigns", _renamed),
    "counts-equal-rows": each("email_campaign_stats", "results", _counted(em_opens_all=-1)),
    "unique-counts-equal-people": each("email_campaign_stats", "results", _counted(em_sends=1)),
    "campaigns-move-when-sent": each("email_campaigns", "campaigns", _older),
    "summaries-list-every-campaign": altering("email_campaign_summaries", _last_lost),
    "unique-opens-are-people": altering("email_unique_opens", lambda _, body: body[EVENTS].pop()),
    "unsent-emails-have-no-events": instead(
        "email_opens",
        REFUSAL,
        lambda sent: not json.loads(sent.response.text or "{}").get(EVENTS),
    ),
    "removed-campaigns-are-not-found": instead(
        "email_campaign_details",
        REFUSAL,
        lambda sent: sent.account.campaigns.is_removed(sent.request.path[11:]),
    ),
    "unknown-campaigns-are-told": instead(
        "email_campaign_stats", REFUSAL, lambda sent: "," in sent.request.path
    ),
    "events-newest-first": _reversed("email_opens", EVENTS)._replace(
        also=frozenset({"ties-come-in-the-same-order"})
    ),
    "both-sources-tell-the-same-events": dropping(
        DETAILS,
        EVENTS,
        lambda _, row: row["tracking_activity_type"] == "em_opens",
        "summary-counts-equal-details",
    ),
    "events-name-contact-and-time": each(
        "email_bounces", EVENTS, lambda row: row.pop("contact_id")
    ),
    "summary-takes-a-second-more": dropping(
        SUMMARY, "campaign_activities", late("start", "start_on")
    ),
    "summary-counts-equal-details": each(
        SUMMARY, "campaign_activities", lambda row: row.update(em_opens=row["em_opens"] + 1)
    ),
    "both-sources-tell-the-same-times": each(DETAILS, EVENTS, _moved),
    "ties-come-in-the-same-order": altering(DETAILS, _ties_turned),
    "event-fields-are-known": each(DETAILS, EVENTS, lambda row: row.update(surprise=1)),
    "deleted-contacts-have-reports": instead(
        SUMMARY,
        REFUSAL,
        lambda sent: "deleted_at" in sent.account.contacts[sent.request.path.split("/")[4]],
    ),
    "unknown-contacts-are-not-found": instead(
        DETAILS, REFUSAL, lambda sent: sent.response.status == 404
    ),
    "rights-are-those-documented": instead("contact_custom_fields", answering(403, "[]")),
    "sms-lists-without-sms": instead(
        "contact_lists",
        REFUSAL,
        lambda sent: sent.request.query.get("channel_type") == "sms",
    ),
    "automations-are-sent-with-209": instead("automations", REFUSAL),
}
"""How each assumption is broken, by its name."""
