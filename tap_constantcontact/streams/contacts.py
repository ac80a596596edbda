"""The account's contacts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pendulum import DateTime
from singer_sdk import typing as th

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.estimate import Plan, in_all
from tap_constantcontact.windows import parse_instant, updated_since

PAGE_SIZE = 500
LISTS_A_REQUEST = 25
TAGS_A_REQUEST = 50

STATUS_OF_PERMISSION = {"explicit": "active", "implicit": "active"}
"""The status that the API files a permission under, where it is not the permission's own name."""


def _text(name: str, description: str) -> th.Property[str]:
    return th.Property(name, th.StringType, description=description)


def _instant(name: str, description: str) -> th.Property[str]:
    return th.Property(name, th.DateTimeType, description=description)


def _objects(name: str, description: str, *properties: th.Property[Any]) -> th.Property[Any]:
    return th.Property(name, th.ArrayType(th.ObjectType(*properties)), description=description)


def _texts(name: str, description: str) -> th.Property[Any]:
    return th.Property(name, th.ArrayType(th.StringType), description=description)


EMAIL_ADDRESS = (
    _text("address", "The address itself."),
    _text("permission_to_send", "Whether, and on what ground, the account may send to it."),
    _instant("created_at", "When the address was added."),
    _instant("updated_at", "When the address or its permission last changed."),
    _text("opt_in_source", "Who gave the permission, the contact or the account."),
    _instant("opt_in_date", "When the permission was given."),
    _text("opt_out_source", "Who withdrew the permission, the contact or the account."),
    _instant("opt_out_date", "When the contact unsubscribed."),
    _text("opt_out_reason", "Why the contact unsubscribed, in its own words."),
    _text("confirm_status", "Whether the contact confirmed the address."),
)
CUSTOM_FIELD = (
    _text("custom_field_id", "Key of the custom field."),
    _text("value", "What it holds for this contact."),
    _texts("choice_ids", "Keys of the choices made, in a field of choices."),
)
PHONE_NUMBER = (
    _text("phone_number_id", "Key of the phone number."),
    _text("phone_number", "The number itself."),
    _text("kind", "Home, work, mobile or other."),
    _instant("created_at", "When the number was added."),
    _instant("updated_at", "When the number last changed."),
    _text("update_source", "Who last changed it, the contact or the account."),
    _text("create_source", "Who added it, the contact or the account."),
)
STREET_ADDRESS = (
    _text("street_address_id", "Key of the street address."),
    _text("kind", "Home, work or other."),
    _text("street", "Street and number."),
    _text("city", "City."),
    _text("state", "State or province."),
    _text("postal_code", "Postal code."),
    _text("country", "Country."),
    _instant("created_at", "When the address was added."),
    _instant("updated_at", "When the address last changed."),
)
NOTE = (
    _text("note_id", "Key of the note."),
    _instant("created_at", "When it was written."),
    _text("content", "What it says."),
)
SMS_CONSENT = (
    _text("sms_consent_permission", "Whether the account may send text messages."),
    _text("consent_type", "What kind of messages the consent is for."),
    _instant("opt_in_date", "When the contact consented."),
    _instant("opt_out_date", "When the contact withdrew its consent."),
    _text("advertised_frequency", "How many messages were announced for an interval."),
    _text("advertised_interval", "The interval that was announced."),
    _instant("created_at", "When the consent was recorded."),
    _instant("updated_at", "When the consent last changed."),
)
SMS_CHANNEL = (
    _text("sms_channel_id", "Key of the channel."),
    _text("sms_address", "The phone number, without its country's code."),
    _text("dial_code", "The country's dial code."),
    _text("country_code", "The country, in two letters."),
    _text("update_source", "Who last changed it, the contact or the account."),
    _text("create_source", "Who added it, the contact or the account."),
    _objects("sms_channel_consents", "The consents that were given.", *SMS_CONSENT),
)


