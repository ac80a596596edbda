"""The sending of e-mails: when, again, as a test of subjects, and what they look like.

https://v3.developer.constantcontact.com/api_reference/#tag-Email-Scheduling,
https://v3.developer.constantcontact.com/api_reference/#tag-Email-Campaigns-AB-Tests.
"""

from __future__ import annotations

from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.targets import PerPart
from tap_constantcontact.reading.visits import All, Changed
from tap_constantcontact.streams.campaigns import (
    CAMPAIGNS,
    CHANGED_CAMPAIGNS,
    E_MAIL,
    KEPT_CAMPAIGNS,
    PRIMARY_ACTIVITIES,
    SENT_ACTIVITIES,
)
from tap_constantcontact.streams.fields import (
    instant,
    instant_key,
    integer,
    integers,
    key,
    number_key,
    schema,
    text,
    texts,
)


class ActivityReport(Report):
    """What the reports on the activities of campaigns share."""

    scope = "campaign_data"
    privilege = "campaign:read"
    requests = PerPart(SENT_ACTIVITIES)
    selected_by_default = False


class EmailSendHistoryStream(ActivityReport):
    """Each time that an e-mail was sent."""

    name = "email_send_history"
    path = "/emails/activities/{campaign_activity_id}/send_history"
    is_array = True
    primary_keys = ("campaign_activity_id", "send_id")
    row_keys = ("send_id",)
    visits = All(CAMPAIGNS)
    cost = "2 and more per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        number_key("send_id", "Number of the send among those of the activity, from 1."),
        texts("contact_list_ids", "Keys of the lists that it was sent to."),
        integers("segment_ids", "Keys of the segments that it was sent to."),
        integer("count", "Number of contacts to whom it was sent."),
        instant("run_date", "When it was sent."),
        text("send_status", "COMPLETED or ERRORED."),
        integer("reason_code", "Reason for an error; 0 for none."),
    )


class EmailSchedulesStream(ActivityReport):
    """When scheduled e-mails will be sent."""

    name = "email_schedules"
    path = "/emails/activities/{campaign_activity_id}/schedules"
    is_array = True
    primary_keys = ("campaign_activity_id", "scheduled_date")
    row_keys = ("scheduled_date",)
    visits = All(KEPT_CAMPAIGNS)
    cost = "2 and more per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as an activity of its campaign."),
        instant_key("scheduled_date", "When it will be sent."),
        text("campaign_id", "The campaign."),
    )


class EmailNonOpenerResendsStream(ActivityReport):
    """The second send of each campaign, to contacts who did not open the first one.

    A campaign has one at the most. (Contract.)
    """

    name = "email_non_opener_resends"
    path = "/emails/activities/{campaign_activity_id}/non_opener_resends"
    is_array = True
    primary_keys = ("campaign_activity_id",)
    row_keys = ()
    visits = All(KEPT_CAMPAIGNS)
    requests = PerPart(PRIMARY_ACTIVITIES)
    cost = "2 per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as the main activity of its campaign."),
        text("resend_subject", "Subject of the second send."),
        integer("delay_days", "Days from the first send to the second, if they are whole."),
        integer("delay_minutes", "Minutes from the first send to the second, if not whole days."),
        instant("resend_date", "When it was sent the second time."),
        text("resend_request_id", "Key of the second send."),
        text("resend_status", "Status of the second send."),
    )


class EmailAbTestsStream(ActivityReport):
    """The test of two subjects of a campaign, if it has one.

    The API knows nothing under the path of a campaign without a test. (Contract.)
    """

    name = "email_ab_tests"
    path = "/emails/activities/{campaign_activity_id}/abtest"
    primary_keys = ("campaign_activity_id",)
    row_keys = ()
    visits = All(KEPT_CAMPAIGNS)
    requests = PerPart(PRIMARY_ACTIVITIES)
    cost = "2 per campaign, and 1 per 500 to list them"
    schema = schema(
        key("campaign_activity_id", "The e-mail, as the main activity of its campaign."),
        text("alternative_subject", "The second subject."),
        integer("test_size", "Contacts who take part in the test, in percent."),
        integer("winner_wait_duration", "Hours until the winner is sent to the other contacts."),
    )


class EmailPreviewsStream(ActivityReport):
    """The content of each e-mail as HTML and as text; about as large as it: some 10 to 100 kB.

    An e-mail is read again if its campaign has changed.
    """

    name = "email_previews"
    path = "/emails/activities/{campaign_activity_id}/previews"
    primary_keys = ("campaign_activity_id",)
    row_keys = ()
    replication_key = "updated_at"
    visits = Changed(CHANGED_CAMPAIGNS)
    cost = "2 and more per changed campaign, and 1 per 500 to list them"
    schema = schema(
        *E_MAIL,
        text("subject", "Subject."),
        text("preheader", "Text that mailboxes show after the subject."),
        text("from_email", "Address that it is sent from."),
        text("from_name", "Name that it is sent from."),
        text("reply_to_email", "Address for replies."),
        text("preview_html_content", "The e-mail as HTML."),
        text("preview_text_content", "The e-mail as plain text."),
    )
