"""Figures of e-mail campaigns.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns-Reporting.
"""

from __future__ import annotations

from tap_constantcontact.shapes.parents_per_request import ParentsPerRequest
from tap_constantcontact.streams.campaigns import CAMPAIGNS
from tap_constantcontact.streams.fields import instant, integer, key, number, schema, structure

COUNTS = (
    integer("em_sends", "People it was sent to."),
    integer("em_opens", "People who opened it."),
    integer("em_opens_all", "Opens."),
    integer("em_opens_all_computer", "Opens on a computer."),
    integer("em_opens_all_mobile", "Opens on a phone."),
    integer("em_opens_all_tablet", "Opens on a tablet."),
    integer("em_opens_all_other", "Opens on another device."),
    integer("em_opens_all_none", "Opens on a device that is not known."),
    integer("em_not_opened", "People who did not open it."),
    integer("em_clicks", "People who clicked a link in it."),
    integer("em_clicks_all", "Clicks."),
    integer("em_clicks_all_computer", "Clicks on a computer."),
    integer("em_clicks_all_mobile", "Clicks on a phone."),
    integer("em_clicks_all_tablet", "Clicks on a tablet."),
    integer("em_clicks_all_other", "Clicks on another device."),
    integer("em_clicks_all_none", "Clicks on a device that is not known."),
    integer("em_bounces", "People from whom it bounced."),
    integer("em_optouts", "People who unsubscribed because of it."),
    integer("em_forwards", "People who forwarded it."),
)
PERCENTS = (
    number("open", "Opened it, of those whom it reached."),
    number("click", "Clicked in it, of those who opened it."),
    number("bounce", "Bounced, of those whom it was sent to."),
    number("did_not_open", "Did not open it, of those whom it reached."),
    number("unsubscribe", "Unsubscribed, of those whom it reached."),
    number("desktop_open", "Opens on a computer, of all opens."),
    number("mobile_open", "Opens on a phone or tablet, of all opens."),
    number("desktop_click", "Clicks on a computer, of all clicks."),
    number("mobile_click", "Clicks on a phone or tablet, of all clicks."),
)


class EmailCampaignStatsStream(ParentsPerRequest):
    """What became of each campaign: people and events counted."""

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
        structure("percents", "Shares, in percent.", *PERCENTS),
        instant("last_refresh_time", "When the figures were last computed."),
    )
