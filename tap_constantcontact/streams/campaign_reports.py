"""Reports on e-mail campaigns.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns-Reporting.
"""

from __future__ import annotations

from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.targets import PerPart
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.campaigns import CAMPAIGNS, SENT_ACTIVITIES
from tap_constantcontact.streams.fields import (
    instant,
    integer,
    key,
    number,
    schema,
    structure,
    text,
)

COUNTS = (
    integer("em_sends", "Number of contacts to whom it was sent."),
    integer("em_opens", "Number of contacts who opened it."),
    integer("em_opens_all", "Number of opens."),
    integer("em_opens_all_computer", "Opens on a computer."),
    integer("em_opens_all_mobile", "Opens on a phone."),
    integer("em_opens_all_tablet", "Opens on a tablet."),
    integer("em_opens_all_other", "Opens on another device."),
    integer("em_opens_all_none", "Opens on an unknown device."),
    integer("em_not_opened", "Number of contacts who did not open it."),
    integer("em_clicks", "Number of contacts who clicked a link in it."),
    integer("em_clicks_all", "Number of clicks."),
    integer("em_clicks_all_computer", "Clicks on a computer."),
    integer("em_clicks_all_mobile", "Clicks on a phone."),
    integer("em_clicks_all_tablet", "Clicks on a tablet."),
    integer("em_clicks_all_other", "Clicks on another device."),
    integer("em_clicks_all_none", "Clicks on an unknown device."),
    integer("em_bounces", "Number of contacts from whom it bounced."),
    integer("em_optouts", "Number of contacts who unsubscribed because of it."),
    integer("em_forwards", "Number of contacts who forwarded it."),
)
COUNTS_OF_ACTIVITY = (
    *COUNTS,
    integer("em_abuse", "Number of contacts who reported it as spam."),
    integer("em_bounces_blocked", "Contacts whose mail system blocked it."),
    integer("em_bounces_mailbox_full", "Contacts whose mailbox was full."),
    integer("em_bounces_nonexistent_address", "Contacts whose address does not exist."),
    integer("em_bounces_other", "Contacts from whom it bounced for an unknown reason."),
    integer("em_bounces_suspended", "Contacts whose address is suspended after other bounces."),
    integer("em_bounces_undeliverable", "Contacts to whom it could not be delivered."),
    integer("em_bounces_vacation", "Contacts whose mailbox replied that they are away."),
)
PEOPLE = (
    integer("sends", "Number of contacts to whom it was sent."),
    integer("opens", "Number of contacts who opened it."),
    integer("clicks", "Number of contacts who clicked a link in it."),
    integer("forwards", "Number of contacts who forwarded it."),
    integer("optouts", "Number of contacts who unsubscribed because of it."),
    integer("abuse", "Number of contacts who reported it as spam."),
    integer("bounces", "Number of contacts from whom it bounced."),
    integer("not_opened", "Number of contacts who did not open it."),
)
PERCENTS = (
    number("open", "Contacts who opened it, in percent of those whom it reached."),
    number("click", "Contacts who clicked in it, in percent of those who opened it."),
    number("bounce", "Contacts from whom it bounced, in percent of those to whom it was sent."),
    number("did_not_open", "Contacts who did not open it, in percent of those whom it reached."),
    number("unsubscribe", "Contacts who unsubscribed, in percent of those whom it reached."),
    number("desktop_open", "Opens on a computer, in percent of all opens."),
    number("mobile_open", "Opens on a phone or tablet, in percent of all opens."),
    number("desktop_click", "Clicks on a computer, in percent of all clicks."),
    number("mobile_click", "Clicks on a phone or tablet, in percent of all clicks."),
)


class EmailCampaignStatsStream(BatchedReport):
    """Counts and percentages of each campaign's sends, opens, clicks and so on."""

    name = "email_campaign_stats"
    path = "/reports/stats/email_campaigns/{campaign_ids}"
    records_key = "results"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_id",)
    parents = CAMPAIGNS
    ids = "campaign_ids"
    ids_a_request = 150
    cost = "1 per 150 campaigns, and 1 per 500 to list them"
    schema = schema(
        key("campaign_id", "Key of the campaign."),
        structure("stats", "Counts.", *COUNTS),
        structure("percents", "Percentages.", *PERCENTS),
        instant("last_refresh_time", "When the figures were last computed."),
    )


class EmailCampaignSummariesStream(Collection):
    """Counts of the contacts who did something with each campaign, the last sent first.

    Whether the API lists more than 500 campaigns is not known.

    Assumptions: `summaries-list-every-campaign`, `pages-of-summaries`.
    """

    name = "email_campaign_summaries"
    path = "/reports/summary_reports/email_campaign_summaries"
    records_key = "bulk_email_campaign_summaries"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_id",)
    cost = "1 per 500 campaigns"
    all_queries = (Query(takes_dates=False, has_total=False, is_short=True, shrinks=True),)
    schema = schema(
        key("campaign_id", "Key of the campaign."),
        text("campaign_type", "Kind of campaign, such as Newsletter."),
        instant("last_sent_date", "When the campaign was last sent."),
        structure("unique_counts", "Counts of contacts.", *PEOPLE),
    )


class EmailCampaignActivityStatsStream(BatchedReport):
    """Counts of each campaign activity's sends, opens, clicks and so on."""

    name = "email_campaign_activity_stats"
    path = "/reports/stats/email_campaign_activities/{campaign_activity_ids}"
    records_key = "results"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_activity_id",)
    parents = CAMPAIGNS
    parts = SENT_ACTIVITIES
    ids = "campaign_activity_ids"
    ids_a_request = 10
    cost = "1 per campaign, 1 per 10 activities, and 1 per 500 campaigns to list them"
    selected_by_default = False
    schema = schema(
        key("campaign_activity_id", "Key of the activity."),
        text("campaign_id", "The campaign."),
        structure("stats", "Counts.", *COUNTS_OF_ACTIVITY),
        instant("last_refresh_time", "When the figures were last computed."),
    )


class EmailLinksStream(Report):
    """The links that contacts clicked in each e-mail."""

    name = "email_links"
    path = "/reports/email_reports/{campaign_activity_id}/links"
    records_key = "link_click_counts"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys = ("campaign_activity_id", "url_id")
    row_keys = ("url_id",)
    visits = All(CAMPAIGNS)
    requests = PerPart(SENT_ACTIVITIES)
    cost = "2 and more per campaign, and 1 per 500 to list them"
    selected_by_default = False
    schema = schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        key("url_id", "Key of the link."),
        text("link_url", "Address of the link."),
        integer("unique_clicks", "Number of contacts who clicked the link."),
        text("list_action", "What a click does to the contact's lists: add."),
        text("list_id", "List to which a click adds the contact."),
        text("link_tag", "Tag of the link; the API does not send any yet."),
    )
