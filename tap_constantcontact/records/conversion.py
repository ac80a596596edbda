"""Conversion of values, so that every record is valid under its stream's schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import msgspec

from tap_constantcontact.config.dates import ZONED, parse_instant
from tap_constantcontact.config.validation import INTEGERS

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}").fullmatch
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
_YEAR = re.compile(r"[0-9]{4}(-|[0-9]|$)").match
_DATE_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([Tt ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}([.,][0-9]+)?)?"
    r" ?(?P<offset>[Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
).fullmatch
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class UnfitError(ValueError):
    """A value that cannot be converted to the type in the schema."""


class Conformer:
    """Converts rows into records that are valid under a schema, whatever the API sent.

    A value of the wrong type is converted if its meaning is clear; otherwise it becomes null, or is
    left out of its array. Nulls in arrays are left out as well. Date-times, which the API sends in
    several time zones and precisions, become RFC 3339 in UTC. Fields that are not in the schema are
    dropped.

    Attributes:
        unknown: Paths of the fields seen so far that are not in the schema.
        converted: Paths of the values seen so far that had the wrong type and were converted.
        unreadable: Paths of the values seen so far that could not be converted.

    Example:
        >>> conform = Conformer({"properties": {"age": {"type": ["integer", "null"]}}})
        >>> conform({"age": "3"}), conform({"age": []}), conform.converted, conform.unreadable
        ({'age': 3}, {'age': None}, {'age'}, {'age'})
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.unknown: set[str] = set()
        self.converted: set[str] = set()
        self.unreadable: set[str] = set()
        self._conform = self._conformer(schema, "")

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Convert a row into a record."""
        record: dict[str, Any] = self._conform(row)
        return record

    def _conformer(self, schema: dict[str, Any], path: str) -> Callable[[Any], Any]:
        if "properties" in schema:
            return self._of_object(schema["properties"], path)
        if "items" in schema:
            return self._of_array(schema["items"], path)
        if schema.get("format") == "date-time":
            return self._of_scalar(path, _date_time, converts=False)
        wanted = schema.get("type", ())
        names = (wanted,) if isinstance(wanted, str) else wanted
        for name, read in READERS.items():
            if name in names:
                return self._of_scalar(path, read, converts=True)
        return lambda value: value

    def _of_object(self, properties: dict[str, Any], path: str) -> Callable[[Any], Any]:
        prefix = f"{path}." if path else ""
        conformers = {
            name: self._conformer(schema, f"{prefix}{name}") for name, schema in properties.items()
        }

        def conform(value: Any) -> Any:
            if not isinstance(value, dict):
                return self._null(value, path)
            record = {}
            for name, part in value.items():
                if name in conformers:
                    record[name] = conformers[name](part)
                else:
                    self.unknown.add(printable(f"{prefix}{name}"))
            return record

        return conform

    def _of_array(self, items: dict[str, Any], path: str) -> Callable[[Any], Any]:
        conform_item = self._conformer(items, f"{path}[]")

        def conform(value: Any) -> Any:
            if not isinstance(value, list):
                return self._null(value, path)
            conformed = map(conform_item, value)
            return [item for item in conformed if item is not None]

        return conform

    def _of_scalar(
        self, path: str, read: Callable[[Any], Any], *, converts: bool
    ) -> Callable[[Any], Any]:
        def conform(value: Any) -> Any:
            if value is None:
                return None
            try:
                fit = read(value)
            except UnfitError:
                return self._null(value, path)
            if converts and (type(fit) is not type(value) or fit != value):
                self.converted.add(path)
            return fit

        return conform

    def _null(self, value: Any, path: str) -> None:
        """Note a value that could not be converted; null and an empty text both mean no value."""
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
    if isinstance(value, str) and _INTEGER(value.strip()):
        value = int(value)
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
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int)):
        try:
            return _BOOLEANS[str(value).strip().lower()]
        except KeyError:
            raise UnfitError from None
    raise UnfitError


def _date_time(value: Any) -> str:
    instant = utc(value)
    if instant is None:
        raise UnfitError
    return instant


READERS: dict[str, Callable[[Any], Any]] = {
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


def utc(value: Any) -> str | None:
    """Convert a date-time from the API to RFC 3339 in UTC; None if it is not a date-time.

    Example:
        >>> utc("2026-01-31T07:00:00-0500"), utc("soon")
        ('2026-01-31T12:00:00Z', None)
    """
    instant = instant_of(value)
    return None if instant is None else rfc3339(instant)


def instant_of(value: Any) -> datetime | None:
    """Convert a date-time from the API to an instant in UTC; None if it is not a date-time.

    What the compiled code for rows reads is read by the same parser here. So a fraction of a second
    is rounded to microseconds in both.
    """
    if not isinstance(value, str):
        return None
    return _of_rfc3339(value) or _of_common_form(value) or _of_rare_form(value)


def _of_rfc3339(text: str) -> datetime | None:
    try:
        instant: datetime = msgspec.convert(text, ZONED)
        return instant.astimezone(timezone.utc)
    except (OverflowError, ValueError, msgspec.ValidationError):
        return None


def _of_common_form(text: str) -> datetime | None:
    """Read what is RFC 3339 but for a part left out, a comma, or a space before the offset."""
    form = _DATE_TIME(text)
    if form is None:
        return None
    second = (form["second"] or ":00").replace(",", ".")
    offset = form["offset"] or "Z"
    minutes = ":00" if len(offset) == len("+00") else ""
    return _of_rfc3339(f"{form['day']}T{form['minute'] or '00:00'}{second}{offset}{minutes}")


def _of_rare_form(text: str) -> datetime | None:
    try:
        return parse_instant(text) if _YEAR(text) else None
    except (OverflowError, ValueError):
        return None


def rfc3339(instant: datetime) -> str:
    """Format an instant in UTC as RFC 3339, with a fraction of a second only if it has one."""
    return instant.isoformat().replace("+00:00", "Z")
