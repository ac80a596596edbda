"""E-mail campaigns and their activities."""

from __future__ import annotations

import math

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.endpoints.endpoint import CAMPAIGNS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    NotFound,
    Parameters,
    instant,
    whole,
)


def emails(call: Call) -> Answer:
    """GET /emails: by when they were updated, the newest created first, removed ones too."""
    after, before = call.query.get("after_date"), call.query.get("before_date")
    earliest = after.timestamp() if after else -math.inf
    latest = before.timestamp() if before else math.inf
    rows = [
        {key: value for key, value in row.items() if key != "campaign_activities"}
        for row in call.account.campaigns.rows.values()
        if earliest < parse(row["updated_at"]).timestamp() < latest
    ]
    rows.sort(key=lambda row: parse(row["created_at"]), reverse=True)
    page, links = call.page(rows)
    return {"campaigns": page, "_links": links}


def email(call: Call) -> Answer:
    """GET /emails/{campaign_id}."""
    campaigns = call.account.campaigns
    campaign_id = call.path("campaign_id")
    if campaign_id not in campaigns.rows or campaigns.is_removed(campaign_id):
        raise NotFound("No such campaign.")
    row: Row = campaigns.rows[campaign_id]
    return {**row, "current_status": row["current_status"].upper()}


ENDPOINTS = (
    Endpoint(
        "/emails",
        CAMPAIGNS,
        emails,
        Parameters({"limit": whole(1, 500), "before_date": instant, "after_date": instant}),
    ),
    Endpoint("/emails/{campaign_id}", CAMPAIGNS, email),
)
