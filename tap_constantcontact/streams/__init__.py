"""The streams. `STREAMS` is their only registry; cheap streams run first.

A stream is a class that inherits from a way of reading and declares:

What are its records?
    name, primary_keys, replication_key, schema, selected_by_default: As in the SDK.
    bookmark_name: Name of its bookmark in the state, if it is not the stream's.

Where are they in a response?
    path: With the names of ids in braces.
    records_key: The property that holds the list of rows.
    row_key: The property that holds the only row.
    is_array: Whether the response is an array of rows; without any of the three, it is a row.

What is in a row of the API?
    row_keys: Names of the primary keys in it; all of them by default.
    row_schema: Its schema, if the records have another.
    left_out: Paths of fields that are left out on purpose, such as `email_address.ip`; all others
        that are not in the schema are told in a warning.

Who may read it, and what does it cost?
    scope: The OAuth scope that the endpoint requires; None if only a partner's token can read it.
    privilege: The user's privilege that it requires, if any.
    cost: The number of requests, as a formula for people, such as "1 per 500 tags".

How is it read? The docstring of each way of reading has the questions of its own: `Collection` is a
paged list, `SingleResponse` is one request, `Report` a request or more for each parent,
`BatchedReport` one for some parents, and `RowsWithin` are rows within those of a collection.
"""

from collections.abc import Mapping

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.selection import Declared
from tap_constantcontact.streams import (
    account,
    audience,
    automations,
    bulk_activities,
    campaign_reports,
    campaigns,
    contact_parts,
    contact_reports,
    contacts,
    email_events,
    email_sending,
    events,
    landing_pages,
    partner,
    sms,
)
from tap_constantcontact.streams.reports_from_campaigns import (
    ContactActivityDetailsFromCampaigns,
    ReportFromCampaigns,
)
from tap_constantcontact.streams.summary_from_campaigns import ContactActionSummaryFromCampaigns

STREAMS: tuple[type[ConstantContactStream], ...] = (
    account.AccountSummaryStream,
    account.AccountEmailsStream,
    partner.PartnerAccountsStream,
    contacts.ContactCountsStream,
    audience.ContactListsStream,
    audience.ContactTagsStream,
    audience.ContactCustomFieldsStream,
    audience.SegmentsStream,
    audience.SegmentDetailsStream,
    campaigns.EmailCampaignsStream,
    campaign_reports.EmailCampaignStatsStream,
    campaign_reports.EmailCampaignSummariesStream,
    campaign_reports.EmailCampaignActivityStatsStream,
    sms.SmsCampaignSummariesStream,
    automations.AutomationsStream,
    events.EventsStream,
    bulk_activities.BulkActivitiesStream,
    contacts.ContactsStream,
    contact_parts.ContactListMembershipsStream,
    contact_parts.ContactTaggingsStream,
    contact_parts.ContactCustomFieldValuesStream,
    contact_parts.ContactPhoneNumbersStream,
    contact_parts.ContactStreetAddressesStream,
    contact_parts.ContactNotesStream,
    contact_parts.ContactSmsConsentsStream,
    campaigns.EmailCampaignActivitiesStream,
    campaigns.EmailCampaignActivityListsStream,
    campaigns.EmailCampaignActivitySegmentsStream,
    email_sending.EmailSendHistoryStream,
    email_sending.EmailSchedulesStream,
    email_sending.EmailNonOpenerResendsStream,
    email_sending.EmailAbTestsStream,
    email_sending.EmailPreviewsStream,
    campaign_reports.EmailLinksStream,
    email_events.EmailSendsStream,
    email_events.EmailOpensStream,
    email_events.EmailClicksStream,
    email_events.EmailBouncesStream,
    email_events.EmailOptoutsStream,
    email_events.EmailForwardsStream,
    email_events.EmailUniqueOpensStream,
    email_events.EmailDidNotOpensStream,
    landing_pages.LandingPageOpensStream,
    landing_pages.LandingPageUniqueOpensStream,
    landing_pages.LandingPageUniqueClicksStream,
    landing_pages.LandingPageUniqueAddsStream,
    landing_pages.LandingPageUniqueUpdatesStream,
    landing_pages.LandingPageUniqueSmsOptinsStream,
    events.EventTracksStream,
    events.EventRegistrationsStream,
    sms.SmsEngagementHistoryStream,
    contact_reports.ContactActionSummaryStream,
    contact_reports.ContactActivityDetailsStream,
    contact_reports.ContactOpenAndClickRatesStream,
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
DECLARED[contacts.ContactsStream.name] = DECLARED[contacts.ContactsStream.name]._replace(
    schema=contacts.ContactsStream.with_fields({"type": ["object", "null"]})
)

__all__ = ["DECLARED", "FROM_CAMPAIGNS", "STREAMS"]
