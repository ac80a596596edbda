"""Contact lists, tags, custom fields and segments.

https://v3.developer.constantcontact.com/api_reference/#tag-Contact-Lists and the sections after it.
"""

from __future__ import annotations

from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.query import Query
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams.fields import (
    flag,
    instant,
    integer,
    key,
    number_key,
    schema,
    structure,
    structures,
    text,
)


class ContactListsStream(Collection):
    """Contact lists for e-mail and for SMS, including deleted ones.

    Without `channel_type`, the API returns only lists for e-mail. The contract's text allows 500
    rows a page, its schema 1000. (Contract.)

    Assumptions: `pages-of-lists`, `sms-lists-without-sms`.
    """

    name = "contact_lists"
    path = "/contact_lists"
    records_key = "lists"
    privilege = "contacts:lists:read"
    primary_keys = ("list_id",)
    cost = "2, and 1 more per 500 lists"
    all_queries = (
        Query(
            {"status": "all", "include_membership_count": "all"}, labels={"channel_type": "email"}
        ),
        Query(
            {
                "status": "all",
                "include_membership_count": "all",
                "channel_type": "sms",
                "include_sms_membership_count": "true",
            },
            labels={"channel_type": "sms"},
        ),
    )
    schema = schema(
        key("list_id", "Key of the list."),
        text("name", "Name of the list."),
        text("description", "Description of the list."),
        flag("favorite", "Whether the list is marked as a favorite."),
        instant("created_at", "When the list was made."),
        instant("updated_at", "When the list last changed."),
        instant("deleted_at", "When the list was deleted."),
        integer("membership_count", "Number of contacts on the list, mailable or not."),
        text("channel_type", "Channel of the list: email or sms."),
    )


class ContactTagsStream(Collection):
    """Tags, each with its number of contacts.

    `include_count` adds that number to each tag; it does not add a total of the tags. (Contract.)

    Assumption: `pages-of-tags`.
    """

    name = "contact_tags"
    path = "/contact_tags"
    records_key = "tags"
    privilege = "contacts:read"
    primary_keys = ("tag_id",)
    cost = "1 per 500 tags"
    all_queries = (Query({"include_count": "true"}, has_total=False, is_short=True),)
    schema = schema(
        key("tag_id", "Key of the tag."),
        text("name", "Name of the tag."),
        integer("contacts_count", "Number of contacts with the tag."),
        text("tag_source", "How contacts get the tag."),
        instant("created_at", "When the tag was made."),
        instant("updated_at", "When the tag last changed."),
    )


class ContactCustomFieldsStream(Collection):
    """Definitions of the custom fields, with the choices of select fields."""

    name = "contact_custom_fields"
    path = "/contact_custom_fields"
    records_key = "custom_fields"
    privilege = "contacts:read"
    primary_keys = ("custom_field_id",)
    page_size = 100
    cost = "1 per 100 fields"
    all_queries = (Query(has_total=False, is_short=True),)
    schema = schema(
        key("custom_field_id", "Key of the field."),
        text("label", "Label of the field, as people see it."),
        text("name", "Name of the field: its label with underscores in place of spaces."),
        text("type", "One of nine: string, text_area, number, currency, date and so on."),
        integer("version", "Version of a field of the type datetime."),
        structure(
            "metadata",
            "How values are displayed and validated.",
            text("display_type", "How choices are displayed."),
            flag("allow_negative", "Whether a number may be negative."),
            integer("decimal_places", "Number of decimal places."),
            text("currency_code", "Currency, in three letters."),
            flag("integer", "Whether a number must be whole."),
            text("display_format", "How a date is displayed."),
        ),
        structures(
            "choices",
            "The choices of a select field.",
            text("custom_field_id", "Key of the field."),
            integer("choice_id", "Key of the choice."),
            text("choice_label", "Label of the choice, as people see it."),
            integer("display_order", "Position among the choices."),
            instant("created_at", "When the choice was made."),
            instant("updated_at", "When the choice last changed."),
            instant("deleted_at", "When the choice was deleted."),
        ),
        instant("created_at", "When the field was made."),
        instant("updated_at", "When the field last changed."),
    )


SEGMENT = (
    number_key("segment_id", "Key of the segment."),
    text("name", "Name of the segment."),
    instant("created_at", "When the segment was made."),
    instant("edited_at", "When its name or criteria last changed."),
)


class SegmentsStream(Collection):
    """Segments, without their criteria, which are only in `segment_details`."""

    name = "segments"
    path = "/segments"
    records_key = "segments"
    privilege = "contacts:lists:read"
    primary_keys = ("segment_id",)
    page_size = 1000
    cost = "1 per 1,000 segments"
    all_queries = (Query(has_total=False, is_short=True),)
    schema = schema(*SEGMENT)


SEGMENTS = ParentType(stream=SegmentsStream, key="segment_id")


class SegmentDetailsStream(Report):
    """Segments with their criteria."""

    name = "segment_details"
    path = "/segments/{segment_id}"
    privilege = "contacts:lists:read"
    primary_keys = ("segment_id",)
    visits = All(SEGMENTS)
    cost = "1 per segment"
    selected_by_default = False
    schema = schema(
        *SEGMENT,
        text("segment_criteria", "Which contacts belong to the segment, as a text of JSON."),
    )
