"""The streams. `STREAMS` is their only registry; cheap streams run first."""

from collections.abc import Mapping

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.selection import Declared
from tap_constantcontact.streams.account import AccountEmailsStream, AccountSummaryStream
from tap_constantcontact.streams.audience import (
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
    EmailAbTestsStream,
    EmailCampaignActivitiesStream,
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
from tap_constantcontact.streams.contacts import ContactCountsStream, ContactsStream
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
    EventRegistrationsStream,
    EventsStream,
    EventTracksStream,
)
from tap_constantcontact.streams.landing_pages import (
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
    ReportFromCampaigns,
)
from tap_constantcontact.streams.sms import (
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

FROM_CAMPAIGNS: Mapping[type[ConstantContactStream], type[ReportFromCampaigns]] = {
    stream.per_contact: stream
    for stream in (ContactActionSummaryFromCampaigns, ContactActivityDetailsFromCampaigns)
}
"""The streams that take the place of others if `report_source` is `campaigns`."""

DECLARED = {
    stream.name: Declared(stream.schema, stream.primary_keys, stream.replication_key)
    for stream in STREAMS
}
"""What the streams declare of themselves, by name; contacts may have any custom fields by name."""
DECLARED[ContactsStream.name] = DECLARED[ContactsStream.name]._replace(
    schema=ContactsStream.with_fields({"type": ["object", "null"]})
)

__all__ = ["DECLARED", "FROM_CAMPAIGNS", "STREAMS"]
