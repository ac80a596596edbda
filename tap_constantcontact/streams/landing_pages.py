"""Reports on landing pages: who saw them, and what contacts did there.

https://v3.developer.constantcontact.com/api_reference/#tag-Landing-Pages-Reporting.

No endpoint lists the landing pages. The reports write `p_contact_opens` for the type of an event
that is `p_contact_open` in the contact reports, and so on. The records have the contact reports'
types, except for `p_contact_sms_optins`, which these do not have. (Contract.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import Events, Keyed
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.fields import Field, instant, key, schema, structure, text

LANDING_PAGES = ParentType(
    key="campaign_activity_id",
    filters=("landing_page_activity_ids",),
    given_by="landing_page_activity_ids",
)
"""The landing pages that the user names."""

PAGE_DETAILS = "/reports/landing_pages/campaign_details/{campaign_activity_id}"
DEVICE = text("device_type", "Type of device.")


def fields(*further: Field) -> tuple[Field, ...]:
    """Return the fields of every report without its keys, with some further ones."""
    return (
        text("tracking_activity_type", "Type of the event, such as p_contact_open."),
        instant("created_time", "When the event happened."),
        *further,
        text("email_address", "E-mail address of the contact."),
        text("first_name", "First name of the contact."),
        text("last_name", "Last name of the contact."),
        instant("deleted_at", "When the contact was deleted."),
        structure(
            "sms_channel",
            "Number of the contact for text messages.",
            text("country_code", "Country of the number, in two letters."),
            text("state", "Permission to send text messages, as one letter."),
            text("formatted_international", "The number as it is dialed from other countries."),
            text("formatted_national", "The number as it is dialed within its country."),
        ),
    )


def of_contacts(*further: Field) -> dict[str, Any]:
    """Return the schema of a report with a row per contact, with these fields."""
    return schema(
        key("campaign_activity_id", "The landing page, as an activity."),
        key("contact_id", "The contact."),
        *fields(*further),
    )


class LandingPageReport(Report):
    """What the reports on landing pages share."""

    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    primary_keys: Sequence[str] = ("campaign_activity_id", "contact_id")
    row_keys: Sequence[str] = ("contact_id",)
    page_size = 500
    visits = All(LANDING_PAGES)
    cost = "1 per landing page, and 1 more per 500 contacts"
    selected_by_default = False


class LandingPageOpensStream(LandingPageReport):
    """Opens of landing pages by contacts."""

    name = "landing_page_opens"
    path = f"{PAGE_DETAILS}/p_contact_opens"
    primary_keys = ("activity_id",)
    row_keys = ()
    replication_key = "created_time"
    lookback_days = 1
    rows = Events("p_contact_open")
    cost = "1 per landing page, and 1 more per 500 events"
    schema = schema(
        key("activity_id", "Key of the event: the same as in contact_activity_details."),
        text("campaign_activity_id", "The landing page, as an activity."),
        text("contact_id", "The contact of the event."),
        *fields(DEVICE),
    )


class LandingPageUniqueOpensStream(LandingPageReport):
    """The last open of each landing page by each contact."""

    name = "landing_page_unique_opens"
    path = f"{PAGE_DETAILS}/p_unique_contact_opens"
    rows = Keyed("p_contact_open")
    schema = of_contacts(DEVICE)


class LandingPageUniqueClicksStream(LandingPageReport):
    """The last click of each contact on each link of a landing page."""

    name = "landing_page_unique_clicks"
    path = f"{PAGE_DETAILS}/p_unique_contact_clicks"
    primary_keys = ("campaign_activity_id", "contact_id", "url_id")
    row_keys = ("contact_id", "url_id")
    rows = Keyed("p_contact_click")
    cost = "1 per landing page, and 1 more per 500 contacts and links"
    schema = of_contacts(
        key("url_id", "Key of the link."),
        text("link_url", "Address of the link."),
        DEVICE,
    )


class LandingPageUniqueAddsStream(LandingPageReport):
    """The contacts that each landing page added."""

    name = "landing_page_unique_adds"
    path = f"{PAGE_DETAILS}/p_unique_contact_adds"
    rows = Keyed("p_contact_add")
    schema = of_contacts()


class LandingPageUniqueUpdatesStream(LandingPageReport):
    """The contacts who updated their data on each landing page, with their last update."""

    name = "landing_page_unique_updates"
    path = f"{PAGE_DETAILS}/p_unique_contact_updates"
    rows = Keyed("p_contact_update")
    schema = of_contacts()


class LandingPageUniqueSmsOptinsStream(LandingPageReport):
    """The contacts who agreed to text messages on each landing page."""

    name = "landing_page_unique_sms_optins"
    path = f"{PAGE_DETAILS}/p_unique_contact_sms_optins"
    schema = of_contacts()
