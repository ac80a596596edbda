"""The events of e-mail campaigns: who got an e-mail, opened it, clicked in it, and so on.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Reporting.

The reports list 500 events of all contacts per request, the newest first. They cover activities in
the roles primary_email and resend. (Contract.) Only opens and clicks have counts of every event,
which a contact's second open moves. The other counts are of contacts, so a contact's second bounce,
forward or opt-out is only found by a full reading. The date `last_refresh_time` of the counts moves
without an event. (Contract; the vendor's guide.)

Assumptions: `counts-equal-rows`, `unique-counts-equal-people`, `unique-opens-are-people`,
`unsent-emails-have-no-events`.
"""

from __future__ import annotations

from typing import Any

from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import Events
from tap_constantcontact.reading.targets import PerPart
from tap_constantcontact.reading.visits import All, Moved
from tap_constantcontact.streams.campaign_reports import EmailCampaignStatsStream
from tap_constantcontact.streams.campaigns import CAMPAIGNS, SENT_ACTIVITIES
from tap_constantcontact.streams.fields import Field, instant, key, schema, text

TRACKING = "/reports/email_reports/{campaign_activity_id}/tracking"
CONTACT = (
    text("email_address", "Address that the e-mail was sent to."),
    text("first_name", "First name of the contact."),
    text("last_name", "Last name of the contact."),
    instant("deleted_at", "When the contact was deleted."),
)


def event(*fields: Field) -> dict[str, Any]:
    """Return the schema of an event with these fields beside those of every event."""
    return schema(
        key("activity_id", "Key of the event: the same as in contact_activity_details."),
        text("contact_id", "The contact of the event."),
        text("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        text("tracking_activity_type", "Type of the event, such as em_opens."),
        instant("created_time", "When the event happened."),
        *fields,
        *CONTACT,
    )


def derived(*fields: Field) -> dict[str, Any]:
    """Return the schema of what the API derives from a contact's events, with these fields."""
    return schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        key("contact_id", "The contact."),
        text("tracking_activity_type", "Type of the event."),
        instant("created_time", "When the event happened."),
        *fields,
        *CONTACT,
    )


ANY_EVENT = event(
    text("device_type", "Type of device; opens and clicks only."),
    text("url_id", "Key of the link; clicks only."),
    text("link_url", "Address of the link; clicks only."),
    text("bounce_code", "Reason for the bounce; bounces only."),
    text("current_email_address", "The contact's address now; bounces only."),
    text("opt_out_reason", "Reason for the opt-out; opt-outs only."),
)
"""The schema of an event of any type."""


class EmailEvents(Report):
    """What the events of e-mails share."""

    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("activity_id",)
    row_keys = ()
    replication_key = "created_time"
    page_size = 500
    requests = PerPart(SENT_ACTIVITIES)
    lookback_days = 1
    cost = "2 per campaign with new events, and 1 more per 500 events; 3 to find those campaigns"
    selected_by_default = False


class EmailSendsStream(EmailEvents):
    """E-mails sent to contacts."""

    name = "email_sends"
    path = f"{TRACKING}/sends"
    visits = Moved(EmailCampaignStatsStream, {"sends": ("em_sends",)})
    rows = Events("em_sends")
    schema = event()


class EmailOpensStream(EmailEvents):
    """Opens of e-mails."""

    name = "email_opens"
    path = f"{TRACKING}/opens"
    visits = Moved(EmailCampaignStatsStream, {"opens": ("em_opens_all",)})
    rows = Events("em_opens")
    schema = event(text("device_type", "Type of device."))


class EmailClicksStream(EmailEvents):
    """Clicks on links in e-mails."""

    name = "email_clicks"
    path = f"{TRACKING}/clicks"
    visits = Moved(EmailCampaignStatsStream, {"clicks": ("em_clicks_all",)})
    rows = Events("em_clicks")
    schema = event(
        text("device_type", "Type of device."),
        text("url_id", "Key of the link."),
        text("link_url", "Address of the link."),
    )


class EmailBouncesStream(EmailEvents):
    """E-mails that bounced."""

    name = "email_bounces"
    path = f"{TRACKING}/bounces"
    visits = Moved(EmailCampaignStatsStream, {"bounces": ("em_bounces",)})
    rows = Events("em_bounces")
    schema = event(
        text("bounce_code", "Reason for the bounce, as one letter."),
        text("current_email_address", "The contact's address now."),
    )


class EmailOptoutsStream(EmailEvents):
    """Opt-outs by a link in an e-mail."""

    name = "email_optouts"
    path = f"{TRACKING}/optouts"
    visits = Moved(EmailCampaignStatsStream, {"optouts": ("em_optouts",)})
    rows = Events("em_optouts")
    schema = event(text("opt_out_reason", "Reason for the opt-out, in the contact's words."))


class EmailForwardsStream(EmailEvents):
    """E-mails that contacts forwarded."""

    name = "email_forwards"
    path = f"{TRACKING}/forwards"
    visits = Moved(EmailCampaignStatsStream, {"forwards": ("em_forwards",)})
    rows = Events("em_forwards")
    schema = event()


class EmailPeople(Report):
    """What the lists of contacts share that the API derives from the events of e-mails."""

    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_activity_id", "contact_id")
    row_keys = ("contact_id",)
    page_size = 500
    visits = All(CAMPAIGNS)
    requests = PerPart(SENT_ACTIVITIES)
    cost = "2 and more per campaign"
    selected_by_default = False


class EmailUniqueOpensStream(EmailPeople):
    """The last open of each contact, as derived by the API from the opens."""

    name = "email_unique_opens"
    path = f"{TRACKING}/unique_opens"
    schema = derived(text("device_type", "Type of device."))


class EmailDidNotOpensStream(EmailPeople):
    """The contacts who got an e-mail and have not opened it, as derived by the API."""

    name = "email_did_not_opens"
    path = f"{TRACKING}/didnotopens"
    schema = derived()
