"""The account's contacts: https://v3.developer.constantcontact.com/api_reference/#tag-Contacts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pendulum import DateTime
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_constantcontact.config.dates import rfc3339
from tap_constantcontact.config.windows import ContactDateSettings
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.nested import SharedReading
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.query import Change, Creation, Query
from tap_constantcontact.reading.single_response import SingleResponse
from tap_constantcontact.reading.slices import Slice
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.streams.audience import ContactCustomFieldsStream
from tap_constantcontact.streams.custom_fields import BY_NAME, FieldsByName, RowsWithFields
from tap_constantcontact.streams.fields import (
    instant,
    instant_key,
    integer,
    key,
    schema,
    structure,
    structures,
    text,
    texts,
)

LISTS_A_REQUEST = 25
TAGS_A_REQUEST = 50

EMAIL_ADDRESS = (
    text("address", "The address itself."),
    text("permission_to_send", "The permission to send to it, such as explicit or unsubscribed."),
    instant("created_at", "When the address was added."),
    instant("updated_at", "When the address or its permission last changed."),
    text("opt_in_source", "Who opted the address in: the contact or the account."),
    instant("opt_in_date", "When the permission was given."),
    text("opt_out_source", "Who opted the address out: the contact or the account."),
    instant("opt_out_date", "When the contact unsubscribed."),
    text("opt_out_reason", "Why the contact unsubscribed, in the contact's words."),
    text("confirm_status", "Whether the contact confirmed the address."),
)
CUSTOM_FIELD = (
    text("custom_field_id", "Key of the custom field."),
    text("value", "Value of the field for this contact."),
    texts("choice_ids", "Keys of the choices made, in a select field."),
)
PHONE_NUMBER = (
    text("phone_number_id", "Key of the phone number."),
    text("phone_number", "The number itself."),
    text("kind", "Home, work, mobile or other."),
    instant("created_at", "When the number was added."),
    instant("updated_at", "When the number last changed."),
    text("update_source", "Who last changed it, the contact or the account."),
    text("create_source", "Who added it, the contact or the account."),
)
STREET_ADDRESS = (
    text("street_address_id", "Key of the street address."),
    text("kind", "Home, work or other."),
    text("street", "Street and number."),
    text("city", "City."),
    text("state", "State or province."),
    text("postal_code", "Postal code."),
    text("country", "Country."),
    instant("created_at", "When the address was added."),
    instant("updated_at", "When the address last changed."),
)
NOTE = (
    text("note_id", "Key of the note."),
    instant("created_at", "When the note was written."),
    text("content", "Text of the note."),
)
SMS_CONSENT = (
    text("sms_consent_permission", "Whether the account may send text messages."),
    text("consent_type", "Kind of messages that the consent is for."),
    instant("opt_in_date", "When the contact consented."),
    instant("opt_out_date", "When the contact withdrew the consent."),
    text("advertised_frequency", "Announced number of messages per interval."),
    text("advertised_interval", "Announced interval."),
    instant("created_at", "When the consent was recorded."),
    instant("updated_at", "When the consent last changed."),
)
SMS_CHANNEL = (
    text("sms_channel_id", "Key of the channel."),
    text("sms_address", "The phone number, without the country's dial code."),
    text("dial_code", "Dial code of the country."),
    text("country_code", "The country, in two letters."),
    text("update_source", "Who last changed the channel: the contact or the account."),
    text("create_source", "Who added the channel: the contact or the account."),
    structures("sms_channel_consents", "The consents that were given.", *SMS_CONSENT),
)


def custom_fields(run: Run) -> FieldsByName:
    """Return the account's custom fields."""
    return FieldsByName(run.once(ContactCustomFieldsStream).read())


