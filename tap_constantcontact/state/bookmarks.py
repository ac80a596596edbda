"""The state: the bookmarks of all streams. This module alone reads and writes it.

A bookmark is the instant at which the last finished run began, not the newest value that the run
saw: rows may change while they are being read, after the run has passed them.

Runners may merge a new state into the last one, key by key and object by object (Meltano does so
after `--full-refresh` and with `--state-strategy=merge`). A key left out of the new state would
keep its old value. So every key is always written, as null if it has no value. And a key is either
always an object or never one, because such a merge cannot replace null with an object.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from pendulum import DateTime

from tap_constantcontact.config.dates import parse_instant
from tap_constantcontact.records.conversion import rfc3339

SWEEP_VERSION = 2
"""Version of the format of a sweep in a bookmark."""

LONGEST = 100
"""Maximum number of characters of a text in a state."""

ACCOUNT = "account"
"""Key of the fingerprint of the account that a state was written for.

It is stored beside the bookmarks and in each of them, as a merge may mix the states of two
accounts. A later run that does not know its account leaves it unchanged.
"""

NONE = "-"
"""The first part of a text of sweeps, as long as none has finished."""

NO_SWEEP: Mapping[str, Any] = {
    "version": SWEEP_VERSION,
    **dict.fromkeys(("began", "created_at", "parent_id", "settings")),
}
"""The value of a bookmark's key `sweep` while no sweep is under way."""

UNKNOWN = math.inf
"""Creation date of a parent that has none: it comes last, and is never stored as a place."""


class Place(NamedTuple):
    """A parent's place in the order of a sweep.

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


START = Place(-math.inf, "")
"""The place before all parents."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep under way.

    Attributes:
        began: When it began; settings such as `report_days_back` count from it.
        settings: Fingerprint of the settings that decide what it reads.
        place: The last parent whose records are all written.
    """

    began: DateTime
    settings: str
    place: Place = START

    def described(self) -> dict[str, Any]:
        """Return the sweep as it is stored in a bookmark."""
        return {
            "version": SWEEP_VERSION,
            "began": rfc3339(self.began),
            "created_at": rfc3339(datetime.fromtimestamp(self.place.created_at, timezone.utc)),
            "parent_id": self.place.parent_id,
            "settings": self.settings,
        }


class Bookmark:
    """The bookmark of one stream: its part of the state.

    Args:
        state: The state of the tap, which the bookmark changes.
        stream: Name of the stream.

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

    def write_all_keys(self, *keys: str) -> None:
        """Write these keys even if they are null, so that a merge brings no old values back."""
        self._written[ACCOUNT] = self._state.get(ACCOUNT) or self[ACCOUNT]
        for key in keys:
            self._written.setdefault(key, dict(NO_SWEEP) if key == "sweep" else None)

    @property
    def _written(self) -> dict[str, Any]:
        bookmark: dict[str, Any] = self._state.setdefault("bookmarks", {}).setdefault(
            self._stream, {}
        )
        return bookmark

    @property
    def sweep(self) -> Sweep | None:
        """The sweep that an earlier run left unfinished, if any."""
        kept = self["sweep"]
        if not kept or kept["began"] is None:
            return None
        place = Place.of(kept["created_at"], kept["parent_id"])
        return Sweep(parse_instant(kept["began"]), kept["settings"], place)

    @sweep.setter
    def sweep(self, sweep: Sweep | None) -> None:
        self.update(sweep=sweep.described() if sweep else dict(NO_SWEEP))

    @property
    def swept_at(self) -> str | None:
        """When the last sweep finished."""
        swept_at: str | None = self["swept_at"]
        return swept_at

    @swept_at.setter
    def swept_at(self, instant: str) -> None:
        self.update(swept_at=instant)


def written_for(state: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the account that a state was written for, if it has one."""
    found = state.get(ACCOUNT)
    return found if isinstance(found, str) and 0 < len(found) <= LONGEST else None
