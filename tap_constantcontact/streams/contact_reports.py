"""Reports on contacts: what each one did with the account's e-mails and landing pages.

https://v3.developer.constantcontact.com/api_reference/#tag-Contacts-Reporting.

Assumptions: `event-fields-are-known`, `deleted-contacts-have-reports`,
`unknown-contacts-are-not-found`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pendulum import DateTime
from typing_extensions import override

from tap_constantcontact.config.dates import report_date_parameter
from tap_constantcontact.config.windows import ReportDateSettings, Window
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import Events
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.streams.fields import instant, integer, key, number, schema, text


def _between(start: DateTime, end: DateTime) -> dict[str, str]:
    """Return the parameters that select e-mails by when they were sent."""
    return {"start": report_date_parameter(start), "end": report_date_parameter(end)}


class ContactActionSummaryStream(Report):
    """One row for each e-mail that a contact was sent.

    The counts of a row keep growing after the e-mail went out.
    """

    name = "contact_action_summary"
    path = "/reports/contact_reports/{contact_id}/activity_summary"
    records_key = "campaign_activities"
    privilege = "ui:campaign:metrics"
    primary_keys = ("contact_id", "campaign_activity_id")
    row_keys = ("campaign_activity_id",)
    replication_key = "start_on"
    visits = All(CONTACTS)
    lookback_days = 30
    date_settings = ReportDateSettings
    cost = "1 per contact, and 1 more per 200 e-mails"
    schema = schema(
        key("contact_id", "The contact to whom the e-mail was sent."),
        key("campaign_activity_id", "The e-mail, as one activity of its campaign."),
        instant("start_on", "When it was last sent to the contact."),
        integer("em_sends", "Times it was sent."),
        integer("em_opens", "Times it was opened."),
        integer("em_clicks", "Clicks on its links."),
        integer("em_bounces", "Times it bounced."),
        integer("em_forwards", "Times it was forwarded."),
        integer("em_unsubscribes", "Times the contact unsubscribed from it."),
    )

    @override
    def parameters(self, window: Window) -> dict[str, Any]:
        """Select the e-mails sent in a window, with one more second before and after it.

        Whether the API's bounds are inclusive is not documented.

        Assumption: `summary-takes-a-second-more`.
        """
        return _between(window.start.subtract(seconds=1), window.end.add(seconds=1))


class ContactActivityDetailsStream(Report):
    """One row for each event: a send, an open, a click, a bounce and so on."""

    name = "contact_activity_details"
    path = "/reports/contact_reports/{contact_id}/activity_details"
    records_key = "tracking_activities"
    privilege = "ui:campaign:metrics"
    primary_keys = ("activity_id",)
    row_keys = ()
    rows = Events()
    replication_key = "created_time"
    visits = All(CONTACTS)
    page_size = 100
    lookback_days = 1
    date_settings = ReportDateSettings
    filters = ("tracking_activity_types",)
    cost = "1 per contact, and 1 more per 100 events"
    schema = schema(
        key("activity_id", "Key of the event, made by the tap: the same in every run."),
        text("contact_id", "The contact of the event."),
        text("campaign_activity_id", "The e-mail or landing page, as an activity of its campaign."),
        text("campaign_activity_name", "Name of the e-mail or landing page."),
        text("tracking_activity_type", "Type of the event, such as em_opens."),
        instant("created_time", "When the event happened."),
        text("device_type", "Type of device; opens and clicks only."),
        text("url_id", "Key of the link; clicks only."),
        text("link_url", "Address of the link; clicks only."),
        text("bounce_code", "Reason for the bounce, as one letter; bounces only."),
        text("opt_out_reason", "Reason for the opt-out, in the contact's words; opt-outs only."),
    )

    @override
    def parameters(self, window: Window) -> Mapping[str, Any]:
        types = self.config["tracking_activity_types"]
        return {"tracking_activities_list": ",".join(types), **super().parameters(window)}


class ContactOpenAndClickRatesStream(Report):
    """How often each contact opened, and clicked in, the e-mails of the last five years.

    The API allows five years at the most. (Contract.) A day less is requested, because it is not
    documented how it counts leap days.
    """

    name = "contact_open_and_click_rates"
    path = "/reports/contact_reports/{contact_id}/open_and_click_rates"
    privilege = "ui:campaign:metrics"
    primary_keys = ("contact_id",)
    visits = All(CONTACTS)
    cost = "1 per contact, and 1 per 500 to list them"
    selected_by_default = False
    schema = schema(
        key("contact_id", "The contact."),
        integer("included_activities_count", "Number of e-mails that were sent to the contact."),
        number("average_open_rate", "Share of them that the contact opened, from 0 to 1."),
        number("average_click_rate", "Share of them in which the contact clicked, from 0 to 1."),
    )

    @override
    def parameters(self, window: Window) -> Mapping[str, Any]:
        end = self.run.began
        return _between(end.subtract(years=5).add(days=1), end)
