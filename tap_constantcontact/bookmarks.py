"""The state: what a run knows of the runs before it. It is read, validated and written here alone.

A bookmark is the instant at which a finished run began, not the newest value that it saw, which
says nothing of the changes made behind the reader's back.

Runners merge a state into the last one, key by key and object by object (Meltano does so after
`--full-refresh` and with `--state-strategy=merge`). So what a bookmark no longer holds would come
back if its key were just left out: every key is always written, null where it holds nothing. A key
is either always an object or never one, as such a merge cannot put an object in the place of a
null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from pendulum import DateTime

from tap_constantcontact.exceptions import refused
from tap_constantcontact.records import rfc3339
from tap_constantcontact.windows import parse_instant

SWEEP_VERSION = 2
"""Version of the form in which a bookmark keeps a sweep."""

LONGEST = 100
"""Number of characters in the longest text that the tap writes into a state."""

ACCOUNT = "account"
"""Where a state keeps a fingerprint of the account that it was written for.

It stands beside the bookmarks, and in each of them, as a merge may mix the states of two accounts.
It stays where a later run does not know its account.
"""

TRANSIENT = ("starting_replication_value", "progress_markers", "replication_key_signpost")
"""What the SDK keeps in a bookmark while a run lasts."""

UNKNOWN = math.inf
"""The date of a parent without one: the parent comes last, and is not kept as a place."""


class Place(NamedTuple):
    """A parent's place in the order of a sweep.

    Attributes:
        created_at: Seconds since the epoch; 0 where the API was not asked, `UNKNOWN` where it gave
            none.
        parent_id: Key of the parent.
    """

    created_at: float
    parent_id: str

    @classmethod
    def of(cls, created_at: str | None, parent_id: str) -> Place:
        """Return the place of a parent that was created at a date-time, or at no known one."""
        return cls(parse_instant(created_at).timestamp() if created_at else UNKNOWN, parent_id)


START = Place(-math.inf, "")
"""Before any parent."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep under way.

    Attributes:
        began: When it began; what "days back" counts from.
        place: The last parent whose rows are all out.
        settings: Fingerprint of the settings that shape it.
    """

    began: DateTime
    settings: str
    place: Place = START

    def described(self) -> dict[str, Any]:
        """Return what a bookmark keeps of it."""
        return {
            "version": SWEEP_VERSION,
            "began": rfc3339(self.began),
            "created_at": rfc3339(datetime.fromtimestamp(self.place.created_at, timezone.utc)),
            "parent_id": self.place.parent_id,
            "settings": self.settings,
        }


class Bookmark:
    """What the state holds of one stream.

    Args:
        state: The state of the tap, which is written to.
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
        """Return what a key holds, None where it holds nothing."""
        return self._state.get("bookmarks", {}).get(self._stream, {}).get(key)

    def update(self, **values: Any) -> None:
        """Set some keys."""
        self._written.update(values)

    def write_all_keys(self, *keys: str) -> None:
        """Have these keys in the state, as one that is left out keeps an older state's value."""
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
        """The sweep that an earlier run left unfinished."""
        kept = self["sweep"]
        if not kept or kept["began"] is None:
            return None
        place = Place.of(kept["created_at"], kept["parent_id"])
        return Sweep(parse_instant(kept["began"]), kept["settings"], place)

    @sweep.setter
    def sweep(self, sweep: Sweep | None) -> None:
        self.update(sweep=sweep.described() if sweep else dict(NO_SWEEP))


# Validation


def _text(value: Any) -> None:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError


def _instant(value: Any) -> None:
    _text(value)
    parse_instant(value)


def _sweep(value: Any) -> None:
    if value == NO_SWEEP:
        return
    if value["version"] != SWEEP_VERSION or value.keys() != NO_SWEEP.keys():
        raise ValueError
    for name, check in SWEEP.items():
        check(value[name])


SWEEP: Mapping[str, Callable[[Any], None]] = {
    "began": _instant,
    "created_at": _instant,
    "parent_id": _text,
    "settings": _text,
}
NO_SWEEP: Mapping[str, Any] = {"version": SWEEP_VERSION, **dict.fromkeys(SWEEP)}
"""What a bookmark holds in the place of a sweep while none is under way."""

KEYS: Mapping[str, Callable[[Any], None]] = {
    ACCOUNT: _text,
    "replication_key": _text,
    "replication_key_value": _instant,
    "full_read_at": _instant,
    "swept_at": _instant,
    "filters": _text,
    "sweep": _sweep,
}
CONSEQUENCE = {
    "replication_key_value": "the stream is read from the start",
    "sweep": "a new sweep begins",
    "full_read_at": "all contacts are read again",
}


def written_for(state: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the account that a state was written for, where it tells one."""
    told = state.get(ACCOUNT)
    return told if isinstance(told, str) and 0 < len(told) <= LONGEST else None


def validated(
    state: Any, streams: Iterable[str], warn: Callable[[str, str], None]
) -> dict[str, Any]:
    """Return what can be trusted of a state, and drop the rest.

    Args:
        state: The state as it was given to the run.
        streams: Names of the streams whose bookmarks are of interest.
        warn: Is told what is dropped and what comes of it, for each part.

    Raises:
        ConfigValidationError: It is not a Singer state at all.
    """
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict):
        raise refused("the state holds no bookmarks: give the value of the last STATE message")
    account = written_for(state)
    kept: dict[str, Any] = {}
    for stream in streams:
        bookmark = bookmarks.get(stream, {})
        if not isinstance(bookmark, dict):
            warn(f"bookmark of {stream} is damaged or of another version", "all is read again")
            continue
        of_account = bookmark.get(ACCOUNT)
        if account and of_account and of_account != account:
            warn(f"bookmark of {stream} is of another account", "all is read again")
            continue
        kept[stream] = {key: value for key, value in bookmark.items() if _holds(key, value)}
        for key in bookmark.keys() - kept[stream].keys() - {*TRANSIENT}:
            warn(
                f"{key} of {stream} is damaged or of another version",
                CONSEQUENCE.get(key, "it is dropped"),
            )
    return {"bookmarks": {stream: bookmark for stream, bookmark in kept.items() if bookmark}}


def _holds(key: str, value: Any) -> bool:
    try:
        if value is not None or key == "sweep":
            KEYS[key](value)
    except (KeyError, OverflowError, TypeError, ValueError):
        return False
    return key in KEYS
