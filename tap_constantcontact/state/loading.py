"""The state that a run is given: unwrapped, and freed of what cannot be trusted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from tap_constantcontact.config.dates import FIRST_DAY, LAST_DAY, parse_instant
from tap_constantcontact.exceptions import nearest, refused
from tap_constantcontact.records.conversion import printable
from tap_constantcontact.state.bookmarks import ACCOUNT, LONGEST, written_for
from tap_constantcontact.state.tally import parsed

LONGEST_TALLIES = 1000
"""Maximum number of characters of the tallies in a bookmark."""

CLOCK_MARGIN = timedelta(minutes=10)
"""By how much an instant in a state may be later than now, as the clocks of machines differ."""

IN_A_STATE = ("bookmarks", ACCOUNT, "currently_syncing")
"""Keys of a state. Other taps write the last one, which this tap does not use."""

TRANSIENT = ("starting_replication_value", "progress_markers", "replication_key_signpost")
"""Keys that the SDK keeps in a bookmark during a run; a state may still contain them."""

FROM_THE_START = "the stream is read from the start"

FULL_READ = "full_read_at"
BOOKMARK = "replication_key_value"

Warn = Callable[[str, str], None]
"""Called for each part that is dropped, with its description and the consequence."""


def unwrapped(state: Any) -> Any:
    """Return the state within the forms in which taps and runners keep one.

    These are a line of a tap's output, and what Meltano stores: a state of finished runs, and one
    of unfinished runs that it merges onto that. (Source: Meltano 4.4.)

    Example:
        >>> unwrapped({"type": "STATE", "value": {"singer_state": {"bookmarks": {}}}})
        {'bookmarks': {}}
    """
    if not isinstance(state, dict) or "bookmarks" in state:
        return state
    if state.get("type") == "STATE" and "value" in state:
        return unwrapped(state["value"])
    if "singer_state" in state:
        return unwrapped(state["singer_state"])
    if "completed" in state or "partial" in state:
        parts = [unwrapped(state.get(part) or {}) for part in ("completed", "partial")]
        return _merged(*parts) if all(isinstance(part, dict) for part in parts) else state
    return state


def _merged(old: Any, new: Any) -> Any:
    """Merge a state onto an older one, object by object and key by key."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return old | {key: _merged(old.get(key), value) for key, value in new.items()}


def validated(state: Any, streams: Collection[str], now: datetime, warn: Warn) -> dict[str, Any]:
    """Validate an unwrapped state: keep what can be trusted of some streams, and drop the rest.

    Raises:
        ConfigValidationError: It is not a Singer state.

    Example:
        >>> state = {"bookmarks": {"contacts": {"replication_key_value": "yesterday"}}}
        >>> validated(state, ["contacts"], parse_instant("2026-01-31"), print)
        replication_key_value of contacts is damaged or from another version the stream is read \
from the start
        {'bookmarks': {}}
    """
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    # The first state of a run may have nothing but the account.
    if not isinstance(bookmarks, dict) or not ("bookmarks" in state or {*state} <= {ACCOUNT}):
        raise refused("the state has no bookmarks: give the value of the last STATE message")
    account = written_for(state)
    if account is None and state.get(ACCOUNT) is not None:
        warn(f"{ACCOUNT} is damaged", "it is not checked whether the state belongs to this account")
    for name in sorted(state.keys() - {*IN_A_STATE}):
        warn(f"{printable(name)} is not known{nearest(name, IN_A_STATE)}", "it is dropped")
    for name in sorted(bookmarks.keys() - {*streams}):
        warn(
            f"bookmark of {printable(name)} belongs to no stream of this tap"
            f"{nearest(name, streams)}",
            "it is dropped, and the stream that it may be meant for is read from the start",
        )
    kept = {
        stream: _kept(stream, bookmarks[stream], account, now + CLOCK_MARGIN, warn)
        for stream in streams
        if stream in bookmarks
    }
    return {"bookmarks": {stream: bookmark for stream, bookmark in kept.items() if bookmark}}


def _kept(
    stream: str, bookmark: Any, account: str | None, latest: datetime, warn: Warn
) -> dict[str, Any]:
    """Return the part of a stream's bookmark that can be trusted."""
    if not isinstance(bookmark, dict):
        warn(f"bookmark of {stream} is damaged or from another version", FROM_THE_START)
        return {}
    of_account = bookmark.get(ACCOUNT)
    if account and isinstance(of_account, str) and of_account != account:
        warn(f"bookmark of {stream} belongs to another account", FROM_THE_START)
        return {}
    instants = {key: _instants(key, value) for key, value in bookmark.items()}
    damaged = {key for key, found in instants.items() if found is None}
    for key in sorted(damaged - {*TRANSIENT}):
        warn(
            f"{printable(key)} of {stream} is damaged or from another version",
            CONSEQUENCE.get(key, "it is dropped"),
        )
    future = {key for key, found in instants.items() if found and max(found) > latest}
    kept = {key: bookmark[key] for key in bookmark if key not in damaged | future}
    for key in sorted(future):
        consequence = CONSEQUENCE[key]
        if key == BOOKMARK and kept.get(FULL_READ):
            kept[BOOKMARK] = kept[FULL_READ]
            consequence = f"the stream is read from its last full reading, {kept[FULL_READ]}"
        warn(f"{key} of {stream} is later than now", consequence)
    return kept


# Values


def _text(value: Any) -> list[datetime]:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError
    return []


def _instant(value: Any) -> list[datetime]:
    _text(value)
    instant = parse_instant(value)
    if not FIRST_DAY <= instant.date() <= LAST_DAY:
        raise ValueError
    return [instant]


def _tallies(value: Any) -> list[datetime]:
    if len(value) > LONGEST_TALLIES:
        raise ValueError
    parsed(value)
    return []


def _sweep(value: Any) -> list[datetime]:
    if " " not in value:
        return _instant(value)
    began, settings, *place = value.split(" ", 3)
    for text in settings.split("+", 1):
        _text(text)
    if not place:
        return _instant(began)
    created_at, parent_id = place
    _text(parent_id)
    return [*_instant(began), *_instant(created_at)]


KEYS: Mapping[str, Callable[[Any], list[datetime]]] = {
    ACCOUNT: _text,
    "replication_key": _text,
    BOOKMARK: _instant,
    FULL_READ: _instant,
    "filters": _text,
    "counts": _tallies,
    "sweep": _sweep,
}
"""The keys of a bookmark, with what checks each one's value and returns the instants in it."""

CONSEQUENCE = {
    BOOKMARK: FROM_THE_START,
    "sweep": "a new sweep begins",
    FULL_READ: "everything is read again",
    "counts": "every campaign that changed lately is read again",
}
"""The effect of dropping a key, for the warning."""


def _instants(key: str, value: Any) -> list[datetime] | None:
    """Return the instants in a value, which cannot be later than now; None if it is damaged."""
    try:
        check = KEYS[key]
        return [] if value is None else check(value)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
