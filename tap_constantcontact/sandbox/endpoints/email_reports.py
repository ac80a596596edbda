"""Reports on one e-mail: who got it, opened it, clicked in it, and so on."""

from __future__ import annotations

from collections.abc import Callable

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.activity_index import Rows
from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.data.reactions import LINKS, link
from tap_constantcontact.sandbox.endpoints.endpoint import (
    CAMPAIGN_REPORTS,
    Answer,
    Call,
    Endpoint,
)
from tap_constantcontact.sandbox.endpoints.parameters import (
    BOOLEAN,
    NotFound,
    Parameters,
    Reader,
    some_of,
    whole,
)
from tap_constantcontact.sandbox.endpoints.people import introduced

PAGE = 500
EXTRA = {
    "em_opens": ("device_type",),
    "em_clicks": ("device_type", "url_id", "link_url"),
    "em_bounces": ("bounce_code",),
    "em_optouts": ("opt_out_reason",),
}
"""What the rows of a type tell beside the contact."""


def _reported(call: Call) -> str:
    """Return the activity of the path, or answer 404.

    Only a primary e-mail or a resend has reports, and none that was removed.
    """
    campaigns = call.account.campaigns
    key = call.path("campaign_activity_id")
    row = campaigns.activities.get(key)
    if not row or row["role"] == "permalink" or campaigns.is_removed(row["campaign_id"]):
        raise NotFound("No such campaign activity.")
    return key


def row_of(account: Account, event: Row, kind: str) -> Row:
    """Return an event as the reports of its type tell it."""
    row = introduced(account, event, kind)
    row |= {name: event[name] for name in EXTRA.get(kind, ()) if name in event}
    if kind == "em_bounces":
        row["current_email_address"] = row["email_address"]
    return row


def _page(call: Call, events: Rows, kind: str) -> Answer:
    page, links = call.page(events, PAGE)
    rows = [row_of(call.account, event, kind) for event in page]
    return {"tracking_activities": rows, **links}


def _every(kind: str) -> Callable[[Call], Answer]:
    """Return what answers with every event of a type, by what the query filters them by."""

    def answer(call: Call) -> Answer:
        events = call.account.index.rows(_reported(call), kind)
        if codes := call.query.get("bounce_code"):
            events = events.where("bounce_code", *codes)
        if url_id := call.query.get("url_id"):
            events = events.where("url_id", str(url_id))
        return _page(call, events, kind)

    return answer


def unique_opens(call: Call) -> Answer:
    """GET …/tracking/unique_opens: the last open of each contact."""
    events = call.account.index.rows(_reported(call), "em_opens")
    return _page(call, events.last_of_each(), "em_opens")


def did_not_opens(call: Call) -> Answer:
    """GET …/tracking/didnotopens: who got it and did not open it."""
    key, index = _reported(call), call.account.index
    away = index.rows(key, "em_opens"), index.rows(key, "em_bounces")
    return _page(call, index.rows(key, "em_sends").last_of_each(*away), "em_didnotopens")


def links(call: Call) -> Answer:
    """GET …/links: how many contacts clicked each link."""
    key = _reported(call)
    clicks = call.account.index.rows(key, "em_clicks")
    urls = {
        row.get("url_id", ""): row.get("link_url", "")
        for row in (block.row for block in clicks.blocks)
    }
    if call.query.get("no_clicks") == "true":
        for known in map(link, range(len(LINKS))):
            urls.setdefault(known["url_id"], known["link_url"])
    counts = []
    for url_id in sorted(urls):
        row: Row = {
            "url_id": url_id,
            "link_url": urls[url_id],
            "unique_clicks": len(clicks.where("url_id", url_id).last_of_each()),
        }
        if url_id == link(0)["url_id"]:
            row |= {"list_action": "add", "list_id": [*call.account.lists][1], "link_tag": "sale"}
        counts.append(row)
    return {"campaign_activity_id": key, "link_click_counts": counts}


def _report(name: str, answer: Callable[[Call], Answer], **readers: Reader) -> Endpoint:
    parameters = Parameters({"limit": whole(1, 500), **readers})
    path = f"/reports/email_reports/{{campaign_activity_id}}/tracking/{name}"
    return Endpoint(path, CAMPAIGN_REPORTS, answer, parameters)


ENDPOINTS = (
    _report("sends", _every("em_sends")),
    _report("opens", _every("em_opens")),
    _report("unique_opens", unique_opens),
    _report("didnotopens", did_not_opens),
    _report("clicks", _every("em_clicks"), url_id=int),
    _report("forwards", _every("em_forwards")),
    _report("optouts", _every("em_optouts")),
    _report("bounces", _every("em_bounces"), bounce_code=some_of("BDFSVXZ")),
    Endpoint(
        "/reports/email_reports/{campaign_activity_id}/links",
        CAMPAIGN_REPORTS,
        links,
        Parameters({"no_clicks": BOOLEAN}),
    ),
)
