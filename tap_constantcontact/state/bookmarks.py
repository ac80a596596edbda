"""The state: the bookmarks of all streams. This module alone reads and writes it.

A bookmark is the instant at which the last finished run began, not the newest value that the run
saw: rows may change while they are being read, after the run has passed them.

Runners may merge a new state into the last one, key by key and object by object (Meltano does so
after `--full-refresh` and with `--state-strategy=merge`). A key left out of the new state would
keep its old value. So every key is always written, as null if it has no value. And no value is an
object, because such a merge cannot replace null with an object.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from pendulum import DateTime

from tap_constantcontact.config.dates import parse_instant, rfc3339

LONGEST = 100
"""Maximum number of characters of a text in a state."""

ACCOUNT = "account"
"""Key of the fingerprint of the account that a state was written for.

It is stored beside the bookmarks and in each of them, as a merge may mix the states of two
accounts. A later run that does not know its account leaves it unchanged.
"""

UNKNOWN = math.inf
"""Creation date of a parent that has none: it comes last, and is never stored as a place."""

SETTLED = 3600.0
"""Seconds before a sweep from which on parents count as added since, as clocks differ."""


class Place(NamedTuple):
    """A parent's place in a sweep.

    Attributes:
        created_at: Creation date in seconds since the epoch; 0 if the parent's id is from a setting
            and not from the API, `UNKNOWN` if the API sent no date.
        parent_id: Key of the parent.
    """

    created_at: float
    parent_id: str

    @classmethod
    def of(cls, created_at: str | None, parent_id: str) -> Place:
        """Return the place of a parent, given its creation date-time, or None if it has none."""
        return cls(parse_instant(created_at).timestamp() if created_at else UNKNOWN, parent_id)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep under way, which reads the newest parents first, and then those added since.

    A state holds it as a short text, under the key that otherwise tells when the last one finished.

    Attributes:
        began: When it began; settings such as `report_days_back` count from it.
        settings: Fingerprint of the settings that decide what it reads.
        place: The last parent whose records are all written, if there is one.
        part: The last part of the next parent whose records are all written, if there is one.

    Example:
        >>> sweep = Sweep(parse_instant("2026-02-01"), "f00d", Place.of("2025-12-24", "7"))
        >>> str(sweep)
        '2026-02-01T00:00:00Z f00d 2025-12-24T00:00:00Z 7'
        >>> Sweep.parse(str(sweep)) == sweep
        True
        >>> str(Sweep(sweep.began, "f00d", sweep.place, "a b"))
        '2026-02-01T00:00:00Z f00d+a%20b 2025-12-24T00:00:00Z 7'
        >>> older, newer = Place.of("2025-12-23", "8"), Place.of("2026-02-02", "9")
        >>> sweep.rest([newer, sweep.place, older]) == [older, newer]
        True
    """

    began: DateTime
    settings: str
    place: Place | None = None
    part: str | None = None

    def __str__(self) -> str:
        part = "" if self.part is None else f"+{quote(self.part, safe='')}"
        parts = [rfc3339(self.began), self.settings + part]
        if self.place:
            created_at = datetime.fromtimestamp(self.place.created_at, timezone.utc)
            parts += [rfc3339(created_at), self.place.parent_id]
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> Sweep:
        """Return the sweep of a text.

        Raises:
            ValueError: The text is not that of a sweep.
        """
        began, shape, *place = text.split(" ", 3)
        settings, plus, part = shape.partition("+")
        return cls(
            parse_instant(began),
            settings,
            Place.of(*place) if place else None,
            unquote(part) if plus else None,
        )

    def rest(self, places: Iterable[Place]) -> list[Place]:
        """Return those parents that are still to be read, in order."""
        rest = sorted(places, key=self._order)
        if self.place is None:
            return rest
        return rest[bisect_right(rest, self._order(self.place), key=self._order) :]

    @property
    def settled(self) -> float:
        """Instant after which parents count as added since, in seconds since the epoch."""
        return self.began.timestamp() - SETTLED

    def _order(self, place: Place) -> tuple[int, float, str]:
        is_added = place.created_at > self.settled
        return is_added + (place.created_at == UNKNOWN), -place.created_at, place.parent_id


class Bookmark:
    """The bookmark of one stream: its part of the tap's state, which it changes.

    Example:
        >>> state = {}
        >>> bookmark = Bookmark(state, "contacts")
        >>> bookmark.update(replication_key_value="2026-01-31T12:00:00Z")
        >>> bookmark["replication_key_value"], state
        ('2026-01-31T12:00:00Z', {'bookmarks': {'contacts': {'replication_key_value': \
'2026-01-31T12:00:00Z'}}})
    """

    def __init__(self, state: dict[str, Any], stream: str) -> None:
        self._state = state
        self._stream = stream

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key, or None if it has none."""
        return self._state.get("bookmarks", {}).get(self._stream, {}).get(key)

    def update(self, **values: Any) -> None:
        """Set the values of some keys."""
        self._written.update(values)

    def ensure(self, *keys: str) -> None:
        """Write null for keys without a value, so that a merge brings no old values back."""
        for key in keys:
            self._written.setdefault(key, None)
        if ACCOUNT in keys:
            self.update(**{ACCOUNT: self._state.get(ACCOUNT) or self[ACCOUNT]})

    @property
    def _written(self) -> dict[str, Any]:
        bookmarks: dict[str, dict[str, Any]] = self._state.setdefault("bookmarks", {})
        return bookmarks.setdefault(self._stream, {})

    @property
    def is_set(self) -> bool:
        """Whether an earlier run, or sweep, has read anything."""
        return bool(self["replication_key_value"] or self["sweep"])

    @property
    def sweep(self) -> Sweep | None:
        """The sweep that is under way, if one is."""
        kept = self["sweep"]
        return Sweep.parse(kept) if kept and " " in kept else None

    def sweep_under(self, settings: str) -> Sweep | None:
        """Return the sweep that is under way under settings with this fingerprint, if one is."""
        sweep = self.sweep
        return sweep if sweep and sweep.settings == settings else None

    @property
    def swept_at(self) -> str | None:
        """When the last sweep finished, unless another one is under way."""
        kept: str | None = self["sweep"]
        return None if kept is None or " " in kept else kept


def written_for(state: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the account that a state was written for, if it has one."""
    found = state.get(ACCOUNT)
    return found if isinstance(found, str) and 0 < len(found) <= LONGEST else None