class ContactsStream(Collection):
    """Contacts of every status, with their sub-resources.

    An unsubscribe changes only `email_address.updated_at` and `email_address.opt_out_date`, not the
    contact's `updated_at`, by which `updated_after` filters. (The vendor's forum, confirmed by
    staff.) So an incremental run makes a second pass with `optout_after`. No filter finds any other
    change of permission. So all contacts are read again every `contacts_refresh_days`.

    Assumptions: `updated-after-finds-changes`, `optout-after-finds-unsubscribes`,
    `unsubscribes-have-a-date`, `deletions-move-updated-at`, `all-statuses-bring-deleted-contacts`,
    `includes-bring-memberships`, `pages-of-contacts`.
    """

    name = "contacts"
    path = "/contacts"
    records_key = "contacts"
    privilege = "contacts:read"
    primary_keys = ("contact_id",)
    replication_key = "updated_at"
    changes = (
        Change("updated_after", "updated_at"),
        Change("optout_after", "email_address.opt_out_date", shrinks=True),
    )
    dates = ("updated_at", "deleted_at", "email_address.updated_at", "email_address.opt_out_date")
    refresh_days = "contacts_refresh_days"
    date_settings = ContactDateSettings
    cost = "1 per 500 contacts; 2 and more when incremental"
    schema = schema(
        key("contact_id", "Key of the contact."),
        structure(
            "email_address",
            "The e-mail address and the permission to use it; null for a contact with SMS only.",
            *EMAIL_ADDRESS,
        ),
        text("first_name", "First name."),
        text("last_name", "Last name."),
        text("job_title", "Job title."),
        text("company_name", "Employer."),
        integer("birthday_month", "Month of birth, 1 to 12."),
        integer("birthday_day", "Day of birth, 1 to 31."),
        text("anniversary", "A date of the account's choice, in the form it was entered."),
        text("update_source", "Who last changed the contact: the contact or the account."),
        text("create_source", "Who added the contact: the contact or the account."),
        instant("created_at", "When the contact was added."),
        instant("updated_at", "When the contact last changed; an unsubscribe does not count."),
        instant(
            "deleted_at", "When the contact was deleted; the start of the day if no time is known."
        ),
        structures("custom_fields", "Custom fields that have a value.", *CUSTOM_FIELD),
        structures("phone_numbers", "Phone numbers.", *PHONE_NUMBER),
        structures("street_addresses", "Street addresses.", *STREET_ADDRESS),
        texts("list_memberships", "Keys of the lists that the contact is on."),
        texts("taggings", "Keys of the contact's tags."),
        structures("notes", "Notes on the contact, newest first.", *NOTE),
        structure(
            "sms_channel", "Number for text messages and the consents to send them.", *SMS_CHANNEL
        ),
    )

    creation = Creation(after="created_after", before="created_before")

    def discover(self, fields: FieldsByName) -> None:
        """Add the account's custom fields to the schema."""
        self.schema = self.with_fields(fields.schema)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply a catalog, and add the custom fields to the schema that it was discovered with."""
        super().apply_catalog(catalog)
        if by_name := self.effective_schema["properties"].get(BY_NAME):
            self.schema = self.with_fields(by_name)

    @classmethod
    def with_fields(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the schema with the schema of custom fields by name."""
        schema = cls.schema
        return {**schema, "properties": {**schema["properties"], BY_NAME: fields}}

    @override
    def read(self) -> Iterator[Record]:
        if self.config["custom_fields_by_name"] and BY_NAME in self.schema["properties"]:
            fields = self.run.once(custom_fields)
            self.converter = RowsWithFields(self.name, self.schema, self.sent_keys, fields)
        yield from self._shared.read(self, lambda contact: (contact,))

    @property
    def _shared(self) -> SharedReading:
        return self.run.once(SharedReading, ContactsStream)

    @override
    def start(self) -> DateTime | None:
        return self._shared.start()

    @override
    def left(self) -> Sequence[Slice]:
        return self._shared.left()

    @override
    def reading_began(self) -> DateTime:
        return self.increment_of(self).sweep.began

    @override
    def queries(self) -> Iterator[Query]:
        statuses = self.config.get("contact_status") or ["all"]
        if segment := self.config.get("segment_id"):
            yield Query(
                {"segment_id": segment},
                takes_dates=False,
                has_total=False,
                shrinks=True,
                is_wanted=lambda contact: not {*statuses} - {"all"} or status(contact) in statuses,
            )
            return
        includes = self.config.get("contact_includes")
        lists = _batches("lists", self.config.get("contact_list_ids"), LISTS_A_REQUEST)
        tags = _batches("tags", self.config.get("contact_tag_ids"), TAGS_A_REQUEST)
        for some_lists, some_tags in itertools.product(lists, tags):
            members = some_lists | some_tags
            yield Query(
                {
                    "status": ",".join(statuses),
                    **({"include": ",".join(includes)} if includes else {}),
                    **members,
                },
                shrinks=statuses != ["all"] or bool(members),
            )


class ContactCountsStream(SingleResponse):
    """Number of contacts by permission: one row for each run.

    The contract's text calls the value of `include` `new_subscribers`, its list of values
    `new_subscriber`. (Contract.)
    """

    name = "contact_counts"
    path = "/contacts/counts"
    privilege = "contacts:read"
    primary_keys = ("counted_at",)
    row_keys = ()
    parameters: ClassVar = {"include": "new_subscriber"}
    schema = schema(
        instant_key("counted_at", "When the run began that counted them."),
        integer("total", "Number of contacts."),
        integer("explicit", "Contacts who gave their permission."),
        integer("implicit", "Contacts whose permission is assumed."),
        integer("pending", "Contacts who have not confirmed yet."),
        integer("unsubscribed", "Contacts who unsubscribed."),
        integer("new_subscriber", "Contacts who were added in the last 30 days."),
    )

    @override
    def read(self) -> Iterator[Record]:
        for record in super().read():
            yield {**record, "counted_at": rfc3339(self.run.began)}


def status(contact: Record) -> str:
    """Return a contact's status, as the API's filter by status sees it, from the contact's row."""
    if contact.get("deleted_at"):
        return "deleted"
    permission = (contact.get("email_address") or {}).get("permission_to_send") or "not_set"
    return "active" if permission in ("explicit", "implicit") else permission


def _batches(parameter: str, ids: Sequence[str] | None, size: int) -> list[dict[str, str]]:
    """Split a list of ids into parameter values of at most `size` ids, the API's limit."""
    if not ids:
        return [{}]
    return [{parameter: ",".join(ids[i : i + size])} for i in range(0, len(ids), size)]


CONTACTS = ParentType(
    stream=ContactsStream,
    key="contact_id",
    filters=("contact_ids", "contact_status", "contact_list_ids", "contact_tag_ids", "segment_id"),
    given_by="contact_ids",
    leaves_out=("include",),
    is_wanted=lambda contact, config: (
        bool(config.get("contact_status")) or not contact.get("deleted_at")
    ),
    counted_by=lambda query, config: (
        query if config.get("contact_status") else query.without("status")
    ),
)
"""The parents of the contact reports: all contacts but deleted ones, unless a status is set.

Without a status, the API leaves out deleted contacts. (Contract.)
"""
