"""Contact lists, tags, custom fields and segments.

https://v3.developer.constantcontact.com/api_reference/#tag-Contact-Lists and what follows.
"""

from __future__ import annotations

from tap_constantcontact.shapes.collection import Collection
from tap_constantcontact.shapes.parents import ParentType
from tap_constantcontact.shapes.queries import Query
from tap_constantcontact.shapes.requests_per_parent import RequestsPerParent
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
    """Contact lists for e-mail and for SMS, deleted ones too.

    Without `channel_type` the API gives lists for e-mail alone. Its text allows 500 rows a page,
    its schema 1000. (Contract.)
    """

    name = "contact_lists"
    path = "/contact_lists"
    records_key = "lists"
    privilege = "contacts:lists:read"
    primary_keys = ("list_id",)
    cost = "2, and 1 more per 500 lists"
    all_queries = (
        Query(
            {"status": "all", "include_membership_count": "all"},
            labels={"channel_type": "email"},
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
        text("name", "What the account calls the list."),
        text("description", "What the list is for."),
        flag("favorite", "Marked as a favourite."),
        instant("created_at", "When the list was made."),
        instant("updated_at", "When the list last changed."),
        instant("deleted_at", "When the list was deleted."),
        integer("membership_count", "Number of contacts on the list, mailable or not."),
        text("channel_type", "Whether it is for email or sms."),
    )


class ContactTagsStream(Collection):
    """Tags, with the number of contacts that have them.

    `include_count` adds that number to each tag, and not the number of tags. (Contract.)
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
    """Definitions of the custom fields, with the choices of those that have some."""

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
        text("label", "What people see."),
        text("name", "Name of the field: its label with underscores for blanks."),
        text("type", "One of nine: string, text_area, number, currency, date and so on."),
        integer("version", "Version of a field of the type datetime."),
        structure(
            "metadata",
            "How values are shown and checked.",
            text("display_type", "How choices are shown."),
            flag("allow_negative", "Whether a number may be negative."),
            integer("decimal_places", "Number of decimal places."),
            text("currency_code", "Currency, in three letters."),
            flag("integer", "Whether a number must be whole."),
            text("display_format", "How a date is shown."),
        ),
        structures(
            "choices",
            "What can be chosen in a select field.",
            text("custom_field_id", "Key of the field."),
            integer("choice_id", "Key of the choice."),
            text("choice_label", "What people see."),
            integer("display_order", "Place among the choices."),
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
    """Segments, without their criteria, which the list does not have."""

    name = "segments"
    path = "/segments"
    records_key = "segments"
    privilege = "contacts:lists:read"
    primary_keys = ("segment_id",)
    page_size = 1000
    cost = "1 per 1,000 segments"
    all_queries = (Query(has_total=False, is_short=True),)
    schema = schema(*SEGMENT)


SEGMENTS = ParentType(stream="segments", key="segment_id")


class SegmentDetailsStream(RequestsPerParent):
    """Segments with their criteria."""

    name = "segment_details"
    path = "/segments/{segment_id}"
    privilege = "contacts:lists:read"
    primary_keys = ("segment_id",)
    parents = SEGMENTS
    cost = "1 per segment"
    selected_by_default = False
    schema = schema(
        *SEGMENT,
        text("segment_criteria", "Which contacts belong to the segment, as JSON in a text."),
    )
