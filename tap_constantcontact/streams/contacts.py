"""The account's contacts: https://v3.developer.constantcontact.com/api_reference/#tag-Contacts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import override

from tap_constantcontact.shapes.collection import Collection, FixedWindow
from tap_constantcontact.shapes.parents import ParentType
from tap_constantcontact.shapes.queries import Change, Query, Record
from tap_constantcontact.streams.fields import (
    instant,
    integer,
    key,
    schema,
    structure,
    structures,
    text,
    texts,
)
from tap_constantcontact.windows import updated_since

LISTS_A_REQUEST = 25
TAGS_A_REQUEST = 50

STATUS_OF_PERMISSION = {"explicit": "active", "implicit": "active"}
"""The status that the API files a permission under, where it is not the permission's own name."""

EMAIL_ADDRESS = (
    text("address", "The address itself."),
    text("permission_to_send", "Whether, and on what ground, the account may send to it."),
    instant("created_at", "When the address was added."),
    instant("updated_at", "When the address or its permission last changed."),
    text("opt_in_source", "Who gave the permission, the contact or the account."),
    instant("opt_in_date", "When the permission was given."),
    text("opt_out_source", "Who withdrew the permission, the contact or the account."),
    instant("opt_out_date", "When the contact unsubscribed."),
    text("opt_out_reason", "Why the contact unsubscribed, in its own words."),
    text("confirm_status", "Whether the contact confirmed the address."),
)
CUSTOM_FIELD = (
    text("custom_field_id", "Key of the custom field."),
    text("value", "What it holds for this contact."),
    texts("choice_ids", "Keys of the choices made, in a field of choices."),
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
    instant("created_at", "When it was written."),
    text("content", "What it says."),
)
SMS_CONSENT = (
    text("sms_consent_permission", "Whether the account may send text messages."),
    text("consent_type", "What kind of messages the consent is for."),
    instant("opt_in_date", "When the contact consented."),
    instant("opt_out_date", "When the contact withdrew its consent."),
    text("advertised_frequency", "How many messages were announced for an interval."),
    text("advertised_interval", "The interval that was announced."),
    instant("created_at", "When the consent was recorded."),
    instant("updated_at", "When the consent last changed."),
)
SMS_CHANNEL = (
    text("sms_channel_id", "Key of the channel."),
    text("sms_address", "The phone number, without its country's code."),
    text("dial_code", "The country's dial code."),
    text("country_code", "The country, in two letters."),
    text("update_source", "Who last changed it, the contact or the account."),
    text("create_source", "Who added it, the contact or the account."),
    structures("sms_channel_consents", "The consents that were given.", *SMS_CONSENT),
)


class ContactsStream(Collection):
    """Contacts of every status, with their sub-resources.

    An unsubscribe moves only `email_address.updated_at` and `email_address.opt_out_date`, never
    the contact's `updated_at`, which is all that `updated_after` looks at (the vendor's forum,
    staff confirm): hence a second pass by `optout_after`. Nothing filters by any other change of
    permission: hence all contacts are read again every `contacts_refresh_days`.
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
    window = FixedWindow(updated_since)
    cost = "1 per 500 contacts; 2 and more when incremental"
    schema = schema(
        key("contact_id", "Key of the contact."),
        structure(
            "email_address",
            "The e-mail address and the permission to use it; none for a contact by SMS alone.",
            *EMAIL_ADDRESS,
        ),
        text("first_name", "First name."),
        text("last_name", "Last name."),
        text("job_title", "Job title."),
        text("company_name", "Employer."),
        integer("birthday_month", "Month of birth, 1 to 12."),
        integer("birthday_day", "Day of birth, 1 to 31."),
        text("anniversary", "A date of the account's choice, in the form it was entered."),
        text("update_source", "Who last changed the contact, itself or the account."),
        text("create_source", "Who added the contact, itself or the account."),
        instant("created_at", "When the contact was added."),
        instant("updated_at", "When the contact last changed; an unsubscribe does not count."),
        instant(
            "deleted_at", "When the contact was deleted; where only a day is known, its start."
        ),
        structures("custom_fields", "Custom fields that have a value.", *CUSTOM_FIELD),
        structures("phone_numbers", "Phone numbers.", *PHONE_NUMBER),
        structures("street_addresses", "Street addresses.", *STREET_ADDRESS),
        texts("list_memberships", "Keys of the lists that the contact is on."),
        texts("taggings", "Keys of the contact's tags."),
        structures("notes", "Notes on the contact, the newest first.", *NOTE),
        structure("sms_channel", "Where and whether to send text messages.", *SMS_CHANNEL),
    )

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
        for some in itertools.product(lists, tags):
            members = {name: value for filters in some for name, value in filters.items()}
            yield Query(
                {
                    "status": ",".join(statuses),
                    **({"include": ",".join(includes)} if includes else {}),
                    **members,
                },
                shrinks=statuses != ["all"] or bool(members),
            )


def status(contact: Record) -> str:
    """Return the status of a contact by which the API filters, told from the contact itself."""
    if contact.get("deleted_at"):
        return "deleted"
    permission = (contact.get("email_address") or {}).get("permission_to_send") or "not_set"
    return STATUS_OF_PERMISSION.get(permission, permission)


def _batches(parameter: str, ids: Sequence[str] | None, size: int) -> list[dict[str, str]]:
    """Split a list of ids into as many values of a parameter as the API's limit asks for."""
    if not ids:
        return [{}]
    return [{parameter: ",".join(ids[i : i + size])} for i in range(0, len(ids), size)]


def _is_reported(contact: Record, config: Mapping[str, Any]) -> bool:
    return bool(config.get("contact_status")) or not contact.get("deleted_at")


def _counting_the_reported(query: Query, config: Mapping[str, Any]) -> Query:
    """Return a query for the contacts of a report alone.

    Without a status the API leaves out deleted contacts. (Contract.)
    """
    return query if config.get("contact_status") else query.without("status")


CONTACTS = ParentType(
    stream="contacts",
    key="contact_id",
    filters=(
        "contact_ids",
        "contact_status",
        "contact_list_ids",
        "contact_tag_ids",
        "segment_id",
    ),
    given_by="contact_ids",
    created_after="created_after",
    created_before="created_before",
    leaves_out=("include",),
    is_wanted=_is_reported,
    counted_by=_counting_the_reported,
)
"""The contacts of the contact reports: all but the deleted, unless a status is asked for."""
