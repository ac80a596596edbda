"""Text messages (SMS): their campaigns, and the consents of contacts.

https://v3.developer.constantcontact.com/api_reference/#tag-SMS-Reporting.
"""

from __future__ import annotations

from dataclasses import replace

from tap_constantcontact.config.dates import BEGINNING, date_parameter
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.streams.fields import instant, integer, key, schema, structure, text


class SmsCampaignSummariesStream(Collection):
    """Counts of the contacts who did something with each SMS campaign, the last sent first.

    The API requires a date from which on campaigns were sent. (Contract.)
    """

    name = "sms_campaign_summaries"
    path = "/reports/summary_reports/sms_campaign_summaries"
    records_key = "bulk_sms_campaign_summaries"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_id",)
    page_size = 50
    cost = "1 per 50 campaigns; 2 if there are more than 50"
    all_queries = (
        Query(
            {"start_at": date_parameter(BEGINNING)},
            takes_dates=False,
            has_total=False,
            is_short=True,
            shrinks=True,
        ),
    )
    schema = schema(
        key("campaign_id", "Key of the campaign."),
        text("campaign_name", "Name of the campaign."),
        text("campaign_type", "Kind of campaign: SMS."),
        instant("last_sent_date", "When the campaign was last sent."),
        structure(
            "unique_counts",
            "Counts of contacts.",
            integer("sends", "Number of contacts to whom it was sent."),
            integer("delivers", "Number of contacts to whom it was delivered."),
            integer("opens", "Number of contacts who opened it."),
            integer("clicks", "Number of contacts who clicked a link in it."),
            integer("optouts", "Number of contacts who unsubscribed because of it."),
        ),
    )


SMS_CONTACTS = replace(
    CONTACTS,
    is_wanted=lambda contact, config: (
        bool(contact.get("sms_channel")) and CONTACTS.is_wanted(contact, config)
    ),
    counted_by=lambda query, _: replace(query, has_total=False, is_short=False),
)
"""The contacts of the contact reports that have a number for text messages.

The API can list them, but not count them.
"""


class SmsEngagementHistoryStream(Report):
    """Each contact's consents to text messages, and their withdrawals."""

    name = "sms_engagement_history"
    path = "/contacts/sms_engagement_history/{contact_id}"
    is_array = True
    privilege = "contacts:read"
    primary_keys = ("sms_channel_history_id",)
    visits = All(SMS_CONTACTS)
    cost = "1 per contact with SMS, and 1 per 500 contacts to find these"
    selected_by_default = False
    schema = schema(
        key("sms_channel_history_id", "Key of the consent or withdrawal."),
        text("contact_id", "The contact."),
        text("sms_channel_id", "The contact's number for text messages."),
        instant("insert_time", "When it was recorded."),
        structure(
            "history_details",
            "What the contact decided.",
            text("state", "State of the consent after it, as one letter."),
            text("source", "Who recorded it, as one letter: account, contact or system."),
            text("consent_type", "Kind of messages that the consent is for."),
            instant("consent_action_time", "When the contact decided."),
            text("consent_action_type", "What the contact decided, such as opt_in."),
            text("consent_medium_type", "Medium of the decision, in two letters."),
            instant("source_consent_timestamp", "When the source last changed the consent."),
            text("source_sms_number", "Phone number of the source."),
            integer("advertised_frequency", "Announced number of messages per interval."),
            text("advertised_interval", "Announced interval, as one letter."),
        ),
    )
