"""The removal of deselected properties."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.records.selection import Selection


def test_nothing_deselected_needs_no_removal() -> None:
    schema: dict[str, Any] = {"properties": {"part": {"properties": {"name": {}}}}}
    mask = {("properties", "part"): True, ("properties", "part", "properties", "name"): True}
    assert not Selection(schema, mask)
