"""Text messages."""

from __future__ import annotations

from collections import Counter

from tap_constantcontact.sandbox.data.basics import parse
from tap_constantcontact.sandbox.endpoints.campaign_reports import percent
from tap_constantcontact.sandbox.endpoints.contact_reports import known_contact
from tap_constantcontact.sandbox.endpoints.endpoint import (
    CAMPAIGN_REPORTS,
    CONTACTS,
    Answer,
    Call,
    Endpoint,
)
from tap_constantcontact.sandbox.endpoints.parameters import Parameters, instant, whole


def summaries(call: Call) -> Answer:
    """GET /reports/summary_reports/sms_campaign_summaries: the last sent first."""
    rows = [
        row
        for row in call.account.sms_campaigns()
        if call.query["start_at"] <= parse(row["last_sent_date"])
        and ("end_at" not in call.query or parse(row["last_sent_date"]) <= call.query["end_at"])
    ]
    page, links = call.page(rows)
    sums: Counter[str] = Counter()
    for row in page:
        sums.update(row["unique_counts"])
    return {
        "bulk_sms_campaign_summaries": page,
        "aggregate_percents": {
            "deliver": percent(sums["delivers"], sums["sends"]),
            "click": percent(sums["clicks"], sums["delivers"]),
            "bounce": percent(sums["sends"] - sums["delivers"], sums["sends"]),
            "unsubscribe": percent(sums["optouts"], sums["delivers"]),
        },
        **links,
    }


def engagement_history(call: Call) -> Answer:
    """GET /contacts/sms_engagement_history/{contact_id}: a bare array."""
    return call.account.sms_engagement(known_contact(call))


ENDPOINTS = (
    Endpoint(
        "/reports/summary_reports/sms_campaign_summaries",
        CAMPAIGN_REPORTS,
        summaries,
        Parameters(
            {"limit": whole(1, 50), "start_at": instant, "end_at": instant}, required=("start_at",)
        ),
    ),
    Endpoint("/contacts/sms_engagement_history/{contact_id}", CONTACTS, engagement_history),
)
