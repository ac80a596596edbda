"""Bulk jobs, which the API calls activities."""

from __future__ import annotations

from datetime import datetime, timezone

from tap_constantcontact.sandbox.data.basics import parse
from tap_constantcontact.sandbox.data.contact_jobs import KEPT
from tap_constantcontact.sandbox.endpoints.endpoint import CONTACT_JOBS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import Parameters, one_of, whole


def activities(call: Call) -> Answer:
    """GET /activities: those of the last ten days, whose pages begin at a key."""
    earliest = datetime.now(timezone.utc) - KEPT
    rows = [
        row
        for row in call.account.contact_jobs()
        if parse(row["created_at"]) > earliest and call.query.get("state") in (None, row["state"])
    ]
    page, links = call.page_by_key(rows, "activity_id")
    if page:
        # As recorded from the live service: every row leads to the last one.
        itself = {"self": {"href": f"/v3/activities/{page[-1]['activity_id']}"}}
        page = [{**row, "_links": itself} for row in page]
    return {"activities": page, **links}


ENDPOINTS = (
    Endpoint(
        "/activities",
        CONTACT_JOBS,
        activities,
        Parameters(
            {
                "limit": whole(1, 500),
                "state": one_of("processing", "completed", "cancelled", "failed", "timed_out"),
            }
        ),
    ),
)
