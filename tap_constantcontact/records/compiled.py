"""Conversion of rows that have the documented types, by compiled code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from datetime import timezone
from sys import float_info
from typing import Annotated, Any, ClassVar

import msgspec

from tap_constantcontact.config.dates import ZONED

Normalize = Callable[[Any], None]

_INTEGER = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_NUMBER = Annotated[float, msgspec.Meta(ge=-float_info.max, le=float_info.max)]

TYPES: dict[str, Any] = {
    "boolean": bool,
    "integer": _INTEGER,
    "number": _INTEGER | _NUMBER,
    "string": str,
}
"""For each JSON type of a scalar, the type that its values must have."""


UNFIT_NAME = re.compile(r'["\\\x00-\x1f]').search
"""Finds what the name of a compiled field cannot have: a row with such a field does not fit."""


class UnfitRowError(ValueError):
    """A row that does not have the types in its schema, or has fields that are not in it."""


class TypedRow(msgspec.Struct, gc=False):
    """A record that can be read like a dictionary.

    60,000 contacts take 30 % less processor time than as dictionaries.

    Attributes:
        attributes: For each name in the schema, the attribute that holds its value.
    """

    attributes: ClassVar[Mapping[str, str]]

    def __getitem__(self, name: str) -> Any:
        """Return a value as JSON has it.

        Raises:
            KeyError: The record has no value of that name.
        """
        value = getattr(self, self.attributes[name])
        if value is msgspec.UNSET:
            raise KeyError(name)
        return msgspec.to_builtins(value)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value as JSON has it, or a default if the record has no value of that name."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the names of the record's values, in the order of the schema."""
        return {
            name: None
            for name, attribute in self.attributes.items()
            if getattr(self, attribute) is not msgspec.UNSET
        }.keys()

    def __iter__(self) -> Iterator[str]:
        """Return an iterator over the names of the record's values."""
        return iter(self.keys())

    def __len__(self) -> int:
        """Return the number of the record's values."""
        return len(self.keys())


Mapping.register(TypedRow)


class TypedConformer:
    """Converts rows that fit their schema exactly, many times faster than a `Conformer`.

    Both make the same records of such rows.

    Args:
        schema: The rows' JSON schema.

    Example:
        >>> at = {"type": ["string", "null"], "format": "date-time"}
        >>> conform = TypedConformer({"properties": {"at": at}})
        >>> conform({"at": "2026-01-31T07:00:00-05:00"})
        {'at': '2026-01-31T12:00:00Z'}
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._row, self._normalize = _compiled(schema, (TypedRow,))
        self._rows = msgspec.json.Decoder(list.__class_getitem__(self._row))

    def __call__(self, row: Any) -> dict[str, Any]:
        """Convert a row, whose texts have no unpaired surrogates and no U+0000, into a record.

        Raises:
            UnfitRowError: It does not fit.
        """
        try:
            struct = msgspec.convert(row, self._row)
            if self._normalize:
                self._normalize(struct)
        except (msgspec.ValidationError, OverflowError) as error:
            raise UnfitRowError from error
        record: dict[str, Any] = msgspec.to_builtins(struct)
        return record

    def decode(self, rows: msgspec.Raw) -> list[Mapping[str, Any]]:
        """Convert an array of rows, in valid JSON, into records.

        Raises:
            UnfitRowError: One does not fit.
        """
        try:
            records: list[Mapping[str, Any]] = self._rows.decode(rows)
            if self._normalize:
                for record in records:
                    self._normalize(record)
        except (msgspec.MsgspecError, OverflowError, RecursionError) as error:
            raise UnfitRowError from error
        return records


def _compiled(
    schema: Mapping[str, Any], bases: tuple[type, ...] = ()
) -> tuple[Any, Normalize | None]:
    """Return the type of a value, and what brings the date-times within it to UTC, if any are."""
    if "properties" in schema:
        return _object(schema["properties"], bases)
    if "items" in schema:
        item, normalize = _compiled(schema["items"])
        array: Any = list.__class_getitem__(item)
        return array, _each(normalize) if normalize else None
    names = schema.get("type", ())
    wanted = (names,) if isinstance(names, str) else names
    return next((TYPES[name] for name in TYPES if name in wanted), Any), None


def _object(properties: Mapping[str, Any], bases: tuple[type, ...]) -> tuple[Any, Normalize | None]:
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    instants: list[str] = []
    parts: list[tuple[str, Normalize]] = []
    for number, (name, schema) in enumerate(properties.items()):
        if UNFIT_NAME(name):
            continue
        attribute = f"field_{number}"
        names[attribute] = name
        if schema.get("format") == "date-time":
            wanted: Any = ZONED
            instants.append(attribute)
        else:
            wanted, normalize = _compiled(schema)
            if normalize:
                parts.append((attribute, normalize))
        fields.append((attribute, wanted | None | msgspec.UnsetType, msgspec.UNSET))
    struct = msgspec.defstruct(
        "Row",
        fields,
        bases=bases,
        namespace={"attributes": {name: attribute for attribute, name in names.items()}},
        rename=names,
        forbid_unknown_fields=True,
        gc=False,
    )
    return struct, _in_utc(instants, parts) if instants or parts else None


def _in_utc(instants: Sequence[str], parts: Sequence[tuple[str, Normalize]]) -> Normalize:
    def normalize(struct: Any) -> None:
        for name in instants:
            value = getattr(struct, name)
            if value and value.tzinfo is not timezone.utc:
                setattr(struct, name, value.astimezone(timezone.utc))
        for name, normalize_part in parts:
            if part := getattr(struct, name):
                normalize_part(part)

    return normalize


def _each(normalize: Normalize) -> Normalize:
    def normalize_all(values: list[Any]) -> None:
        for value in values:
            normalize(value)

    return normalize_all
