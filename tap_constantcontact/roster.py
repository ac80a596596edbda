"""The contacts that the contact reports are about: listed once a run, in the order of a sweep."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pendulum
from pendulum import DateTime

from tap_constantcontact.estimate import Plan
from tap_constantcontact.records import rfc3339
from tap_constantcontact.windows import parse_instant

if TYPE_CHECKING:
    from tap_constantcontact.streams.contacts import RosterStream

OVERLAP = 1.0
"""Seconds that two listings share: whether the API counts the bounds in is not documented."""


class Contact(NamedTuple):
    """A contact's place in the order of a sweep.

    Attributes:
        created_at: Seconds since the epoch; 0 where the API was not asked, `UNKNOWN` where it gave
            none.
        contact_id: Key of the contact.
    """

    created_at: float
    contact_id: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Contact:
        """Return the place of a contact that the API or a bookmark describes."""
        created_at = row.get("created_at")
        at = parse_instant(created_at).timestamp() if created_at else UNKNOWN
        return cls(at, row["contact_id"])

    def described(self) -> dict[str, str]:
        """Return what a bookmark keeps of the place."""
        return {"created_at": rfc3339(_instant(self.created_at)), "contact_id": self.contact_id}


UNKNOWN = math.inf
"""Contacts whose date the API does not give come last, and are not kept as a place."""

START = Contact(-math.inf, "")
"""Before any contact."""


class Roster:
    """The contacts that the filters let through, as far back as was needed so far.

    Contacts named by the configuration are not looked up, unless other filters are set beside
    them.
    """

    def __init__(self, stream: RosterStream) -> None:
        self._stream = stream
        self._contacts: list[Contact] = []
        self._listed_from = math.inf
        self._sizes: dict[Contact, Plan] = {}
        self._wanted = set(stream.config.get("contact_ids") or ())
        if self.is_given:
            self._contacts = sorted(Contact(0.0, contact_id) for contact_id in self._wanted)
            self._listed_from = -math.inf

    @property
    def is_given(self) -> bool:
        """Whether the configuration names the contacts, so that none need be listed."""
        filters = ("contact_status", "contact_list_ids", "contact_tag_ids", "segment_id")
        return bool(self._wanted) and not any(map(self._stream.config.get, filters))

    def after(self, place: Contact) -> Sequence[Contact]:
        """Return the contacts behind a place, listing those that are not known yet."""
        if place.created_at < self._listed_from:
            listed = map(Contact.of, self._stream.members(**self.bounds(place)))
            known = {contact.contact_id: contact for contact in self._of_interest(listed)}
            known |= {contact.contact_id: contact for contact in self._contacts}
            self._contacts = sorted(known.values())
            self._listed_from = place.created_at
        return self._contacts[bisect_right(self._contacts, place) :]

    def first(self, number: int) -> list[Contact]:
        """Return a few contacts, whatever their place, of one page."""
        if self.is_given:
            return self._contacts[:number]
        rows = self._stream.request_records(next(self._stream.queries({})))
        return [*islice(self._of_interest(map(Contact.of, rows)), number)]

    def plan(self, place: Contact) -> Plan:
        """Return how many contacts are behind a place, and what listing them would cost.

        What was planned to be listed before costs nothing more.
        """
        if self.is_given:
            return Plan(len(self.after(place)), 0)
        size = self._sizes.get(place) or self._stream.size(self._created_after(place))
        listed = [contact for contact in self._sizes if contact <= place]
        self._sizes[place] = size
        return Plan(size.rows, 0 if listed else size.requests)

    def _created_after(self, place: Contact) -> dict[str, DateTime]:
        return {"created_after": _instant(place.created_at)} if place.created_at > 0 else {}

    def bounds(self, place: Contact) -> dict[str, DateTime]:
        """Return the parameters that ask for the contacts behind a place and not known yet."""
        bounds: dict[str, DateTime] = {}
        if self._stream.config.get("segment_id"):
            return bounds
        if place.created_at > 0:
            bounds["created_after"] = _instant(place.created_at - OVERLAP)
        if self._listed_from < math.inf:
            bounds["created_before"] = _instant(self._listed_from + OVERLAP)
        return bounds

    def _of_interest(self, contacts: Iterable[Contact]) -> Iterator[Contact]:
        return (c for c in contacts if not self._wanted or c.contact_id in self._wanted)


def _instant(seconds: float) -> DateTime:
    return pendulum.from_timestamp(seconds)
