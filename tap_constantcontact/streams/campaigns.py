"""E-mail campaigns: https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tap_constantcontact.shapes.collection import Collection
from tap_constantcontact.shapes.details import Details
from tap_constantcontact.shapes.parents import ParentType
from tap_constantcontact.shapes.queries import Change, Query, Record
from tap_constantcontact.shapes.requests_per_part import PartType
from tap_constantcontact.streams.fields import (
    instant,
    integer,
    key,
    schema,
    structures,
    text,
)


class EmailCampaignsStream(Collection):
    """E-mail campaigns, including removed ones.

    `after_date` filters by `updated_at`, but the list is sorted by `created_at`, newest first.
    (Contract; responses recorded from the live service.)
    """

    name = "email_campaigns"
    path = "/emails"
    records_key = "campaigns"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("campaign_id",)
    replication_key = "updated_at"
    changes = (Change("after_date", "updated_at"),)
    cost = "1 per 500 changed campaigns"
    all_queries = (Query(has_total=False, is_short=True),)
    schema = schema(
        key("campaign_id", "Key of the campaign."),
        text("name", "Name of the campaign."),
        text("type", "Kind of campaign, such as NEWSLETTER."),
        integer("type_code", "The kind as a number."),
        text("current_status", "Draft, Scheduled, Executing, Done, Error or Removed."),
        instant("created_at", "When the campaign was made."),
        instant("updated_at", "When the campaign last changed."),
    )


SENT = ("done", "executing")
"""Values of `current_status`, in lower case, of campaigns that were sent.

The list has `Done`, a campaign's details `DONE`. (Responses recorded from the live service.)
"""


def _is_sent(campaign: Record, config: Mapping[str, Any]) -> bool:  # noqa: ARG001
    return str(campaign.get("current_status")).lower() in SENT


CAMPAIGNS = ParentType(
    stream="email_campaigns", key="campaign_id", changed_at="updated_at", is_wanted=_is_sent
)
"""The parents of the campaign reports: the campaigns that were sent."""


class EmailCampaignDetails(Details):
    """The name and the activities of a campaign.

    The API does not know the details of removed campaigns. (Contract.)
    """

    name = "email_campaign_details"
    path = "/emails/{campaign_id}"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("campaign_id",)
    schema = schema(
        key("campaign_id", "Key of the campaign."),
        text("name", "Name of the campaign."),
        structures(
            "campaign_activities",
            "The activities of the campaign.",
            text("campaign_activity_id", "Key of the activity."),
            text("role", "Role of the activity, such as primary_email or resend."),
        ),
    )


SENT_ACTIVITIES = PartType(
    EmailCampaignDetails,
    listed_in="campaign_activities",
    key="campaign_activity_id",
    roles=("primary_email", "resend"),
)
"""The activities of a campaign that the e-mail reports cover. (Contract.)"""