class ContactsStream(ConstantContactStream):
    """Contacts of every status, with their sub-resources.

    An unsubscribe moves only `email_address.updated_at` and `email_address.opt_out_date`, never
    the contact's `updated_at`, which is all that `updated_after` looks at (the vendor's forum,
    staff confirm): hence a second pass by `optout_after`. Nothing filters by any other change of
    permission: hence a full read every `contacts_refresh_days`. Whether the bounds of the filters
    are inclusive is not documented: hence a second more than needed is asked for.
    """

    name = "contacts"
    path = "/contacts"
    records_key = "contacts"
    privilege = "contacts:read"
    primary_keys = ("contact_id",)
    replication_key = "updated_at"
    schema = th.PropertiesList(
        th.Property("contact_id", th.StringType, required=True, description="Key of the contact."),
        th.Property(
            "email_address",
            th.ObjectType(*EMAIL_ADDRESS),
            description="The e-mail address and the permission to use it.",
        ),
        _text("first_name", "First name."),
        _text("last_name", "Last name."),
        _text("job_title", "Job title."),
        _text("company_name", "Employer."),
        th.Property("birthday_month", th.IntegerType, description="Month of birth, 1 to 12."),
        th.Property("birthday_day", th.IntegerType, description="Day of birth, 1 to 31."),
        _text("anniversary", "A date of the account's choice, in the form it was entered."),
        _text("update_source", "Who last changed the contact, itself or the account."),
        _text("create_source", "Who added the contact, itself or the account."),
        _instant("created_at", "When the contact was added."),
        _instant("updated_at", "When the contact last changed; an unsubscribe does not count."),
        _instant(
            "deleted_at", "When the contact was deleted; where only a day is known, its start."
        ),
        _objects("custom_fields", "Custom fields that have a value.", *CUSTOM_FIELD),
        _objects("phone_numbers", "Phone numbers.", *PHONE_NUMBER),
        _objects("street_addresses", "Street addresses.", *STREET_ADDRESS),
        _texts("list_memberships", "Keys of the lists that the contact is on."),
        _texts("taggings", "Keys of the contact's tags."),
        _objects("notes", "Notes on the contact, the newest first.", *NOTE),
        th.Property(
            "sms_channel",
            th.ObjectType(*SMS_CHANNEL),
            description="Where and whether to send text messages.",
        ),
    ).to_dict()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the contacts that changed, or all of them where that is due."""
        start = self.since()
        if start is not None:
            yield from self._changed_since(start)
        else:
            yield from self._all()
        if updated_since(self.config, self.tap.began) is None:
            if self.bookmark is None or start is None:
                self._note_full_read()
            self.move_bookmark(self.tap.began)

    def plan(self) -> Plan:
        """Return what a run would ask for."""
        queries = itertools.chain.from_iterable(map(self.queries, self.bounds()))
        return in_all(self.plan_of(query, shrinks=self.shrinks(query)) for query in queries)

    # What a run reads

    def since(self) -> DateTime | None:
        """Return the instant from which on changes are read, or None to read all contacts."""
        if window_start := updated_since(self.config, self.tap.began):
            return window_start
        if self.config.get("segment_id") or self._full_read_due():
            return None
        return self.starting_instant()

    def bounds(self) -> list[dict[str, DateTime]]:
        """Return the bounds of the passes over the collection that a run makes."""
        start = self.since()
        if start is None or self.config.get("segment_id"):
            return [{}]
        asked = start.subtract(seconds=1)
        return [{"updated_after": asked}, {"optout_after": asked}]

    def _full_read_due(self) -> bool:
        """Tell whether the last full read is older than `contacts_refresh_days`."""
        days: int = self.config["contacts_refresh_days"]
        if not days or self.bookmark is None:
            return False
        last = self.stream_state.get("full_read_at")
        return not last or parse_instant(last).add(days=days) <= self.tap.began

    def _note_full_read(self) -> None:
        if self.is_incremental:
            self.stream_state["full_read_at"] = self.bookmark_at(self.tap.began)

    def _all(self) -> Iterator[dict[str, Any]]:
        start_date = self.config.get("start_date")
        if not start_date or self.config.get("segment_id"):
            return self.members()
        oldest = parse_instant(start_date, self.config["timezone"])
        return (contact for contact in self.members() if _changed(contact, oldest))

    def _changed_since(self, start: DateTime) -> Iterator[dict[str, Any]]:
        if self.config.get("segment_id"):
            return (contact for contact in self.members() if _changed(contact, start))
        updated, opted_out = self.bounds()
        return _unique(
            (
                (c for c in self.members(**updated) if _at(c.get("updated_at"), start)),
                (c for c in self.members(**opted_out) if _at(_opt_out_date(c), start)),
            )
        )

    # Queries

    def members(self, **bounds: DateTime) -> Iterator[dict[str, Any]]:
        """Yield once each contact that the filters of the configuration let through."""
        statuses = set(self.config.get("contact_status") or ())
        by_segment = self.config.get("segment_id")
        for contact in _unique(map(self._collect, self.queries(bounds))):
            if not by_segment or not statuses - {"all"} or status(contact) in statuses:
                yield contact

    def queries(self, bounds: Mapping[str, DateTime]) -> Iterator[dict[str, Any]]:
        """Yield queries whose answers together hold what the filters and bounds let through."""
        limit = {"limit": PAGE_SIZE}
        if segment := self.config.get("segment_id"):
            yield {"segment_id": segment, **limit}
            return
        common = {
            **{name: at.format("YYYY-MM-DDTHH:mm:ss.SSS[Z]") for name, at in bounds.items()},
            "status": ",".join(self.config.get("contact_status") or ["all"]),
            **self.included(),
            **limit,
        }
        lists = _batches("lists", self.config.get("contact_list_ids"), LISTS_A_REQUEST)
        tags = _batches("tags", self.config.get("contact_tag_ids"), TAGS_A_REQUEST)
        for some_lists, some_tags in itertools.product(lists, tags):
            yield {**common, **some_lists, **some_tags}

    def included(self) -> dict[str, str]:
        """Return the parameter that asks for sub-resources, if any are wanted."""
        names = self.config.get("contact_includes")
        return {"include": ",".join(names)} if names else {}

    def count(self, query: Mapping[str, Any]) -> int | None:
        """Return how many contacts a query would bring; of a segment the API does not say it."""
        return None if "segment_id" in query else super().count(query)

    def _collect(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return self.collect(query, key="contact_id", shrinks=self.shrinks(query))

    @staticmethod
    def shrinks(query: Mapping[str, Any]) -> bool:
        """Tell whether contacts may leave what a query asks for: those of all statuses do not."""
        filters = {"segment_id", "lists", "tags", "optout_after"}
        return query.get("status") != "all" or bool(filters & query.keys())


class RosterStream(ContactsStream):
    """The contacts that the two contact reports are about, without their sub-resources."""

    def size(self, bounds: Mapping[str, DateTime]) -> Plan:
        """Return how many members there are, and what listing them would cost."""
        return in_all(
            self.plan_of(self._without_deleted(query), shrinks=self.shrinks(query))
            for query in self.queries(bounds)
        )

    def _without_deleted(self, query: dict[str, Any]) -> dict[str, Any]:
        """Return a query as one that the API answers without deleted contacts, by default."""
        if self.config.get("contact_status"):
            return query
        return {name: value for name, value in query.items() if name != "status"}

    def included(self) -> dict[str, str]:
        """Ask for no sub-resources."""
        return {}

    def members(self, **bounds: DateTime) -> Iterator[dict[str, Any]]:
        """Yield the contacts of the wanted statuses: by default, all but the deleted."""
        if self.config.get("contact_status"):
            return super().members(**bounds)
        return (contact for contact in super().members(**bounds) if not contact.get("deleted_at"))


def status(contact: Mapping[str, Any]) -> str:
    """Return the status of a contact by which the API filters, told from the contact itself."""
    if contact.get("deleted_at"):
        return "deleted"
    permission = (contact.get("email_address") or {}).get("permission_to_send") or "not_set"
    return STATUS_OF_PERMISSION.get(permission, permission)


def _opt_out_date(contact: Mapping[str, Any]) -> str | None:
    date: str | None = (contact.get("email_address") or {}).get("opt_out_date")
    return date


def _at(value: str | None, start: DateTime) -> bool:
    """Tell whether a date-time of the API is at `start` or later; an unknown one may be."""
    try:
        return not value or parse_instant(value) >= start
    except ValueError:
        return True


def _changed(contact: Mapping[str, Any], start: DateTime) -> bool:
    """Tell whether anything dated about a contact changed at `start` or later."""
    email = contact.get("email_address") or {}
    dates = (
        contact.get("updated_at"),
        contact.get("deleted_at"),
        email.get("updated_at"),
        email.get("opt_out_date"),
    )
    return any(_at(date, start) for date in dates if date)


def _unique(passes: Iterable[Iterable[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Chain passes over contacts, leaving out those that came before."""
    seen: set[str] = set()
    for contact in itertools.chain.from_iterable(passes):
        if contact["contact_id"] not in seen:
            seen.add(contact["contact_id"])
            yield contact


def _batches(parameter: str, ids: Sequence[str] | None, size: int) -> list[dict[str, str]]:
    """Split a list of ids into as many values of a parameter as the API's limit asks for."""
    if not ids:
        return [{}]
    return [{parameter: ",".join(ids[i : i + size])} for i in range(0, len(ids), size)]
