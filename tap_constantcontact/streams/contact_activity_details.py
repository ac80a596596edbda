"""What each contact did: events."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from singer_sdk import typing as th

from tap_constantcontact.records import utc
from tap_constantcontact.sweep import FILTERS, ContactReportStream
from tap_constantcontact.windows import Window

ACTIVITIES = uuid.UUID("6f0c1c5e-6a0b-5d9c-9d0e-3a1f6d2b7c48")
"""Namespace of the activities' identifiers."""

IDENTITY = (
    "contact_id",
    "campaign_activity_id",
    "tracking_activity_type",
    "created_time",
    "url_id",
    "link_url",
)
"""What tells one event from another; the link, as one can click two in the same instant."""


class ContactActivityDetailsStream(ContactReportStream):
    """One row for each event: a send, an open, a click, a bounce and so on."""

    name = "contact_activity_details"
    path = "/reports/contact_reports/{contact_id}/activity_details"
    records_key = "tracking_activities"
    privilege = "ui:campaign:metrics"
    primary_keys = ("activity_id",)
    replication_key = "created_time"
    default_lookback_days = 1
    newest_first = True
    filters = (*FILTERS, "tracking_activity_types")
    schema = th.PropertiesList(
        th.Property(
            "activity_id",
            th.StringType,
            required=True,
            description="Key of the event, made by the tap: the same in every run.",
        ),
        th.Property("contact_id", th.StringType, description="Who did it."),
        th.Property(
            "campaign_activity_id",
            th.StringType,
            description="The e-mail or landing page, as one activity of its campaign.",
        ),
        th.Property("campaign_activity_name", th.StringType, description="What that is called."),
        th.Property("tracking_activity_type", th.StringType, description="What was done."),
        th.Property("created_time", th.DateTimeType, description="When it was done."),
        th.Property("device_type", th.StringType, description="On what; opens and clicks only."),
        th.Property("url_id", th.StringType, description="Key of the link; clicks only."),
        th.Property("link_url", th.StringType, description="Where the link leads; clicks only."),
        th.Property(
            "bounce_code",
            th.StringType,
            description="Why it came back, one letter; bounces only.",
        ),
        th.Property(
            "opt_out_reason",
            th.StringType,
            description="Why the contact left, in its own words; opt-outs only.",
        ),
    ).to_dict()

    def parameters(self, window: Window) -> dict[str, Any]:  # noqa: ARG002
        """Ask for the types wanted; the API has no date filter."""
        types = self.config["tracking_activity_types"]
        return {"tracking_activities_list": ",".join(types), "limit": 100}

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """Yield the rows of an answer, each with the key that the API does not give it."""
        for row in super().parse_response(response):
            yield {"activity_id": activity_id(row), **row}


def activity_id(row: Mapping[str, Any]) -> str:
    """Return the key of an event: a UUIDv5 over what tells it from another."""
    identity = {**row, "created_time": utc(row.get("created_time"))}
    return str(uuid.uuid5(ACTIVITIES, "|".join(str(identity.get(name) or "") for name in IDENTITY)))
