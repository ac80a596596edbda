"""Events that people can register for, such as fairs and classes.

https://v3.developer.constantcontact.com/api_reference/#tag-Events.

The lists have no next link, but `next_cursor`, for the parameter `next`. An event has one track, in
its details. (Contract.)
"""

from __future__ import annotations

from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.parts import Details, PartType
from tap_constantcontact.reading.query import Creation, Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.targets import PerPart
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.fields import (
    flag,
    instant,
    integer,
    key,
    number,
    schema,
    structure,
    structures,
    text,
)

ADDRESS = (
    text("address_type", "Type of the address: EVENT."),
    text("location_name", "Name of the place."),
    text("line1", "First line of the address."),
    text("line2", "Second line of the address."),
    text("city", "City."),
    text("state", "State or province."),
    text("state_code", "State or province, as a code."),
    text("postal_code", "Postal code."),
    text("country", "Country."),
    text("country_code", "Country, in two letters."),
    number("latitude", "Latitude in degrees."),
    number("longitude", "Longitude in degrees."),
    instant("create_time", "When the address was added."),
    instant("last_update_time", "When the address last changed."),
)
STATUS_LABEL = (
    text("label", "The status, as people see it."),
    text("label_key", "Key of the status for translations."),
)
MEDIA_ASSET = (
    text("media_type", "Type of the image."),
    text("internal_id", "Key of the image within the account."),
    text("external_id", "Key of the image on another website."),
    text("external_url", "Address of the image."),
    instant("create_time", "When the image was added."),
    instant("last_update_time", "When the image last changed."),
)
ATTRIBUTE = (
    text("attribute_id", "Key of the attribute."),
    text("name", "Name of the attribute, such as a size."),
    integer("display_order", "Position among the attributes."),
    integer("quantity_total", "Number of pieces."),
    integer("quantity_remaining", "Number of pieces that are left."),
    integer("quantity_sold", "Number of pieces that were sold."),
    flag("paused_flag", "Whether the sale is paused."),
    structures("status_labels", "Status, as people see it.", *STATUS_LABEL),
    instant("create_time", "When the attribute was added."),
    instant("last_update_time", "When the attribute last changed."),
    instant("deleted_time", "When the attribute was deleted."),
)
ITEM = (
    text("item_id", "Key of the item."),
    text("name", "Name of the item."),
    text("description", "Description of the item."),
    integer("display_order", "Position among the items."),
    number("price", "Price of one piece."),
    integer("quantity_total", "Number of pieces."),
    integer("quantity_remaining", "Number of pieces that are left."),
    integer("quantity_sold", "Number of pieces that were sold."),
    integer("limit_per_order", "Maximum number of pieces in an order."),
    flag("show_remaining_flag", "Whether customers see how many are left."),
    flag("paused_flag", "Whether the sale is paused."),
    flag("deletable_flag", "Whether the item can be deleted."),
    flag("hidden_flag", "Whether customers do not see the item."),
    flag("time_limit_flag", "Whether the item is only sold for a time."),
    instant("start_time", "When the sale begins."),
    instant("end_time", "When the sale ends."),
    text("media_internal_id", "Key of the item's image within the account."),
    text("media_url", "Address of the item's image."),
    structures("status_labels", "Status, as people see it.", *STATUS_LABEL),
    structures("attributes", "Attributes of the item, such as sizes.", *ATTRIBUTE),
    instant("create_time", "When the item was added."),
    instant("last_update_time", "When the item last changed."),
    instant("deleted_time", "When the item was deleted."),
)
PROMO_ITEM = (
    text("item_id", "Key of the item."),
    text("name", "Name of the item."),
    flag("associated", "Whether the code is for the item."),
    flag("display_item_on_promo_redemption", "Whether only the code shows the item."),
    flag("hidden_flag", "Whether customers do not see the item."),
)
PROMO_TICKET = (
    text("ticket_id", "Key of the ticket."),
    text("name", "Name of the ticket."),
    text("ticket_type", "Type of the ticket, such as PAID."),
    flag("associated", "Whether the code is for the ticket."),
    flag("display_ticket_on_promo_redemption", "Whether only the code shows the ticket."),
    flag("hidden_flag", "Whether customers do not see the ticket."),
)
PROMO_CODE = (
    text("id", "Key of the code."),
    text("name", "The code itself."),
    text("description", "Description of the code."),
    text("discount_code_type", "Type of the discount, such as PERCENT."),
    text("discount_code_scope", "What the discount is for, such as ORDER_TOTAL."),
    number("discount_amount", "The discount as an amount."),
    integer("discount_percent", "The discount in percent."),
    text("status", "Status of the code."),
    integer("quantity_total", "How often the code can be used."),
    integer("quantity_available", "How often the code can still be used."),
    integer("quantity_used", "How often the code was used."),
    flag("paused_flag", "Whether the code is paused."),
    flag("time_limit_flag", "Whether the code is only valid for a time."),
    instant("start_time", "When the code becomes valid."),
    instant("end_time", "When the code ceases to be valid."),
    instant("deleted_time", "When the code was deleted."),
    structures("status_labels", "Status, as people see it.", *STATUS_LABEL),
    structures("items", "Items that the code is for.", *PROMO_ITEM),
    structures("tickets", "Tickets that the code is for.", *PROMO_TICKET),
)


