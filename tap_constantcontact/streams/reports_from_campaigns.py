"""The two contact reports, built from the events of e-mail campaigns instead of contact by contact.

The e-mail reports list 500 events of all contacts per request, the newest first. They cover the
roles primary_email and resend, and no removed campaign. (Contract.) No row of them recorded from
the live service is public, nor one of the contact reports. So whether both tell the same instant of
an event is not known.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.config.dates import MOST_DAYS
from tap_constantcontact.config.windows import ReportDateSettings
from tap_constantcontact.reading.from_campaigns import ContactsFromParts, Tracking
from tap_constantcontact.reading.query import Record
from tap_constantcontact.streams.campaign_reports import EmailCampaignActivityStatsStream
from tap_constantcontact.streams.campaigns import CAMPAIGNS, SENT_ACTIVITIES
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)
from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.streams.email_events import ANY_EVENT

TRACKINGS = {
    "em_sends": Tracking("sends", "em_sends"),
    "em_opens": Tracking("opens", "em_opens_all"),
    "em_clicks": Tracking("clicks", "em_clicks_all"),
    "em_bounces": Tracking("bounces", "em_bounces"),
    "em_optouts": Tracking("optouts", "em_optouts"),
    "em_forwards": Tracking("forwards", "em_forwards"),
}
OTHERS = ("em_sends", "em_bounces", "em_optouts", "em_forwards")
PATH = "/reports/email_reports/{campaign_activity_id}/tracking/{tracking}"


class ContactActivityDetailsFromCampaigns(ContactsFromParts):
    """One row for each event: a send, an open, a click, a bounce and so on."""

    name = ContactActivityDetailsStream.name
    bookmark_name = "contact_activity_details_from_campaigns"
    path = PATH
    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("activity_id",)
    replication_key = "created_time"
    page_size = 500
    groups: ClassVar = {
        "opens": ("em_opens_all",),
        "clicks": ("em_clicks_all",),
        "others": OTHERS,
    }
    trackings = TRACKINGS
    lookback_days = 1
    date_settings = ReportDateSettings
    filters = (*CONTACTS.filters, "tracking_activity_types")
    parents = CAMPAIGNS
    parts = SENT_ACTIVITIES
    per_contact = ContactActivityDetailsStream
    shown_by = EmailCampaignActivityStatsStream
    cost = "2 and more per campaign with new events"
    schema = ContactActivityDetailsStream.schema
    row_schema = ANY_EVENT

    @override
    def report_on_part(self, parent_id: str, part_id: str) -> list[Record]:
        name = self.run.details[self.parts.details].of(parent_id).get("name")
        types = self.types_to_read(parent_id)
        return [
            self.record_of({**event, "campaign_activity_name": name})
            for activity_type in self.config["tracking_activity_types"]
            if activity_type in types
            for event in self.events_of(part_id, activity_type)
            if self.is_in_window(event)
        ]


class ContactActionSummaryFromCampaigns(ContactsFromParts):
    """One row for each e-mail that a contact was sent, with counts of what the contact did.

    All events of an e-mail are read when one is new, as the counts are of all of them.
    """

    name = ContactActionSummaryStream.name
    bookmark_name = "contact_action_summary_from_campaigns"
    path = PATH
    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("contact_id", "campaign_activity_id")
    replication_key = "start_on"
    page_size = 500
    newest_first = False
    lookback_days = MOST_DAYS
    groups: ClassVar = {"events": ("em_opens_all", "em_clicks_all", *OTHERS)}
    trackings = TRACKINGS
    date_settings = ReportDateSettings
    filters = CONTACTS.filters
    parents = CAMPAIGNS
    parts = SENT_ACTIVITIES
    per_contact = ContactActionSummaryStream
    shown_by = EmailCampaignActivityStatsStream
    cost = "2 and more per campaign with new events"
    schema = ContactActionSummaryStream.schema
    row_schema = ANY_EVENT

    @override
    def report_on_part(self, parent_id: str, part_id: str) -> list[Record]:
        counts: dict[str, Counter[str]] = {}
        sent_at: dict[str, str | None] = {}
        for activity_type in self.types_to_read(parent_id):
            for event in self.events_of(part_id, activity_type):
                contact_id = event["contact_id"]
                counts.setdefault(contact_id, Counter())[activity_type] += 1
                if activity_type == "em_sends":
                    sent_at.setdefault(contact_id, event.get("created_time"))
        rows = (
            {
                "contact_id": contact_id,
                self.parts.key: part_id,
                "start_on": start_on,
                **{name: counts[contact_id][name] for name in TRACKINGS if name != "em_optouts"},
                "em_unsubscribes": counts[contact_id]["em_optouts"],
            }
            for contact_id, start_on in sent_at.items()
        )
        return [row for row in rows if self.is_in_window(row)]
