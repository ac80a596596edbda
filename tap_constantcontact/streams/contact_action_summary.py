"""What each contact did with each e-mail: counts."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.sweep import ContactReportStream
from tap_constantcontact.windows import Window


def _count(name: str, description: str) -> th.Property[int]:
    return th.Property(name, th.IntegerType, description=description)


class ContactActionSummaryStream(ContactReportStream):
    """One row for each e-mail that a contact was sent.

    The counts of a row keep growing after the e-mail went out.
    """

    name = "contact_action_summary"
    path = "/reports/contact_reports/{contact_id}/activity_summary"
    records_key = "campaign_activities"
    privilege = "ui:campaign:metrics"
    primary_keys = ("contact_id", "campaign_activity_id")
    replication_key = "start_on"
    row_keys = ("campaign_activity_id",)
    default_lookback_days = 30
    schema = th.PropertiesList(
        th.Property("contact_id", th.StringType, required=True, description="Who was sent it."),
        th.Property(
            "campaign_activity_id",
            th.StringType,
            required=True,
            description="The e-mail, as one activity of its campaign.",
        ),
        th.Property(
            "start_on", th.DateTimeType, description="When it was last sent to the contact."
        ),
        _count("em_sends", "Times it was sent."),
        _count("em_opens", "Times it was opened."),
        _count("em_clicks", "Clicks on its links."),
        _count("em_bounces", "Times it bounced."),
        _count("em_forwards", "Times it was forwarded."),
        _count("em_unsubscribes", "Times the contact unsubscribed from it."),
    ).to_dict()

    def parameters(self, window: Window) -> dict[str, Any]:
        """Ask for the e-mails sent in a window and a second around it.

        Whether the API counts the bounds in is not documented. The form of a date-time is that of
        the contract's example: whole seconds, and an offset without a colon.
        """
        form = "YYYY-MM-DDTHH:mm:ssZZ"
        return {
            "start": window.start.subtract(seconds=1).format(form),
            "end": window.end.add(seconds=1).format(form),
        }
