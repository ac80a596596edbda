"""E-mail campaigns and their activities."""

from __future__ import annotations

import math

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.endpoints.endpoint import CAMPAIGNS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    NotFound,
    Parameters,
    instant,
    some_of,
    whole,
)


def emails(call: Call) -> Answer:
    """GET /emails: by when they were updated, the newest created first, removed ones too."""
    after, before = call.query.get("after_date"), call.query.get("before_date")
    earliest = after.timestamp() if after else -math.inf
    latest = before.timestamp() if before else math.inf
    rows = [
        row
        for row in call.account.campaigns.rows.values()
        if earliest < parse(row["updated_at"]).timestamp() < latest
    ]
    rows.sort(key=lambda row: parse(row["created_at"]), reverse=True)
    page, links = call.page(rows)
    shown = [
        {key: value for key, value in row.items() if key != "campaign_activities"} for row in page
    ]
    return {"campaigns": shown, **links}


def email(call: Call) -> Answer:
    """GET /emails/{campaign_id}."""
    campaigns = call.account.campaigns
    campaign_id = call.path("campaign_id")
    if campaign_id not in campaigns.rows or campaigns.is_removed(campaign_id):
        raise NotFound("No such campaign.")
    row: Row = campaigns.rows[campaign_id]
    return {**row, "current_status": row["current_status"].upper()}


IN_DETAIL = ("physical_address_in_footer", "permalink_url", "html_content", "document_properties")
"""What an activity's detail tells only when it is asked to."""


def _activity(call: Call, *roles: str) -> Row:
    """Return the activity of the path, or answer 404: removed ones cannot be read."""
    campaigns = call.account.campaigns
    row = campaigns.activities.get(call.path("campaign_activity_id"))
    if not row or campaigns.is_removed(row["campaign_id"]) or (roles and row["role"] not in roles):
        raise NotFound("No such campaign activity.")
    return row


def activity(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}."""
    row = _activity(call)
    address = call.account.profile({"physical_address"})["physical_address"]
    more: Row = {
        "physical_address_in_footer": {
            **address,
            "organization_name": call.account.organization_name,
        },
        "permalink_url": row["permalink_url"],
    }
    # What an e-mail is made of depends on the editor that it was made in.
    if row["format_type"] == 5:
        more["html_content"] = _html(f"[[trackingImage]] <p>{row['subject']}</p>")
    if row["format_type"] == 2:
        more["document_properties"] = {
            "letter_format": "HTML",
            "text_content": f"<text>{row['subject']}</text>",
            "permission_reminder_enabled": "true",
            "permission_reminder": "You are on our list.",
        }
    wanted = call.query.get("include", set())
    shown = {key: value for key, value in row.items() if key not in IN_DETAIL}
    return shown | {key: value for key, value in more.items() if key in wanted}


def _html(body: str) -> str:
    return f"<html><body>{body}</body></html>"


IN_PREVIEW = ("campaign_activity_id", "from_email", "from_name", "reply_to_email", "subject")


def preview(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}/previews: the e-mail as a contact sees it."""
    row = _activity(call)
    newer = ("preheader",) if row["format_type"] >= 3 else ()
    return {
        **{name: row[name] for name in (*IN_PREVIEW, *newer)},
        "preview_html_content": _html(f'<p class="headline">{row["subject"]}</p>'),
        "preview_text_content": row["subject"],
    }


def send_history(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}/send_history: a bare array, oldest first."""
    row = _activity(call, "primary_email", "resend")
    return call.account.campaigns.send_history[row["campaign_activity_id"]]


def schedules(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}/schedules: a bare array."""
    return call.account.campaigns.schedules[_activity(call)["campaign_activity_id"]]


def non_opener_resends(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}/non_opener_resends: a bare array."""
    key = _activity(call, "primary_email")["campaign_activity_id"]
    return call.account.campaigns.resends.get(key, [])


def ab_test(call: Call) -> Answer:
    """GET /emails/activities/{campaign_activity_id}/abtest: 404 where there is none."""
    key = _activity(call, "primary_email")["campaign_activity_id"]
    if test := call.account.campaigns.ab_tests.get(key):
        return test
    raise NotFound("No A/B test.")


ACTIVITY = "/emails/activities/{campaign_activity_id}"
ENDPOINTS = (
    Endpoint(
        "/emails",
        CAMPAIGNS,
        emails,
        Parameters({"limit": whole(1, 500), "before_date": instant, "after_date": instant}),
    ),
    Endpoint("/emails/{campaign_id}", CAMPAIGNS, email),
    Endpoint(ACTIVITY, CAMPAIGNS, activity, Parameters({"include": some_of(IN_DETAIL)})),
    Endpoint(f"{ACTIVITY}/previews", CAMPAIGNS, preview),
    Endpoint(f"{ACTIVITY}/send_history", CAMPAIGNS, send_history),
    Endpoint(f"{ACTIVITY}/schedules", CAMPAIGNS, schedules),
    Endpoint(f"{ACTIVITY}/non_opener_resends", CAMPAIGNS, non_opener_resends),
    Endpoint(f"{ACTIVITY}/abtest", CAMPAIGNS, ab_test),
)
