"""What was sent, and the events of each contact that come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import Row, write
from tap_constantcontact.sandbox.data.population import Contacts, Place

Happening = tuple[timedelta, str, Row]
"""How long after a mailing something happens, the type of the event, what else its row tells."""


class Sheet:
    """What contacts do with a mailing; several mailings may have the same.

    Args:
        lives: What happens to each contact, and to all who live like it, the earliest first.
    """

    def __init__(self, lives: Mapping[Place, Sequence[Happening]]) -> None:
        self.lives = lives
        self.filed: defaultdict[tuple[str, str], list[tuple[timedelta, Place, Row]]]
        self.filed = defaultdict(list)
        for life, happenings in lives.items():
            for after, kind, extra in happenings:
                elsewhere = extra.get("campaign_activity_id", "")
                self.filed[elsewhere, kind].append((after, life, extra))


@dataclass(frozen=True)
class Mailing:
    """An e-mail that went out.

    Attributes:
        mail: What the events' rows tell of it.
        sent_at: When.
        sheet: What contacts do with it.
    """

    mail: Row
    sent_at: datetime
    sheet: Sheet

    def event(self, after: timedelta, kind: str, extra: Row) -> Row:
        """Return the row of an event, without its contact."""
        created_time = write(self.sent_at + after)
        return self.mail | extra | {"created_time": created_time, "tracking_activity_type": kind}


class Events(MutableMapping[str, list[Row]]):
    """Rows of activity by `contact_id`, in the order in which they were added.

    A list that was looked up is kept, so that it can be changed, and its contact is `taken`: what
    the mailings say of it counts no more.

    Attributes:
        mailings: The mailings of each activity, in their order.
        added: Rows beside those of the mailings, by the `contact_id`s of contacts not taken.
        own: The lists that were looked up.
        taken: The places of their contacts, by the contact that they live like.
    """

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts
        self._all: list[Mailing] = []
        self.mailings: defaultdict[str, list[Mailing]] = defaultdict(list)
        self.added: defaultdict[str, list[Row]] = defaultdict(list)
        self.own: dict[str, list[Row]] = {}
        self.taken: defaultdict[Place, set[Place]] = defaultdict(set)

    def send(self, mailing: Mailing) -> None:
        """Send a mailing to the contacts on its sheet."""
        self._all.append(mailing)
        key = str(mailing.mail["campaign_activity_id"])
        for activity in {elsewhere or key: None for elsewhere, _ in mailing.sheet.filed}:
            self.mailings[activity].append(mailing)

    def look(self, contact_id: str) -> list[Row]:
        """Return a contact's rows, which are not to be changed."""
        if contact_id in self.own:
            return self.own[contact_id]
        life = self._contacts.life(self._contacts.place(contact_id))
        rows = [
            {"contact_id": contact_id, **mailing.event(*happening)}
            for mailing in self._all
            for happening in mailing.sheet.lives.get(life, ())
        ]
        return rows + self.added.get(contact_id, [])

    def add(self, row: Row) -> None:
        """Add a row to those of its contact."""
        contact_id = row["contact_id"]
        rows = self.own if contact_id in self.own else self.added
        rows[contact_id].append(row)

    def is_taken(self, contact_id: str) -> bool:
        """Tell whether the mailings count no more for a contact."""
        place = self._contacts.place(contact_id)
        return place in self.taken.get(self._contacts.life(place), ())

    def members(self, life: Place) -> Sequence[Place]:
        """Return the places of those who live like a contact, without those taken."""
        everyone, taken = self._contacts.alike(life), self.taken.get(life)
        return [place for place in everyone if place not in taken] if taken else everyone

    def __getitem__(self, contact_id: str) -> list[Row]:
        if contact_id not in self.own:
            if contact_id not in self._contacts or self.is_taken(contact_id):
                raise KeyError(contact_id)
            self[contact_id] = self.look(contact_id)
        return self.own[contact_id]

    def __setitem__(self, contact_id: str, rows: list[Row]) -> None:
        place = self._contacts.place(contact_id)
        self.taken[self._contacts.life(place)].add(place)
        self.added.pop(contact_id, None)
        self.own[contact_id] = rows

    def __delitem__(self, contact_id: str) -> None:
        self[contact_id] = []
        del self.own[contact_id]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._contacts if key in self.own or not self.is_taken(key))

    def __len__(self) -> int:
        gone = sum(map(len, self.taken.values())) - len(self.own)
        return len(self._contacts) - gone
