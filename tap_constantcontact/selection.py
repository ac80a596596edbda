"""The selected properties of a stream's records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Mask = Mapping[tuple[str, ...], bool]


class Selection:
    """Removes the deselected properties of records.

    The SDK looks up every property of every record; here the mask is read once a stream.

    Args:
        schema: JSON schema of the records.
        mask: Whether a property is selected, by its breadcrumb.

    Example:
        >>> schema = {"properties": {"name": {}, "age": {}}}
        >>> record = {"name": "Ida", "age": 3}
        >>> Selection(schema, {("properties", "name"): True, ("properties", "age"): False})(record)
        >>> record
        {'name': 'Ida'}
    """

    def __init__(
        self, schema: Mapping[str, Any], mask: Mask, breadcrumb: tuple[str, ...] = ()
    ) -> None:
        self._deselected: list[str] = []
        self._parts: list[tuple[str, Selection]] = []
        for name, part in schema.get("properties", {}).items():
            path = (*breadcrumb, "properties", name)
            if not mask[path]:
                self._deselected.append(name)
            elif "properties" in part and (selection := Selection(part, mask, path)):
                self._parts.append((name, selection))

    def __bool__(self) -> bool:
        """Return whether anything is deselected."""
        return bool(self._deselected or self._parts)

    def __call__(self, record: dict[str, Any]) -> None:
        """Remove the deselected properties of a record."""
        for name in self._deselected:
            record.pop(name, None)
        for name, selection in self._parts:
            if part := record.get(name):
                selection(part)
