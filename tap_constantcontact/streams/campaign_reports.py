"""Reports on e-mail campaigns.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns-Reporting.
"""

from __future__ import annotations

from tap_constantcontact.shapes.parents_per_request import ParentsPerRequest
from tap_constantcontact.streams.campaigns import CAMPAIGNS
from tap_constantcontact.streams.fields import instant, integer, key, number, schema, structure

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


class EmailCampaignStatsStream(ParentsPerRequest):
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
