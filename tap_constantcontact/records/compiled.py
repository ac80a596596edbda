"""Conversion of rows that have the documented types, by compiled code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from sys import float_info
from typing import Annotated, Any, ClassVar

import msgspec

from tap_constantcontact.config.dates import ZONED
from tap_constantcontact.config.selection import Schema
from tap_constantcontact.config.validation import INTEGERS
from tap_constantcontact.records.conversion import Convert

_INTEGER = Annotated[int, msgspec.Meta(ge=INTEGERS[0], le=INTEGERS[-1])]
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


class CompiledRow(msgspec.Struct, gc=False):
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

    get, keys = Mapping.get, Mapping.keys

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the record's values, in the order of the schema."""
        for name, attribute in self.attributes.items():
            if getattr(self, attribute) is not msgspec.UNSET:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)


Mapping.register(CompiledRow)


class CompiledConverter:
    """Converts rows that fit their schema exactly, many times faster than a `LenientConverter`.

    Both make the same records of such rows. A field that is not in the schema makes a row unfit,
    unless it is among those to ignore, so none is dropped unseen.

    Args:
        schema: The rows' JSON schema.
        ignored: Paths of further fields that rows may have, which are dropped.
        lenient: For the paths of values that may have any type, the function that converts them.

    Example:
        >>> at = {"type": ["string", "null"], "format": "date-time"}
        >>> converter = CompiledConverter({"properties": {"at": at}})
        >>> (record,) = converter.records(msgspec.Raw(b'[{"at": "2026-01-31T07:00:00-05:00"}]'))
        >>> record["at"]
        '2026-01-31T12:00:00Z'
    """

    def __init__(
        self,
        schema: Schema,
        ignored: Collection[str] = (),
        lenient: Mapping[str, Convert] | None = None,
    ) -> None:
        self._ignored = ignored
        self._lenient = lenient or {}
        row, self._convert = self._compiled(schema, "", (CompiledRow,))
        self._decode = msgspec.json.Decoder(list.__class_getitem__(row)).decode

    def records(self, rows: msgspec.Raw) -> list[Mapping[str, Any]]:
        """Convert an array of rows, in valid JSON, into records.

        Raises:
            UnfitRowError: One does not fit.
        """
        try:
            records: list[Mapping[str, Any]] = self._decode(rows)
            if self._convert:
                for record in records:
                    self._convert(record)
        except (msgspec.MsgspecError, OverflowError, RecursionError) as error:
            raise UnfitRowError from error
        return records

    def _compiled(
        self, schema: Schema, path: str, bases: tuple[type, ...] = ()
    ) -> tuple[Any, Convert | None]:
        """Return the type of a value, and what converts it once it was decoded, if anything."""
        if convert := self._lenient.get(path):
            return Any, convert
        if "properties" in schema:
            return self._object(schema["properties"], path, bases)
        if "items" in schema:
            item, convert = self._compiled(schema["items"], f"{path}[]")
            return list.__class_getitem__(item), _each(convert) if convert else None
        if schema.get("format") == "date-time":
            return ZONED, _in_utc
        wanted = schema.get("type", ())
        return next((TYPES[name] for name in TYPES if name in wanted), Any), None

    def _object(
        self, properties: Mapping[str, Schema], path: str, bases: tuple[type, ...]
    ) -> tuple[Any, Convert | None]:
        prefix = f"{path}." if path else ""
        known: dict[str, tuple[Any, Convert | None]] = {}
        for name, schema in properties.items():
            if not UNFIT_NAME(name):
                wanted, convert = self._compiled(schema, f"{prefix}{name}")
                known[name] = wanted | None | msgspec.UnsetType, convert
        ignored = _direct(self._ignored, prefix) - properties.keys()
        every = known | dict.fromkeys(sorted(ignored), (msgspec.Raw, _nothing))
        attributes = {name: f"field_{number}" for number, name in enumerate(every)}
        struct = msgspec.defstruct(
            "Row",
            [(attributes[name], wanted, msgspec.UNSET) for name, (wanted, _) in every.items()],
            bases=bases,
            namespace={"attributes": {name: attributes[name] for name in known}},
            rename={attribute: name for name, attribute in attributes.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        conversions = {attributes[name]: convert for name, (_, convert) in every.items() if convert}
        return struct, _in_place(conversions) if conversions else None


def _in_place(conversions: Mapping[str, Convert]) -> Convert:
    """Return what converts some attributes of an object, and returns the object."""
    instants = [name for name, convert in conversions.items() if convert is _in_utc]
    others = [(name, convert) for name, convert in conversions.items() if convert is not _in_utc]

    def convert_all(struct: Any) -> Any:
        for name in instants:  # a call for each would take half as long again
            value = getattr(struct, name)
            if value and value.tzinfo is not timezone.utc:
                setattr(struct, name, _in_utc(value))
        for name, convert in others:
            value = getattr(struct, name)
            if value is not None and value is not msgspec.UNSET:
                setattr(struct, name, convert(value))
        return struct

    return convert_all


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(timezone.utc)


def _nothing(_: Any) -> Any:
    return msgspec.UNSET


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _direct(paths: Collection[str], prefix: str) -> set[str]:
    """Return the names in paths of fields directly under a prefix, which can be compiled."""
    names = {path[len(prefix) :] for path in paths if path.startswith(prefix)}
    return {name for name in names if not re.search(r"\.|\[\]", name) and not UNFIT_NAME(name)}
