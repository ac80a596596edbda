"""The properties of a stream that an entry of a catalog selects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

Breadcrumb = tuple[str, ...]
Mask = Mapping[Breadcrumb, bool]
Schema = Mapping[str, Any]

STEP = 2
"""Number of parts by which the breadcrumb of a property is longer than that of its object."""


class Declared(NamedTuple):
    """What a stream declares of itself; an object without `properties` in it may have any."""

    schema: Schema
    keys: Sequence[str]
    replication_key: str | None


class JSONSchema(msgspec.Struct):
    """The parts of a JSON schema that are read, with their types."""

    type: str | list[str] | None = None
    properties: dict[str, JSONSchema] | None = None
    items: JSONSchema | None = None
    anyOf: list[JSONSchema] | None = None  # noqa: N815 - the name in JSON schemas
    required: list[str] | None = None


class Metadata(msgspec.Struct):
    """The metadata of a stream or of one of its properties."""

    breadcrumb: list[str]
    metadata: dict[str, Any]


class Entry(msgspec.Struct):
    """An entry of a catalog, with the types of what is read of it."""

    tap_stream_id: str
    schema: JSONSchema
    stream: str | None = None
    stream_alias: str | None = None
    key_properties: list[str] | None = None
    replication_key: str | None = None
    replication_method: str | None = None
    selected: bool | None = None
    metadata: list[Metadata] = []


class Choice:
    """What an entry of a catalog selects of its stream.

    What the entry's schema lacks is deselected, such as a property that is newer than the catalog.

    Attributes, in which a property stands for itself by its breadcrumb:
        metadata: The metadata; that of the stream itself has an empty breadcrumb.
        root: The metadata of the stream itself; empty if it has none.
        in_entry: The schema of each property that the entry's schema has.
        known: The schema of each property that the stream declares, or that the entry has within
            an object in which the stream allows any.
        always_selected: The keys and the replication key.
        selected: Whether the stream is selected. Without any metadata, it is, as in the SDK.
    """

    def __init__(self, entry: Entry, schema: Schema, declared: Declared) -> None:
        self.entry = entry
        self.declared = declared
        self.metadata = {tuple(one.breadcrumb): one.metadata for one in entry.metadata}
        self.root = self.metadata.get((), {})
        self.in_entry = dict(_properties(schema))
        self.known = dict(_properties(declared.schema))
        open_to_any = {crumb for crumb, part in self.known.items() if _may_have_any(part)}
        for crumb, part in self.in_entry.items():
            if crumb[:-STEP] in open_to_any:
                open_to_any.add(crumb)
                self.known[crumb] = part
        self.always_selected = {
            ("properties", key) for key in (*declared.keys, declared.replication_key) if key
        }
        self.selected = not self.metadata or self.chooses((), or_else=False)

    @property
    def method(self) -> str:
        """The replication method of the stream."""
        if not self.declared.replication_key:
            return REPLICATION_FULL_TABLE
        named = self.entry.replication_key or self.root.get("replication-key")
        chosen = self.entry.replication_method or self.root.get("forced-replication-method")
        is_full = chosen == REPLICATION_FULL_TABLE or not (chosen or named)
        return REPLICATION_FULL_TABLE if is_full else REPLICATION_INCREMENTAL

    def as_entry(self) -> dict[str, Any]:
        """Return the parts of the entry that choose, without what has no effect.

        `key_properties` are for the target: the tap tells rows apart by the stream's own keys. The
        types are those of the stream, so that its records are valid by them.
        """
        metadata = {
            crumb: dict(self.metadata.get(crumb, {}))
            for crumb, part in self.known.items()
            if crumb in self.in_entry or not _may_have_any(part)
        }
        for crumb, choice in metadata.items():
            if choice.get("inclusion") != "unsupported" or crumb in self.always_selected:
                choice["inclusion"] = "automatic" if crumb in self.always_selected else "available"
            if self._is_lacking(crumb):
                choice["selected"] = False
        key = self.declared.replication_key
        root = {**self.root, "inclusion": "available", "selected": self.selected}
        return {
            "schema": {**self.declared.schema, "properties": self._schema_properties()},
            "metadata": [
                {"breadcrumb": [], "metadata": {**root, "replication-key": key}},
                *({"breadcrumb": [*crumb], "metadata": one} for crumb, one in metadata.items()),
            ],
            "key_properties": [*(self.named_keys or self.declared.keys)],
            "replication_key": key,
            "replication_method": self.method,
        }

    def _schema_properties(self) -> dict[str, Any]:
        """Return the stream's own properties, with discovered objects as the entry has them."""
        found = {
            name: self.in_entry.get(("properties", name)) if _may_have_any(part) else part
            for name, part in self.declared.schema["properties"].items()
        }
        return {name: part for name, part in found.items() if part is not None}

    def unknown_part(self, crumb: Breadcrumb) -> Breadcrumb | None:
        """Return the first part of a breadcrumb that is no property, or None if all are."""
        parts = (crumb[:length] for length in range(STEP, len(crumb) + STEP, STEP))
        return next((part for part in parts if part not in self.known), None)

    def lacking_items(self) -> Iterator[Breadcrumb]:
        """Yield the arrays of objects of which the entry's schema lacks some property."""
        for crumb in self.known.keys() & self.in_entry.keys():
            ours = dict(_properties(self.known[crumb].get("items") or {}))
            theirs = dict(_properties(self.in_entry[crumb].get("items") or {}))
            if ours.keys() - theirs.keys():
                yield crumb

    @property
    def named_keys(self) -> Sequence[str]:
        """The keys that the entry names."""
        return self.entry.key_properties or self.root.get("table-key-properties") or ()

    def chooses(self, crumb: Breadcrumb, *, or_else: bool = True) -> bool:
        """Return whether the metadata of a breadcrumb selects it, its object aside."""
        choice = self.metadata.get(crumb, {})
        given = (choice.get("selected"), choice.get("selected-by-default"), or_else)
        chosen = next(value for value in given if value is not None)
        return bool(chosen) and choice.get("inclusion") != "unsupported"

    def is_deselected(self, crumb: Breadcrumb) -> bool:
        """Return whether a property, or the object that it is within, is not selected."""
        if not crumb or crumb in self.always_selected:
            return False
        is_chosen = self.chooses(crumb) and not self._is_lacking(crumb)
        return not is_chosen or self.is_deselected(crumb[:-STEP])

    def _is_lacking(self, crumb: Breadcrumb) -> bool:
        """Return whether the entry's schema has the object, but not this property of it."""
        parent = crumb[:-STEP]
        is_object = not parent or "properties" in self.in_entry.get(parent, {})
        return crumb not in self.in_entry and is_object

    def names(self, within: Breadcrumb = ()) -> list[str]:
        """Return the names of the properties of the stream, or of an object of it."""
        return [crumb[-1] for crumb in self.known if crumb[:-STEP] == within]


def _properties(schema: Schema, within: Breadcrumb = ()) -> Iterator[tuple[Breadcrumb, Schema]]:
    for name, part in (schema.get("properties") or {}).items():
        crumb = (*within, "properties", name)
        yield crumb, part
        yield from _properties(part, crumb)


def _may_have_any(schema: Schema) -> bool:
    """Return whether a schema is that of an object whose properties are discovered."""
    return "object" in schema.get("type", ()) and "properties" not in schema


def path(crumb: Breadcrumb) -> str:
    """Return the name of a property, after the names of the objects that it is within.

    Example:
        >>> path(("properties", "email_address", "properties", "address"))
        'email_address.address'
    """
    return ".".join(crumb[1::STEP])
