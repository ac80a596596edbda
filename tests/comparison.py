"""Records as tests compare them with the sandbox's data: by key, with instants for date-times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timezone
from typing import Any

from tap_constantcontact.sandbox.account import parse
from tests.parameters import has_events, primary_keys, stream_of

DATES = ("_at", "_date", "_on", "_time", "_timestamp")
MADE_BY_THE_RUN = ("counted_at", "last_refresh_time")
MADE_ON_THE_WAY = ("activity_id", *MADE_BY_THE_RUN)
"""Fields of a record that are not in the sandbox's data."""

OFFSET = re.compile(r" ?([+-]\d\d)(\d\d)$")
"""An offset as some date-times have it, which Python does not read."""


def key_of(stream: str, record: dict[str, Any]) -> Any:
    if has_events(stream_of(stream)):
        return record["contact_id"], record["activity_id"]
    key = tuple(
        instants(record[name], name)
        for name in primary_keys(stream_of(stream))
        if name not in MADE_BY_THE_RUN
    )
    return key[0] if len(key) == 1 else key


def instants(value: Any, name: str = "") -> Any:
    """Replace date-times by the instants that they mean, and drop what is made on the way."""
    if isinstance(value, dict):
        return {k: instants(v, k) for k, v in value.items() if k not in MADE_ON_THE_WAY}
    if isinstance(value, list):
        return [instants(item) for item in value]
    if isinstance(value, str) and name.endswith(DATES):
        return parse(OFFSET.sub(r"\1:\2", value)).astimezone(timezone.utc)
    return value


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def is_not_deleted(contact: Mapping[str, Any]) -> bool:
    return "deleted_at" not in contact
