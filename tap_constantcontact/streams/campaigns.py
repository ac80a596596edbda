"""E-mail campaigns, their activities, and when these are sent.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns,
https://v3.developer.constantcontact.com/api_reference/#tag-Email-Scheduling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import override

from tap_constantcontact.config.windows import Window
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.parts import Details, PartType
from tap_constantcontact.reading.query import Change, Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.targets import PerPart
from tap_constantcontact.reading.visits import All, Changed
from tap_constantcontact.records.rows import Record
from tap_constantcontact.streams.fields import (
    instant,
    instant_key,
    integer,
    integers,
    key,
    number_key,
    schema,
    structures,
    text,
    texts,
)

UPDATED = Change("after_date", "updated_at")


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
    changes = (UPDATED,)
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
    stream=EmailCampaignsStream, key="campaign_id", changed=UPDATED, is_wanted=_is_sent
)
"""The parents of the campaign reports: the campaigns that were sent."""


def _is_kept(campaign: Record, config: Mapping[str, Any]) -> bool:  # noqa: ARG001
    return str(campaign.get("current_status")).lower() != "removed"


KEPT_CAMPAIGNS = ParentType(stream=EmailCampaignsStream, key="campaign_id", is_wanted=_is_kept)
"""All campaigns but the removed ones, whose details the API does not know."""

CHANGED_CAMPAIGNS = replace(KEPT_CAMPAIGNS, changed=UPDATED)
"""Those of these campaigns that changed since an incremental run."""


class EmailCampaignDetails(Details):
    """The name and the activities of a campaign.

    The API does not know the details of removed campaigns. (Contract.)
    """

    name = "email_campaign_details"
    path = "/emails/{campaign_id}"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("campaign_id",)
    parents = KEPT_CAMPAIGNS
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


ALL_ACTIVITIES = PartType(
    EmailCampaignDetails, listed_in="campaign_activities", key="campaign_activity_id"
)
SENT_ACTIVITIES = replace(ALL_ACTIVITIES, roles=("primary_email", "resend"))
"""The activities of a campaign that the e-mail reports cover. (Contract.)"""

PRIMARY_ACTIVITIES = replace(ALL_ACTIVITIES, roles=("primary_email",))
"""The main activity of a campaign, which alone is tested or sent again to who did not open it."""


class EmailCampaignActivitiesStream(Report):
    """The e-mails of each campaign, with subject and sender, but without their content.

    An activity has no date of its own, so it is read again if its campaign has changed.
    """

    name = "email_campaign_activities"
    path = "/emails/activities/{campaign_activity_id}"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("campaign_activity_id",)
    replication_key = "updated_at"
    visits = Changed(CHANGED_CAMPAIGNS)
    requests = PerPart(ALL_ACTIVITIES)
    left_out = ("document_properties", "html_content", "physical_address_in_footer")
    cost = "3 and more per changed campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "Key of the activity."),
        text("campaign_id", "The campaign."),
        text("role", "Role of the activity, such as primary_email, permalink or resend."),
        texts("contact_list_ids", "Keys of the lists that it is sent to."),
        integers("segment_ids", "Keys of the segments that it is sent to."),
        text("current_status", "DRAFT, SCHEDULED, EXECUTING, DONE, ERROR or REMOVED."),
        integer("format_type", "Number of the editor in which it was made, 1 to 5."),
        text("from_email", "Address that it is sent from."),
        text("from_name", "Name that it is sent from."),
        text("reply_to_email", "Address for replies."),
        text("subject", "Subject."),
        text("preheader", "Text that mailboxes show after the subject."),
        text("permalink_url", "Address of the e-mail as a web page."),
        text("document_id", "Key of the document in the editor."),
        instant("updated_at", "When its campaign last changed."),
    )

    @override
    def parameters(self, window: Window) -> Mapping[str, Any]:
        return {"include": "permalink_url"}


class ActivityReport(Report):
    """What the reports on the activities of campaigns share."""

    scope = "campaign_data"
    privilege = "campaign:read"
    requests = PerPart(SENT_ACTIVITIES)
    selected_by_default = False


class EmailSendHistoryStream(ActivityReport):
    """Each time that an e-mail was sent."""

    name = "email_send_history"
    path = "/emails/activities/{campaign_activity_id}/send_history"
    is_array = True
    primary_keys = ("campaign_activity_id", "send_id")
    row_keys = ("send_id",)
    visits = All(CAMPAIGNS)
    cost = "2 and more per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        number_key("send_id", "Number of the send among those of the activity, from 1."),
        texts("contact_list_ids", "Keys of the lists that it was sent to."),
        integers("segment_ids", "Keys of the segments that it was sent to."),
        integer("count", "Number of contacts to whom it was sent."),
        instant("run_date", "When it was sent."),
        text("send_status", "COMPLETED or ERRORED."),
        integer("reason_code", "Reason for an error; 0 for none."),
    )


class EmailSchedulesStream(ActivityReport):
    """When scheduled e-mails will be sent."""

    name = "email_schedules"
    path = "/emails/activities/{campaign_activity_id}/schedules"
    is_array = True
    primary_keys = ("campaign_activity_id", "scheduled_date")
    row_keys = ("scheduled_date",)
    visits = All(KEPT_CAMPAIGNS)
    cost = "2 and more per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        instant_key("scheduled_date", "When it will be sent."),
        text("campaign_id", "The campaign."),
    )


class EmailNonOpenerResendsStream(ActivityReport):
    """The second send of each campaign, to contacts who did not open the first one.

    A campaign has one at the most. (Contract.)
    """

    name = "email_non_opener_resends"
    path = "/emails/activities/{campaign_activity_id}/non_opener_resends"
    is_array = True
    primary_keys = ("campaign_activity_id",)
    row_keys = ()
    visits = All(KEPT_CAMPAIGNS)
    requests = PerPart(PRIMARY_ACTIVITIES)
    cost = "2 per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as the main activity of its campaign."),
        text("resend_subject", "Subject of the second send."),
        integer("delay_days", "Days from the first send to the second, if they are whole."),
        integer("delay_minutes", "Minutes from the first send to the second, if not whole days."),
        instant("resend_date", "When it was sent the second time."),
        text("resend_request_id", "Key of the second send."),
        text("resend_status", "Status of the second send."),
    )


class EmailAbTestsStream(ActivityReport):
    """The test of two subjects of a campaign, if it has one.

    The API knows nothing under the path of a campaign without a test. (Contract.)
    """

    name = "email_ab_tests"
    path = "/emails/activities/{campaign_activity_id}/abtest"
    primary_keys = ("campaign_activity_id",)
    row_keys = ()
    visits = All(KEPT_CAMPAIGNS)
    requests = PerPart(PRIMARY_ACTIVITIES)
    cost = "2 per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as the main activity of its campaign."),
        text("alternative_subject", "The second subject."),
        integer("test_size", "Contacts who take part in the test, in percent."),
        integer("winner_wait_duration", "Hours until the winner is sent to the other contacts."),
    )
