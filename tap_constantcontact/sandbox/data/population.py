"""The contacts: the first ones have lives of their own, and those after them live as these do.

So an account of any size begins at once: a contact after the first ones is made when it is asked
for, from the one that it lives like, with keys, an address and instants of its own.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress, cycle, islice
from math import ceil, floor
from operator import neg

from tap_constantcontact.sandbox.data.basics import (
    EVER,
    FIRST_NEWSLETTER,
    FIRST_TICK,
    TICKS_A_SECOND,
    Row,
    Span,
    is_in,
    parse,
    write,
)

LIVES = 300
"""How many contacts have lives of their own; contact number n lives as number n % LIVES does."""

LAST_JOINED = FIRST_NEWSLETTER - timedelta(hours=1)
DELAY = timedelta(minutes=30)
"""How long after it joined a contact was last updated that nobody edited; less than an hour."""

SECOND = timedelta(seconds=1)
Place = int | str
"""A contact's number; its `contact_id` if it joined after the first newsletter, or by SMS."""


@dataclass(frozen=True)
class Pattern:
    """A contact as those are made that live like it.

    Attributes:
        row: The contact.
        text: The same as JSON.
        instants: When it joined, in the three forms.
        dated: Its keys that tell when it joined.
        random: Its other keys.
        is_edited: Whether its `updated_at` tells of a later day than that it joined.
    """

    row: Row
    text: str
    instants: list[str]
    dated: list[str]
    random: list[str]
    is_edited: bool


