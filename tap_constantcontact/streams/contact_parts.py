"""What contacts have several of, each as a table of its own.

The rows come with the contacts: https://v3.developer.constantcontact.com/api_reference/#tag-Contacts.

Each row has the contact's `updated_at`. A row that is removed at the source stays in a target, but
the contact's own `updated_at` is then later: rows of which `contact_updated_at` is less are gone.
That a removal moves the contact's `updated_at` is not documented; a full read of the contacts shows
it in any case, as rows that it brings again can be told by the time of their load.

A deleted contact has no memberships, and has a `deleted_at` of its own.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.reading.query import Record
from tap_constantcontact.streams.contacts import PHONE_NUMBER, STREET_ADDRESS
from tap_constantcontact.streams.fields import instant, key, schema, text

HOLDER_KEYS = {"contact_id": "contact_id", "contact_updated_at": "updated_at"}
HOLDER = (
    key("contact_id", "Key of the contact."),
    instant("contact_updated_at", "When the contact last changed; an unsubscribe does not count."),
)
COST = "none, if `contacts` is selected; otherwise those of `contacts`, once for all such streams"


class ContactListMembershipsStream(RowsWithin):
    """Memberships of contacts in lists."""

    name = "contact_list_memberships"
    path = "/contacts"
    part = "list_memberships"
    holder_keys: ClassVar = HOLDER_KEYS
    privilege = "contacts:read"
    primary_keys = ("contact_id", "list_id")
    replication_key = "contact_updated_at"
    cost = COST
    schema = schema(*HOLDER, key("list_id", "Key of a list that the contact is on."))


class ContactTaggingsStream(RowsWithin):
    """Tags of contacts."""

    name = "contact_taggings"
    path = "/contacts"
    part = "taggings"
    holder_keys: ClassVar = HOLDER_KEYS
    privilege = "contacts:read"
    primary_keys = ("contact_id", "tag_id")
    replication_key = "contact_updated_at"
    cost = COST
    schema = schema(*HOLDER, key("tag_id", "Key of a tag of the contact."))


class ContactCustomFieldValuesStream(RowsWithin):
    """Values of contacts' custom fields."""

    name = "contact_custom_field_values"
    path = "/contacts"
    part = "custom_fields"
    holder_keys: ClassVar = HOLDER_KEYS
    privilege = "contacts:read"
    primary_keys = ("contact_id", "custom_field_id")
    replication_key = "contact_updated_at"
    cost = COST
    schema = schema(
        *HOLDER,
        key("custom_field_id", "Key of the custom field."),
        text("value", "Value of the field for the contact."),
        text("choice_ids", "Keys of the choices made in a select field, separated by commas."),
    )

    @override
    def flat(self, row: Record) -> Record:
        if "choice_ids" not in row:
            return row
        return {**row, "choice_ids": ",".join(filter(None, row["choice_ids"] or ())) or None}


class ContactPhoneNumbersStream(RowsWithin):
    """Phone numbers of contacts."""

    name = "contact_phone_numbers"
    path = "/contacts"
    part = "phone_numbers"
    holder_keys: ClassVar = HOLDER_KEYS
    privilege = "contacts:read"
    primary_keys = ("contact_id", "phone_number_id")
    replication_key = "contact_updated_at"
    cost = COST
    schema = schema(*HOLDER, key("phone_number_id", "Key of the number."), *PHONE_NUMBER[1:])


class ContactStreetAddressesStream(RowsWithin):
    """Street addresses of contacts."""

    name = "contact_street_addresses"
    path = "/contacts"
    part = "street_addresses"
    holder_keys: ClassVar = HOLDER_KEYS
    privilege = "contacts:read"
    primary_keys = ("contact_id", "street_address_id")
    replication_key = "contact_updated_at"
    cost = COST
    schema = schema(*HOLDER, key("street_address_id", "Key of the address."), *STREET_ADDRESS[1:])
