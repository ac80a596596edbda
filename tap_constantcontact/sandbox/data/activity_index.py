"""The events by campaign activity, as the e-mail reports ask for them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple, overload

from tap_constantcontact.sandbox.data.basics import Row, parse
from tap_constantcontact.sandbox.data.mailings import Events, Mailing
from tap_constantcontact.sandbox.data.population import Contacts, Place

KEPT = 50
"""For how many activities and types the rows are kept at hand."""


class Block(NamedTuple):
    """An event that several contacts share.

    Attributes:
        at: When it happened.
        row: Its row, without the contact.
        life: The contact that they live like; for a row of a single contact's, see `is_single`.
        who: Their places.
        is_single: Whether it happened to one contact beside what happened to its like.
    """

    at: datetime
    row: Row
    life: Place
    who: Sequence[Place]
    is_single: bool = False


class Rows(Sequence[Row]):
    """Rows of events, each made when it is asked for.

    Args:
        contacts: Whose events they are.
        blocks: The events, the newest first.
    """

    def __init__(self, contacts: Contacts, blocks: list[Block]) -> None:
        self._contacts = contacts
        self.blocks = blocks
        self._ends = [*accumulate(len(block.who) for block in blocks)]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        """Return one row or some of them."""
        places = range(len(self))[at]
        return self._row(places) if isinstance(places, int) else [self._row(n) for n in places]

    def _row(self, number: int) -> Row:
        place = bisect_right(self._ends, number)
        block = self.blocks[place]
        return {
            "contact_id": self._contacts.key(block.who[number - self._ends[place]]),
            **block.row,
        }

    def where(self, name: str, *values: str) -> Rows:
        """Return the rows in which a property has one of some values; one without it has ''."""
        blocks = [block for block in self.blocks if block.row.get(name, "") in values]
        return Rows(self._contacts, blocks)

    def of(self, suits: Callable[[Row], bool]) -> Rows:
        """Return the rows of contacts that suit, as do all who live alike."""
        look, key = self._contacts.look, self._contacts.key
        blocks = [block for block in self.blocks if suits(look(key(block.who[0])) or {})]
        return Rows(self._contacts, blocks)

    def last_of_each(self, *away: Rows) -> Rows:
        """Return the newest row of each contact that has none of the other rows."""
        others = [block for rows in away for block in rows.blocks]
        lives = {block.life for block in others if not block.is_single}
        singles: defaultdict[Place, set[Place]] = defaultdict(set)
        for block in others:
            if block.is_single:
                singles[self._contacts.life(block.who[0])].add(block.who[0])
        last = []
        for block in self.blocks:
            life = self._contacts.life(block.who[0])
            seen = singles.get(life)
            who = [place for place in block.who if place not in seen] if seen else block.who
            if block.life in lives or not who:
                continue
            last.append(block._replace(who=who))
            if block.is_single:
                singles[life].update(who)
            else:
                lives.add(block.life)
        return Rows(self._contacts, last)

    def people(self) -> frozenset[str]:
        """Return the contacts of the rows."""
        places = {place for block in self.blocks for place in block.who}
        return frozenset(map(self._contacts.key, places))


class Figures(NamedTuple):
    """How many contacts did something, and how often from each type of device."""

    people: int
    devices: Counter[str]


class ActivityIndex:
    """The rows of events by campaign activity and type.

    It follows what is added through it, and looks again when lists were changed behind its back.

    Args:
        events: The rows by contact.
        contacts: Whose events they are.
    """

    def __init__(self, events: Events, contacts: Contacts) -> None:
        self._events = events
        self._contacts = contacts
        self._own = -1, -1
        self._singles: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        self._kept: dict[tuple[str, str, int], Rows] = {}
        self._figures: dict[object, Figures] = {}

    def add(self, row: Row) -> None:
        """Take up a row that was added to the events."""
        key = row["campaign_activity_id"], row["tracking_activity_type"]
        self._singles[key].append(row)
        self._kept.pop((*key, len(self._events.mailings.get(key[0], ()))), None)

    def _refresh(self) -> None:
        own = self._events.own
        seen = sum(map(len, self._events.taken.values())), sum(map(len, own.values()))
        if seen != self._own:
            self._own = seen
            self._singles.clear()
            self._kept.clear()
            self._figures.clear()
            for lists in (own, self._events.added):
                for rows in lists.values():
                    for row in rows:
                        self.add(row)

    def rows(self, campaign_activity_id: str, kind: str) -> Rows:
        """Return an activity's events of a type, the newest first."""
        self._refresh()
        key = campaign_activity_id, kind, len(self._events.mailings.get(campaign_activity_id, ()))
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = Rows(self._contacts, self._blocks(campaign_activity_id, kind))
        return self._kept[key]

    def _blocks(self, campaign_activity_id: str, kind: str) -> list[Block]:
        blocks = []
        for mailing, elsewhere in self._sent(campaign_activity_id):
            for after, life, extra in mailing.sheet.filed.get((elsewhere, kind), ()):
                if who := self._events.members(life):
                    row = mailing.event(after, kind, extra)
                    blocks.append(Block(mailing.sent_at + after, row, life, who))
        for row in self._singles.get((campaign_activity_id, kind), ()):
            key = row["contact_id"]
            place = self._contacts.place(key)
            life = key if self._events.is_taken(key) else self._contacts.life(place)
            blocks.append(Block(parse(row["created_time"]), row, life, (place,), is_single=True))
        blocks.sort(key=lambda block: block.at)
        return blocks[::-1]

    def _sent(self, campaign_activity_id: str) -> Iterator[tuple[Mailing, str]]:
        """Yield the mailings of an activity, and how their sheets name it."""
        for mailing in self._events.mailings.get(campaign_activity_id, ()):
            is_own = mailing.mail["campaign_activity_id"] == campaign_activity_id
            yield mailing, "" if is_own else campaign_activity_id

    def people(self, campaign_activity_id: str, kind: str) -> frozenset[str]:
        """Return the contacts of an activity's events of a type."""
        return self.rows(campaign_activity_id, kind).people()

    def figures(self, activities: Sequence[str], kind: str) -> Figures:
        """Return the figures of several activities' events of a type."""
        self._refresh()
        sheets = [(of.sheet, name) for key in activities for of, name in self._sent(key)]
        alike = kind, *sheets
        if any((key, kind) in self._singles for key in activities):
            return self._count(activities, kind)
        if alike not in self._figures:
            self._figures[alike] = self._count(activities, kind)
        return self._figures[alike]

    def _count(self, activities: Sequence[str], kind: str) -> Figures:
        blocks = [block for key in activities for block in self.rows(key, kind).blocks]
        devices: Counter[str] = Counter()
        for block in blocks:
            devices[block.row.get("device_type", "none")] += len(block.who)
        return Figures(len(Rows(self._contacts, blocks).last_of_each()), devices)