class EventsStream(Collection):
    """Events, including drafts and deleted ones."""

    name = "events"
    path = "/events"
    records_key = "records"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("event_id",)
    page_size = 100
    creation = Creation("create_time")
    cost = "1 per 100 events"
    all_queries = (Query(takes_dates=False, has_total=False, is_short=True),)
    schema = schema(
        key("event_id", "Key of the event."),
        text("name", "Name of the event, for the account's users."),
        text("title", "Title of the event, for guests."),
        text("description", "Description of the event."),
        text("status", "ACTIVE, DRAFT, COMPLETE, DELETED, CANCELLED or ERROR."),
        text("event_type", "Kind of event."),
        text("location_type", "Where the event takes place, such as PHYSICAL or VIRTUAL."),
        instant("start_time", "When the event begins."),
        instant("end_time", "When the event ends."),
        text("time_zone_type", "Time zone of the event, abbreviated."),
        text("registration_url", "Where guests register."),
        structure("address", "Where the event takes place.", *ADDRESS),
        structure(
            "event_registration_summary_metrics",
            "Counts.",
            integer("registration_count", "Number of registrations."),
            integer("ticket_sold", "Number of tickets that were sold."),
            integer("item_sold", "Number of items that were sold."),
        ),
        instant("create_time", "When the event was made."),
    )


EVENTS = ParentType(stream=EventsStream, key="event_id")


class EventDetails(Details):
    """The track of an event."""

    name = "event_details"
    path = "/events/{event_id}"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("event_id",)
    parents = EVENTS
    schema = schema(
        key("event_id", "Key of the event."),
        structure("default_track", "The track.", text("track_id", "Key of the track.")),
    )


TRACKS = PartType(EventDetails, listed_in="default_track", key="track_id")
"""The tracks of events: one each."""


class EventTracksStream(Report):
    """How guests register for each event: tickets, items to buy, codes for a discount."""

    name = "event_tracks"
    path = "/events/{event_id}"
    row_key = "default_track"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("event_id", "track_id")
    row_keys = ("track_id",)
    visits = All(EVENTS)
    cost = "1 per event, and 1 per 100 to list them"
    selected_by_default = False
    schema = schema(
        key("event_id", "The event."),
        key("track_id", "Key of the track."),
        text("campaign_activity_id", "The form for registrations, as an activity."),
        text("conf_email_campaign_activity_id", "The e-mail to guests, as an activity."),
        text("registration_type", "How guests register, such as TICKET."),
        flag("reg_manually_closed_flag", "Whether registration was closed by hand."),
        instant("registration_end_time", "When registration ends."),
        flag("restrict_to_single_ticket_flag", "Whether a guest can only have one ticket."),
        integer("overall_ticket_capacity", "Number of tickets."),
        text("platform_fee_scope_type", "Who pays the fee of the platform."),
        text("tickets_header", "Heading above the tickets."),
        text("items_header", "Heading above the items."),
        structures("items", "Items that guests can buy.", *ITEM),
        structures("promo_codes", "Codes for a discount.", *PROMO_CODE),
        structures("media_assets", "Images.", *MEDIA_ASSET),
        instant("create_time", "When the track was made."),
        instant("last_update_time", "When the track last changed."),
    )


class EventRegistrationsStream(Report):
    """Registrations for each event."""

    name = "event_registrations"
    path = "/events/{event_id}/tracks/{track_id}/registrations"
    records_key = "records"
    scope = "campaign_data"
    privilege = "campaign:read"
    primary_keys = ("registration_id",)
    visits = All(EVENTS)
    requests = PerPart(TRACKS)
    cost = "2 per event, 1 more per 50 registrations, and 1 per 100 events to list them"
    selected_by_default = False
    schema = schema(
        key("registration_id", "Key of the registration."),
        text("event_id", "The event."),
        text("track_id", "The event's track."),
        text("registration_status", "Status of the registration, such as REGISTERED."),
        instant("registration_time", "When the guest registered."),
        text("first_name", "First name of the guest."),
        text("last_name", "Last name of the guest."),
        text("email_address", "E-mail address of the guest."),
        flag("new_contact", "Whether the registration added a contact."),
        text("payment_status", "Status of the payment, such as PAID."),
        number("total", "Amount that was paid."),
        integer("tickets", "Number of tickets."),
        integer("eligible_checkin_tickets", "Number of tickets that can be checked in."),
        integer("checkedIn_tickets", "Number of tickets that were checked in."),
        text("checkin_status", "Whether the guest was checked in."),
        text("track_key", "A text by which the API tells the registration apart."),
    )