class Contacts(MutableMapping[str, Row]):
    """Contacts by `contact_id`; one that was looked up is kept, so that it can be changed.

    Args:
        size: How many there are before the first newsletter.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        longest = timedelta(days=3650) // (size or 1) // SECOND * SECOND
        self._step = min(timedelta(hours=30), longest)
        self._rows: dict[str, Row] = {}
        self._firsts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._patterns: list[Pattern] = []
        self._taken: defaultdict[int, set[int]] = defaultdict(set)
        self._last: tuple[object, list[int]] = None, []

    def joined_at(self, number: int) -> datetime:
        """Return when the n-th contact joined."""
        return LAST_JOINED - self._step * (self.size - number)

    def repeat(self) -> None:
        """Let the contacts after the first ones be as these are now."""
        if self.size <= LIVES:
            return
        for number, key in enumerate(self._firsts):
            text, joined = json.dumps(self._rows[key]), self.joined_at(number)
            row = json.loads(text)
            dated = [phone["phone_number_id"] for phone in row["phone_numbers"]]
            dated += [place["street_address_id"] for place in row["street_addresses"]]
            random = [note["note_id"] for note in row["notes"]]
            random += [row[name][f"{name}_id"] for name in ("sms_channel",) if name in row]
            is_edited = parse(row["updated_at"]) - joined >= timedelta(hours=1)
            instants = [write(joined, form) for form in range(3)]
            pattern = Pattern(row, text, instants, [key, *dated], random, is_edited)
            self._patterns.append(pattern)

    # Places

    def place(self, contact_id: str) -> Place:
        """Return where a contact is."""
        number = self._numbers.get(contact_id)
        if number is None:
            number = self._copy_of_key(contact_id)
        return contact_id if number is None else number

    def _copy_of_key(self, contact_id: str) -> int | None:
        """Return the number of a contact after the first ones; its key tells when it joined."""
        if not self._patterns:
            return None
        try:
            made = FIRST_TICK + _ticks(contact_id) // TICKS_A_SECOND * SECOND
        except ValueError:
            return None
        number = self.size - (LAST_JOINED - made) // self._step
        known = LIVES <= number < self.size and self.key(number) == contact_id
        return number if known else None

    def key(self, place: Place) -> str:
        """Return the `contact_id` of a place."""
        if isinstance(place, str):
            return place
        life = place % LIVES
        return _later(self._firsts[life], self._step * (place - life))

    def life(self, place: Place) -> Place:
        """Return the place of the contact that this one lives like, maybe its own."""
        return place % LIVES if isinstance(place, int) else place

    def alike(self, life: Place) -> Sequence[Place]:
        """Return the places of those who live like a contact, itself included."""
        return range(life, self.size, LIVES) if isinstance(life, int) else (life,)

    def lives(self, suits: Callable[[Row], bool]) -> list[Place]:
        """Return the places of the contacts with lives of their own that suit."""
        places = ((self.place(key), row) for key, row in self._rows.items())
        return [place for place, row in places if self.life(place) == place and suits(row)]

    # Rows

    def row(self, place: Row | int) -> Row:
        """Return a contact of what `newest_first` found."""
        return self._copy(place) if isinstance(place, int) else place

    def look(self, contact_id: str) -> Row | None:
        """Return a contact that is not to be changed, or None if there is none."""
        if contact_id in self._rows:
            return self._rows[contact_id]
        number = self._untaken(contact_id)
        return None if number is None else self._copy(number)

    def _untaken(self, contact_id: str) -> int | None:
        number = self._copy_of_key(contact_id)
        return None if number is None or number in self._taken[number % LIVES] else number

    def _copy(self, number: int) -> Row:
        life = number % LIVES
        pattern = self._patterns[life]
        joined, later = self.joined_at(number), self._step * (number - life)
        swaps = {old: write(joined, form) for form, old in enumerate(pattern.instants)}
        swaps |= {key: _later(key, later) for key in pattern.dated}
        swaps |= {key: f"{key[:-8]}{int(key[-8:], 16) ^ number:08x}" for key in pattern.random}
        swaps[f".{life}@"] = f".{number}@"
        text = pattern.text
        for old, new in swaps.items():
            text = text.replace(old, new)
        row: Row = json.loads(text)
        if not pattern.is_edited:
            row["updated_at"] = write(joined + DELAY, 1)
        return row

    def weighed(self) -> Iterator[tuple[Row, int]]:
        """Yield contacts, and how many there are that differ in nothing but keys and instants."""
        yield from ((row, 1) for row in self._rows.values())
        for life, pattern in enumerate(self._patterns):
            yield pattern.row, len(self.alike(life)) - 1 - len(self._taken[life])

    def newest_first(
        self,
        suits: Callable[[Row], bool],
        created: Span = EVER,
        updated: Span = EVER,
        address: str | None = None,
    ) -> list[Row | int]:
        """Return contacts, the newest first: rows, or numbers of which `row` makes rows.

        Args:
            suits: Whether a contact suits, its keys, address and the two spans aside.
            created: When it was created.
            updated: When it was updated.
            address: Its e-mail address, if only that one is wanted.
        """
        own = sorted(
            (
                (parse(row["created_at"]), key, row)
                for key, row in self._rows.items()
                if address in (None, row.get("email_address", {}).get("address"))
                and suits(row)
                and is_in(created, row["created_at"])
                and is_in(updated, row["updated_at"])
            ),
            key=lambda entry: entry[:2],
            reverse=True,
        )
        copies = self._copies(suits, created, updated)
        if address is not None:
            copies = [number for number in copies if f".{number}@" in address]
            copies = [of for of in copies if self._copy(of)["email_address"]["address"] == address]
        found: list[Row | int] = []
        at = 0
        for made, _, row in own:
            oldest = self.size - (LAST_JOINED - made) / self._step
            place = bisect_left(copies, -oldest, at, key=neg)
            found += copies[at:place]
            found.append(row)
            at = place
        return found + copies[at:]

    def _copies(self, suits: Callable[[Row], bool], created: Span, updated: Span) -> list[int]:
        """Return the numbers of the contacts that are made from others, the largest first."""
        quiet = [not of.is_edited and suits(of.row) for of in self._patterns]
        edited = [
            of.is_edited and suits(of.row) and is_in(updated, of.row["updated_at"])
            for of in self._patterns
        ]
        first, end = self._joined_in(created)
        delay = DELAY.total_seconds()
        later, before = self._joined_in((updated[0] - delay, updated[1] - delay))
        taken = set().union(*self._taken.values())
        quietly, edited_ones = range(max(first, later), min(end, before)), range(first, end)
        asked = quiet, quietly, edited, edited_ones, taken
        if self._last[0] != asked:
            found: list[int] = []
            for suiting, among in ((quiet, quietly), (edited, edited_ones)):
                found += compress(among, islice(cycle(suiting), among.start % LIVES, None))
            found.sort(reverse=True)
            self._last = asked, [number for number in found if number not in taken]
        return self._last[1]

    def _joined_in(self, span: Span) -> tuple[int, int]:
        """Return the numbers of the first contact that joined in a span, and after the last."""
        last, step = LAST_JOINED.timestamp(), self._step.total_seconds()
        after, before = (
            min(max(self.size - (last - instant) / step, LIVES - 1), self.size) for instant in span
        )
        return floor(after) + 1, ceil(before)

    # A mapping

    def __getitem__(self, contact_id: str) -> Row:
        if contact_id not in self._rows and (number := self._untaken(contact_id)) is not None:
            self[contact_id] = self._copy(number)
        return self._rows[contact_id]

    def __setitem__(self, contact_id: str, row: Row) -> None:
        if len(self._firsts) < min(self.size, LIVES):
            self._numbers[contact_id] = len(self._firsts)
            self._firsts.append(contact_id)
        elif (number := self._untaken(contact_id)) is not None:
            self._taken[number % LIVES].add(number)
        self._rows[contact_id] = row

    def __delitem__(self, contact_id: str) -> None:
        self[contact_id]
        del self._rows[contact_id]

    def __iter__(self) -> Iterator[str]:
        taken = set().union(*self._taken.values())
        yield from [*self._rows]
        if self._patterns:
            yield from (self.key(n) for n in range(LIVES, self.size) if n not in taken)

    def __len__(self) -> int:
        return sum(number for _, number in self.weighed())

    def __contains__(self, contact_id: object) -> bool:
        key = str(contact_id)
        return key in self._rows or self._untaken(key) is not None


def _ticks(key: str) -> int:
    """Return the time of a key of version 1, in tenths of a microsecond."""
    low, middle, high, _ = key.split("-", 3)
    return int(high[1:] + middle + low, 16)


def _later(key: str, by: timedelta) -> str:
    """Return a key of version 1 that is like another, but so much later."""
    ticks = _ticks(key) + by // SECOND * TICKS_A_SECOND
    low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48
    return f"{low:08x}-{middle:04x}-1{high:03x}-{key.split('-', 3)[3]}"
