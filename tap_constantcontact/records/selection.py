"""The selected properties of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tap_constantcontact.config.selection import Breadcrumb, Mask, Schema


class Selection:
    """Removes the deselected properties of records.

    The SDK looks up every property of every record; here the mask is read once a stream.

    Example:
        >>> schema = {"properties": {"name": {}, "age": {}}}
        >>> select = Selection(schema, {("properties", "name"): True, ("properties", "age"): False})
        >>> select({"name": "Ida", "age": 3})
        {'name': 'Ida'}
    """

    def __init__(self, schema: Schema, mask: Mask, breadcrumb: Breadcrumb = ()) -> None:
        self._deselected: set[str] = set()
        self._parts: list[tuple[str, Selection]] = []
        for name, part in schema.get("properties", {}).items():
            path = (*breadcrumb, "properties", name)
            if not mask[path]:
                self._deselected.add(name)
            elif "properties" in part and (selection := Selection(part, mask, path)):
                self._parts.append((name, selection))

    def __bool__(self) -> bool:
        """Return whether anything is deselected."""
        return bool(self._deselected or self._parts)

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the selected properties of a record."""
        selected = {name: record[name] for name in record if name not in self._deselected}
        for name, select in self._parts:
            if part := selected.get(name):
                selected[name] = select(part)
        return selected
