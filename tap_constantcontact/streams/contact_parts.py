"""What contacts have several of, each as a table of its own.

The rows come with the contacts: https://v3.developer.constantcontact.com/api_reference/#tag-Contacts.

Each row has the contact's `updated_at`. A row that is removed at the source stays in a target, but
the contact's own `updated_at` is then later: rows of which `contact_updated_at` is less are gone.
That a removal moves the contact's `updated_at` is not documented; a full read of the contacts shows
it in any case, as rows that it brings again can be told by the time of their load.

A deleted contact has no memberships, and has a `deleted_at` of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from typing_extensions import override

from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.records.rows import Record
from tap_constantcontact.streams.contacts import (
    NOTE,
    PHONE_NUMBER,
    SMS_CHANNEL,
    SMS_CONSENT,
    STREET_ADDRESS,
    ContactsStream,
)
from tap_constantcontact.streams.fields import instant, key, schema, text

HOLDER = (
    key("contact_id", "Key of the contact."),
    instant("contact_updated_at", "When the contact last changed; an unsubscribe does not count."),
)


class ContactPart(RowsWithin):
    """What these streams share."""

    path = "/contacts"
    collection = ContactsStream
    holder_keys: ClassVar = {"contact_id": "contact_id", "contact_updated_at": "updated_at"}
    privilege = "contacts:read"
    replication_key = "contact_updated_at"
    cost = (
        "none, if `contacts` is selected; otherwise those of `contacts`, once for all such streams"
    )


class ContactListMembershipsStream(ContactPart):
    """Memberships of contacts in lists."""

    name = "contact_list_memberships"
    part = "list_memberships"
    primary_keys = ("contact_id", "list_id")
    schema = schema(*HOLDER, key("list_id", "Key of a list that the contact is on."))


class ContactTaggingsStream(ContactPart):
    """Tags of contacts."""

    name = "contact_taggings"
    part = "taggings"
    primary_keys = ("contact_id", "tag_id")
    schema = schema(*HOLDER, key("tag_id", "Key of a tag of the contact."))


class ContactCustomFieldValuesStream(ContactPart):
    """Values of contacts' custom fields."""

    name = "contact_custom_field_values"
    part = "custom_fields"
    primary_keys = ("contact_id", "custom_field_id")
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


class ContactPhoneNumbersStream(ContactPart):
    """Phone numbers of contacts."""

    name = "contact_phone_numbers"
    part = "phone_numbers"
    primary_keys = ("contact_id", "phone_number_id")
    schema = schema(*HOLDER, key("phone_number_id", "Key of the number."), *PHONE_NUMBER[1:])


class ContactStreetAddressesStream(ContactPart):
    """Street addresses of contacts."""

    name = "contact_street_addresses"
    part = "street_addresses"
    primary_keys = ("contact_id", "street_address_id")
    schema = schema(*HOLDER, key("street_address_id", "Key of the address."), *STREET_ADDRESS[1:])


class ContactNotesStream(ContactPart):
    """Notes on contacts."""

    name = "contact_notes"
    part = "notes"
    primary_keys = ("contact_id", "note_id")
    schema = schema(*HOLDER, key("note_id", "Key of the note."), *NOTE[1:])


class ContactSmsConsentsStream(ContactPart):
    """Consents of contacts to text messages, each with the number that it is for.

    A consent has no key: a channel has one of each type. The only type today is `promotional_sms`.
    The API sends the channel with any contact that has one, whatever is to be included. (Contract.)
    """

    name = "contact_sms_consents"
    part = "sms_channel"
    primary_keys = ("contact_id", "sms_channel_id", "consent_type")
    schema = schema(
        *HOLDER,
        key("sms_channel_id", "Key of the channel."),
        key("consent_type", "Kind of messages that the consent is for."),
        *SMS_CHANNEL[1:-1],
        *(field for field in SMS_CONSENT if field.name != "consent_type"),
    )

    @override
    def rows_in(self, part: Any) -> Iterable[Any]:
        channel = dict(part or {})
        consents = channel.pop("sms_channel_consents", None) or ()
        return [{**channel, **consent} for consent in consents]
