"""From the rows that the API sends to the records that leave the tap."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tap_constantcontact.windows import parse_instant

_PLAIN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").fullmatch


class Conformer:
    """Fits rows to a stream's schema.

    Date-times, which the API sends in mixed zones and lengths, become RFC 3339 in UTC. Fields that
    the schema does not have are left out; ones that hold no date-time where one belongs become
    null.

    Attributes:
        unknown: Paths of the fields met so far that the schema does not have.
        unreadable: Paths of the fields met so far that held no date-time.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.unknown: set[str] = set()
        self.unreadable: set[str] = set()
        self._conform = self._conformer(schema, "")

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the record of a row."""
        record: dict[str, Any] = self._conform(row)
        return record

    def _conformer(self, schema: dict[str, Any], path: str) -> Callable[[Any], Any]:
        if "properties" in schema:
            return self._of_object(schema["properties"], path)
        if "items" in schema:
            return self._of_array(schema["items"], path)
        if schema.get("format") == "date-time":
            return self._of_date_time(path)
        return lambda value: value

    def _of_object(self, properties: dict[str, Any], path: str) -> Callable[[Any], Any]:
        prefix = f"{path}." if path else ""
        conformers = {
            name: self._conformer(schema, f"{prefix}{name}") for name, schema in properties.items()
        }

        def conform(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            record = {}
            for name, part in value.items():
                if name in conformers:
                    record[name] = conformers[name](part)
                else:
                    self.unknown.add(f"{prefix}{name}")
            return record

        return conform

    def _of_array(self, items: dict[str, Any], path: str) -> Callable[[Any], Any]:
        conform_item = self._conformer(items, f"{path}[]")
        return lambda value: (
            [conform_item(item) for item in value] if isinstance(value, list) else value
        )

    def _of_date_time(self, path: str) -> Callable[[Any], Any]:
        def conform(value: Any) -> str | None:
            instant = utc(value)
            if value and instant is None:
                self.unreadable.add(path)
            return instant

        return conform


def utc(value: Any) -> str | None:
    """Return a date-time of the API in UTC, one text for one instant; None for no date-time."""
    try:
        return value if _PLAIN_UTC(value) else rfc3339(parse_instant(value))
    except (ValueError, TypeError):
        return None


def rfc3339(instant: datetime) -> str:
    """Write an instant in UTC, with a fraction of a second only where it has one."""
    return instant.isoformat().replace("+00:00", "Z")
