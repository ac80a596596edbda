"""The streams. `STREAMS` is their only registry; cheap streams run first."""

from collections.abc import Mapping

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.streams.account import AccountEmailsStream, AccountSummaryStream
from tap_constantcontact.streams.audience import (
    SEGMENTS,
    ContactCustomFieldsStream,
    ContactListsStream,
    ContactTagsStream,
    SegmentDetailsStream,
    SegmentsStream,
)
from tap_constantcontact.streams.campaign_reports import EmailCampaignStatsStream
from tap_constantcontact.streams.campaigns import (
    CAMPAIGNS,
    EmailCampaignDetails,
    EmailCampaignsStream,
)
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)
from tap_constantcontact.streams.contacts import CONTACTS, ContactsStream
from tap_constantcontact.streams.email_events import (
    EmailBouncesStream,
    EmailClicksStream,
    EmailDidNotOpensStream,
    EmailForwardsStream,
    EmailOpensStream,
    EmailOptoutsStream,
    EmailSendsStream,
    EmailUniqueOpensStream,
)
from tap_constantcontact.streams.reports_from_campaigns import (
    ContactActionSummaryFromCampaigns,
    ContactActivityDetailsFromCampaigns,
)

STREAMS: tuple[type[ConstantContactStream], ...] = (
    AccountSummaryStream,
    AccountEmailsStream,
    ContactListsStream,
    ContactTagsStream,
    ContactCustomFieldsStream,
    SegmentsStream,
    SegmentDetailsStream,
    EmailCampaignsStream,
    EmailCampaignStatsStream,
    ContactsStream,
    EmailSendsStream,
    EmailOpensStream,
    EmailClicksStream,
    EmailBouncesStream,
    EmailOptoutsStream,
    EmailForwardsStream,
    EmailUniqueOpensStream,
    EmailDidNotOpensStream,
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)
"""The streams, in the order in which they run."""

FROM_CAMPAIGNS: Mapping[type[ConstantContactStream], type[ConstantContactStream]] = {
    ContactActionSummaryStream: ContactActionSummaryFromCampaigns,
    ContactActivityDetailsStream: ContactActivityDetailsFromCampaigns,
}
"""The streams that take the place of others if `report_source` is `campaigns`."""

PARENT_TYPES = (SEGMENTS, CAMPAIGNS, CONTACTS)
"""The types of parent that reports are about."""

DETAILS = (EmailCampaignDetails,)
"""The details of parents that list their parts."""

COUNTED_BY = (EmailCampaignStatsStream,)
"""The reports that tell counts of parents, by which other streams see what is new."""

__all__ = ["COUNTED_BY", "DETAILS", "FROM_CAMPAIGNS", "PARENT_TYPES", "STREAMS"]
