"""The streams. `STREAMS` is their only registry; cheap streams run first."""

from collections.abc import Mapping

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.selection import Declared
from tap_constantcontact.reading.from_campaigns import ContactsFromParts
from tap_constantcontact.streams.account import AccountEmailsStream, AccountSummaryStream
from tap_constantcontact.streams.audience import (
    SEGMENTS,
    ContactCustomFieldsStream,
    ContactListsStream,
    ContactTagsStream,
    SegmentDetailsStream,
    SegmentsStream,
)
from tap_constantcontact.streams.automations import AutomationsStream
from tap_constantcontact.streams.bulk_activities import BulkActivitiesStream
from tap_constantcontact.streams.campaign_reports import (
    EmailCampaignActivityStatsStream,
    EmailCampaignStatsStream,
    EmailCampaignSummariesStream,
    EmailLinksStream,
)
from tap_constantcontact.streams.campaigns import (
    CAMPAIGNS,
    CHANGED_CAMPAIGNS,
    KEPT_CAMPAIGNS,
    EmailAbTestsStream,
    EmailCampaignActivitiesStream,
    EmailCampaignDetails,
    EmailCampaignsStream,
    EmailNonOpenerResendsStream,
    EmailSchedulesStream,
    EmailSendHistoryStream,
)
from tap_constantcontact.streams.contact_parts import (
    ContactCustomFieldValuesStream,
    ContactListMembershipsStream,
    ContactPhoneNumbersStream,
    ContactStreetAddressesStream,
    ContactTaggingsStream,
)
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
    ContactOpenAndClickRatesStream,
)
from tap_constantcontact.streams.contacts import CONTACTS, ContactCountsStream, ContactsStream
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
from tap_constantcontact.streams.events import (
    EVENTS,
    EventDetails,
    EventRegistrationsStream,
    EventsStream,
    EventTracksStream,
)
from tap_constantcontact.streams.landing_pages import (
    LANDING_PAGES,
    LandingPageOpensStream,
    LandingPageUniqueAddsStream,
    LandingPageUniqueClicksStream,
    LandingPageUniqueOpensStream,
    LandingPageUniqueSmsOptinsStream,
    LandingPageUniqueUpdatesStream,
)
from tap_constantcontact.streams.partner import PartnerAccountsStream
from tap_constantcontact.streams.reports_from_campaigns import (
    ContactActionSummaryFromCampaigns,
    ContactActivityDetailsFromCampaigns,
)
from tap_constantcontact.streams.sms import (
    SMS_CONTACTS,
    SmsCampaignSummariesStream,
    SmsEngagementHistoryStream,
)

STREAMS: tuple[type[ConstantContactStream], ...] = (
    AccountSummaryStream,
    AccountEmailsStream,
    PartnerAccountsStream,
    ContactCountsStream,
    ContactListsStream,
    ContactTagsStream,
    ContactCustomFieldsStream,
    SegmentsStream,
    SegmentDetailsStream,
    EmailCampaignsStream,
    EmailCampaignStatsStream,
    EmailCampaignSummariesStream,
    EmailCampaignActivityStatsStream,
    SmsCampaignSummariesStream,
    AutomationsStream,
    EventsStream,
    BulkActivitiesStream,
    ContactsStream,
    ContactListMembershipsStream,
    ContactTaggingsStream,
    ContactCustomFieldValuesStream,
    ContactPhoneNumbersStream,
    ContactStreetAddressesStream,
    EmailCampaignActivitiesStream,
    EmailSendHistoryStream,
    EmailSchedulesStream,
    EmailNonOpenerResendsStream,
    EmailAbTestsStream,
    EmailLinksStream,
    EmailSendsStream,
    EmailOpensStream,
    EmailClicksStream,
    EmailBouncesStream,
    EmailOptoutsStream,
    EmailForwardsStream,
    EmailUniqueOpensStream,
    EmailDidNotOpensStream,
    LandingPageOpensStream,
    LandingPageUniqueOpensStream,
    LandingPageUniqueClicksStream,
    LandingPageUniqueAddsStream,
    LandingPageUniqueUpdatesStream,
    LandingPageUniqueSmsOptinsStream,
    EventTracksStream,
    EventRegistrationsStream,
    SmsEngagementHistoryStream,
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
    ContactOpenAndClickRatesStream,
)
"""The streams, in the order in which they run."""

FROM_CAMPAIGNS: Mapping[type[ConstantContactStream], type[ContactsFromParts]] = {
    stream.per_contact: stream
    for stream in (ContactActionSummaryFromCampaigns, ContactActivityDetailsFromCampaigns)
}
"""The streams that take the place of others if `report_source` is `campaigns`."""

PARENT_TYPES = (
    SEGMENTS,
    CAMPAIGNS,
    KEPT_CAMPAIGNS,
    CHANGED_CAMPAIGNS,
    LANDING_PAGES,
    EVENTS,
    CONTACTS,
    SMS_CONTACTS,
)
"""The types of parent that reports are about."""

DETAILS = (EmailCampaignDetails, EventDetails)
"""The details of parents that list their parts."""

COUNTED_BY = (EmailCampaignStatsStream,)
"""The reports that tell counts of parents, by which other streams see what is new."""

DECLARED = {
    stream.name: Declared(
        vars(stream)["schema"], vars(stream)["primary_keys"], vars(stream).get("replication_key")
    )
    for stream in STREAMS
}
"""What the streams declare of themselves, by name; contacts may have any custom fields by name."""
DECLARED[ContactsStream.name] = DECLARED[ContactsStream.name]._replace(
    schema=ContactsStream.with_fields({"type": ["object", "null"]})
)

__all__ = ["COUNTED_BY", "DECLARED", "DETAILS", "FROM_CAMPAIGNS", "PARENT_TYPES", "STREAMS"]
