"""The form of the state, and the validation of a state that comes in.

Runners merge a state into the last one, key by key and object by object (Meltano does so after
`--full-refresh` and with `--state-strategy=merge`). So what a bookmark no longer holds would come
back if its key were just left out: every key is always written, null where it holds nothing. A key
is either always an object or never one, as such a merge cannot put an object in the place of a
null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.windows import parse_instant

SWEEP_VERSION = 2
"""Of the form in which a bookmark keeps a sweep."""

LONGEST = 100
"""Characters in the longest text that a state of ours holds: what is longer is not of ours."""

ACCOUNT = "account"
"""Where a state, beside its bookmarks, keeps a fingerprint of the account that it was written for.

It stays where a later run does not know its account: a runner may merge states key by key, so that
what is left out comes back.
"""

TRANSIENT = ("starting_replication_value", "progress_markers", "replication_key_signpost")
"""What the SDK keeps in a bookmark while a run lasts."""


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
    "contact_id": _text,
    "settings": _text,
}
NO_SWEEP: Mapping[str, Any] = {"version": SWEEP_VERSION, **dict.fromkeys(SWEEP)}
"""What a bookmark holds in the place of a sweep while none is under way."""

BOOKMARK: Mapping[str, Callable[[Any], None]] = {
    "replication_key": _text,
    "replication_key_value": _instant,
    "full_read_at": _instant,
    "swept_at": _instant,
    "filters": _text,
    "sweep": _sweep,
}


def written_for(state: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of the account that a state was written for, where it tells one."""
    told = state.get(ACCOUNT)
    return told if isinstance(told, str) and 0 < len(told) <= LONGEST else None


def _holds(key: str, value: Any) -> bool:
    try:
        if value is not None or key == "sweep":
            BOOKMARK[key](value)
    except (KeyError, OverflowError, TypeError, ValueError):
        return False
    return key in BOOKMARK


def sound(
    state: Any, streams: Iterable[str], warn: Callable[[str, str, str], None]
) -> dict[str, Any]:
    """Return what can be relied upon of a state.

    Args:
        state: The state as it was given to the run.
        streams: Names of the streams whose bookmarks are of interest.
        warn: Is told the stream, the key and what comes of it, for each part left out.

    Raises:
        ConfigValidationError: It is no Singer state at all.
    """
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict):
        raise ConfigValidationError(
            "Config validation failed",
            errors=["the state holds no bookmarks: give the value of the last STATE message"],
        )
    kept: dict[str, Any] = {}
    for stream in streams:
        bookmark = bookmarks.get(stream, {})
        if not isinstance(bookmark, dict):
            warn(stream, "bookmark", "all is read again")
            continue
        kept[stream] = {}
        for key, value in bookmark.items():
            if _holds(key, value):
                kept[stream][key] = value
            elif key not in TRANSIENT:
                warn(stream, key, CONSEQUENCE.get(key, "it is left out"))
    return {"bookmarks": {stream: bookmark for stream, bookmark in kept.items() if bookmark}}


CONSEQUENCE = {
    "replication_key_value": "the stream is read from the start",
    "sweep": "a new sweep begins",
    "full_read_at": "all contacts are read again",
}
