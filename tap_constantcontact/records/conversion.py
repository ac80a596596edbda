"""Conversion of values, so that every record is valid under its stream's schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tap_constantcontact.config.dates import instant_of, read_rfc3339, rfc3339
from tap_constantcontact.config.selection import Schema
from tap_constantcontact.config.validation import INTEGERS

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}").fullmatch
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

Convert = Callable[[Any], Any]


class UnfitError(ValueError):
    """A value that cannot be converted to the type in the schema."""


class LenientConverter:
    """Converts any rows into records that are valid under a schema.

    A value of the wrong type is converted if its meaning is clear; otherwise it becomes null, or is
    left out of its array. Nulls in arrays are left out as well. Date-times, which the API sends in
    several time zones and precisions, become RFC 3339 in UTC. Fields that are not in the schema are
    dropped.

    Attributes:
        unknown: Paths of the fields seen so far that are not in the schema.
        converted: Paths of the values seen so far that had the wrong type and were converted.
        unreadable: Paths of the values seen so far that could not be converted.
        unfit: Paths of the values seen so far that compiled code does not take.
        converters: What converts the values at each path of the schema.

    Example:
        >>> lenient = LenientConverter({"properties": {"age": {"type": ["integer", "null"]}}})
        >>> lenient.record({"age": "3"}), lenient.record({"age": []})
        ({'age': 3}, {'age': None})
        >>> lenient.converted, lenient.unreadable
        ({'age'}, {'age'})
    """

    def __init__(self, schema: Schema) -> None:
        self.unknown: set[str] = set()
        self.converted: set[str] = set()
        self.unreadable: set[str] = set()
        self.unfit: set[str] = set()
        self.converters: dict[str, Convert] = {}
        self._convert = self._converter(schema, "")

    def record(self, row: dict[str, Any]) -> dict[str, Any]:
        """Convert a row."""
        record: dict[str, Any] = self._convert(row)
        return record

    def _converter(self, schema: Schema, path: str) -> Convert:
        self.converters[path] = converter = self._converter_for(schema, path)
        return converter

    def _converter_for(self, schema: Schema, path: str) -> Convert:
        if "properties" in schema:
            return self._of_object(schema["properties"], path)
        if "items" in schema:
            return self._of_array(schema["items"], path)
        if schema.get("format") == "date-time":
            return self._of_date_time(path)
        for name, read in READERS.items():
            if name in schema.get("type", ()):
                return self._of_scalar(path, read)
        return lambda value: value

    def _of_object(self, properties: Mapping[str, Schema], path: str) -> Convert:
        prefix = f"{path}." if path else ""
        converters = {
            name: self._converter(schema, f"{prefix}{name}") for name, schema in properties.items()
        }

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                return self._null(value, path)
            record = {}
            for name, part in value.items():
                if name in converters:
                    record[name] = converters[name](part)
                else:
                    self.unknown.add(f"{prefix}{name}")
            return record

        return convert

    def _of_array(self, items: Schema, path: str) -> Convert:
        convert_item = self._converter(items, f"{path}[]")

        def convert(value: Any) -> Any:
            if not isinstance(value, list):
                return self._null(value, path)
            converted = [item for item in map(convert_item, value) if item is not None]
            if len(converted) < len(value) or f"{path}[]" in self.unfit:
                self.unfit.add(path)
            return converted

        return convert

    def _of_scalar(self, path: str, read: Convert) -> Convert:
        def convert(value: Any) -> Any:
            if value is None:
                return None
            try:
                fit = read(value)
            except UnfitError:
                return self._null(value, path)
            if type(fit) is not type(value) or fit != value:
                self.converted.add(path)
                self.unfit.add(path)
            return fit

        return convert

    def _of_date_time(self, path: str) -> Convert:
        def convert(value: Any) -> Any:
            instant = instant_of(value)
            if instant is None:
                return self._null(value, path)
            if read_rfc3339(value) is None:
                self.unfit.add(path)
            return rfc3339(instant)

        return convert

    def _null(self, value: Any, path: str) -> None:
        """Note a value that could not be converted; null and an empty text both mean no value."""
        if value is not None:
            self.unfit.add(path)
        if value not in (None, ""):
            self.unreadable.add(path)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise UnfitError


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER(digits := value.strip()):
        value = int(digits)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in INTEGERS:
        return value
    raise UnfitError


def _number(value: Any) -> float:
    if isinstance(value, str):
        return _number_in(value.strip())
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _integer(value)


def _number_in(text: str) -> float:
    """Return the number that a text means, if 64 bits or a double hold all its digits."""
    if not _NUMBER(text):
        raise UnfitError
    exact, number = Decimal(text), float(text)
    if Decimal(repr(number)) == exact:
        return number
    if INTEGERS.start <= exact < INTEGERS.stop and exact == exact.to_integral_value():
        return int(exact)
    raise UnfitError


def _boolean(value: Any) -> bool:
    if isinstance(value, (str, int)):  # a bool is an int as well
        text = str(value).strip().lower()
        if text in _BOOLEANS:
            return _BOOLEANS[text]
    raise UnfitError


READERS: dict[str, Convert] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _text,
}
"""For each JSON type, the function that converts a value to it or raises `UnfitError`."""


def storable(text: str) -> str:
    """Return a text without what some targets cannot store.

    PostgreSQL has no U+0000 in texts: it is dropped. UTF-8 cannot encode unpaired surrogates: each
    becomes the character U+FFFD.
    """
    text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def printable(text: str) -> str:
    """Make a text from the API safe for a log: one line of at most 300 characters."""
    return "".join(c if c.isprintable() else "?" for c in storable(text)[:300])
