"""E-mail campaigns and their activities.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from singer_sdk import Stream
from typing_extensions import override

from tap_constantcontact.config.windows import Window
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.parts import Details, PartType
from tap_constantcontact.reading.query import Change, Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.targets import Keys, PerPart
from tap_constantcontact.reading.visits import Changed
from tap_constantcontact.records.rows import Record, with_keys
from tap_constantcontact.run import Run
from tap_constantcontact.streams.fields import (
    instant,
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

    Assumptions: `after-date-finds-campaigns`, `campaigns-move-when-sent`, `pages-of-campaigns`.
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

Assumption: `sent-campaigns-are-done`.
"""


def _status(campaign: Record) -> str:
    return str(campaign.get("current_status")).lower()


CAMPAIGNS = ParentType(
    stream=EmailCampaignsStream,
    key="campaign_id",
    changed=UPDATED,
    is_wanted=lambda campaign, _: _status(campaign) in SENT,
)
"""The parents of the campaign reports: the campaigns that were sent."""

KEPT_CAMPAIGNS = ParentType(
    stream=EmailCampaignsStream,
    key="campaign_id",
    is_wanted=lambda campaign, _: _status(campaign) != "removed",
)
"""All campaigns but the removed ones, whose details the API does not know."""

CHANGED_CAMPAIGNS = replace(KEPT_CAMPAIGNS, changed=UPDATED)
"""Those of these campaigns that changed since an incremental run."""


class EmailCampaignDetails(Details):
    """The name and the activities of a campaign.

    The API does not know the details of removed campaigns. (Contract.)

    Assumption: `removed-campaigns-are-not-found`.
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

    An activity has no date of its own, so it is read again if its campaign has changed. It is
    requested once a run for this stream and for those of what it is sent to.
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

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._known: dict[str, list[Record]] = {}

    @override
    def rows_of(self, keys: Keys, window: Window) -> list[Record]:
        activity_id = keys[ALL_ACTIVITIES.key]
        rows = self._known.get(activity_id) or [*super().rows_of(keys, window)]
        if len(self._sharing) > 1:
            self._known[activity_id] = rows
        return rows

    @cached_property
    def _sharing(self) -> list[Stream]:
        """The selected streams from the same responses, in the order in which they run."""
        kinds = (EmailCampaignActivitiesStream, SentTo)
        streams = self.run.tap.streams.values()
        return [one for one in streams if one.selected and isinstance(one, kinds)]

    @override
    def plan(self) -> Plan:
        return self.plan_of(self)

    def plan_of(self, stream: Report) -> Plan:
        """Return what a stream costs: the requests, if it is the first to send them."""
        return Report.plan(stream) if stream is self._sharing[0] else Plan(None, 0)


class SentTo(Report):
    """What e-mails are sent to, as a table for targets that cannot nest.

    Each row has the `updated_at` of its activity. A row that is removed at the source stays in a
    target, but the activity's own `updated_at` is then later.

    Attributes that a stream sets:
        listed_in: Name of the property of an activity that lists the keys.
    """

    listed_in: str

    path = EmailCampaignActivitiesStream.path
    scope = "campaign_data"
    privilege = "campaign:read"
    row_keys = ()
    replication_key = "updated_at"
    visits = EmailCampaignActivitiesStream.visits
    requests = EmailCampaignActivitiesStream.requests
    selected_by_default = False
    cost = "none, if `email_campaign_activities` is selected; otherwise its requests, once for both"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._activities = run.once(EmailCampaignActivitiesStream)
        self.converter = self._activities.converter

    @override
    def rows_of(self, keys: Keys, window: Window) -> list[Record]:
        (activity,) = self._activities.rows_of(keys, window)
        listed = activity.get(self.listed_in) or ()
        rows: list[Record] = [{**keys, self.primary_keys[-1]: one} for one in listed]
        return with_keys(self.name, rows, self.primary_keys)

    @override
    def plan(self) -> Plan:
        return self._activities.plan_of(self)


E_MAIL = (
    key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
    text("campaign_id", "The campaign."),
    instant("updated_at", "When the campaign last changed."),
)


class EmailCampaignActivityListsStream(SentTo):
    """The lists that each e-mail is sent to."""

    name = "email_campaign_activity_lists"
    listed_in = "contact_list_ids"
    primary_keys = ("campaign_activity_id", "list_id")
    schema = schema(*E_MAIL, key("list_id", "Key of a list that it is sent to."))


class EmailCampaignActivitySegmentsStream(SentTo):
    """The segment that each e-mail is sent to, if it is not sent to lists."""

    name = "email_campaign_activity_segments"
    listed_in = "segment_ids"
    primary_keys = ("campaign_activity_id", "segment_id")
    schema = schema(*E_MAIL, number_key("segment_id", "Key of a segment that it is sent to."))
