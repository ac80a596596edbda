"""Conversion of a stream's rows into records: by compiled code where they fit, else leniently."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from tap_constantcontact.config.selection import Schema
from tap_constantcontact.exceptions import FatalAPIError, RetriableAPIError
from tap_constantcontact.records.compiled import CompiledConverter, UnfitRowError
from tap_constantcontact.records.conversion import LenientConverter, printable

Record = Mapping[str, Any]
Records = TypeVar("Records", bound=Sequence[Record])

RawRows = msgspec.Raw | list[Any]
"""Rows before their conversion: an array in JSON; decoded if it has what only Python reads."""

NOT_AN_OBJECT = "HTTP 200 whose body is not a JSON object"

SHOWN = 20
"""Maximum number of paths that a warning lists."""

MOST_UNKNOWN = 100
"""Number of unknown fields up to which rows that have them are converted by compiled code."""


class Rows:
    """Converts a stream's rows into records, and warns about what does not match the schema.

    Whatever makes a page unfit for compiled code (a field that the schema does not know, a date
    where a date-time stands, a number in a text) is noted while the page is converted leniently.
    Then the code is compiled again, for pages that have the same. Every row must have its keys.
    Fields at the paths `left_out` are known, but left out on purpose.
    """

    def __init__(
        self,
        stream: str,
        schema: Schema,
        keys: Sequence[str],
        left_out: Iterable[str] = (),
    ) -> None:
        self._stream = stream
        self._schema = schema
        self._keys = keys
        self._ignored = frozenset(left_out)
        self._reported: set[str] = {*left_out}
        self._compiled_for: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()

    @cached_property
    def _lenient(self) -> LenientConverter:
        return LenientConverter(self._schema)

    @cached_property
    def _compiled(self) -> CompiledConverter:
        return CompiledConverter(self._schema, self._ignored)

    def records(self, rows: RawRows) -> Sequence[Record]:
        """Convert rows: by compiled code if all of them fit, else leniently.

        Raises:
            FatalAPIError: A row is not an object, or lacks a key.
            RetriableAPIError: A row has a number of more digits than Python reads.
        """
        return with_keys(self._stream, self._converted(rows), self._keys)

    def _converted(self, rows: RawRows) -> Sequence[Record]:
        if isinstance(rows, list):
            return self._lenient_records(rows)
        try:
            return self._compiled.records(rows)
        except UnfitRowError:
            records = self._lenient_records(decoded(rows))
        self._compile_again()
        return records

    def _lenient_records(self, rows: list[Any]) -> list[Record]:
        if not all(isinstance(row, dict) for row in rows):
            raise FatalAPIError(f"The API sent a row of {self._stream} that is not an object.")
        return [self._lenient.record(row) for row in rows]

    def _compile_again(self) -> None:
        """Compile for pages that have what the lenient conversion has noted so far."""
        noted = frozenset(self._lenient.unknown), frozenset(self._lenient.unfit)
        if noted != self._compiled_for and len(noted[0]) <= MOST_UNKNOWN:
            self._compiled_for = noted
            unknown, unfit = noted
            lenient = {path: self._lenient.converters[path] for path in unfit}
            self._compiled = CompiledConverter(self._schema, self._ignored | unknown, lenient)

    def report(self, logger: logging.Logger) -> None:
        """Warn of unknown fields and of values of the wrong type, once for each path."""
        lenient, reported = self._lenient, self._reported
        unknown = lenient.unknown - reported
        misfits = {
            "converted": lenient.converted - lenient.unreadable - reported,
            "left empty": lenient.unreadable - reported,
        }
        reported |= lenient.unknown | lenient.converted | lenient.unreadable
        if unknown:
            logger.warning(
                "Left out fields of %s that this version does not know: %s.",
                self._stream,
                some(unknown),
            )
        if parts := [f"{what} {some(paths)}" for what, paths in misfits.items() if paths]:
            logger.warning(
                "The API sent %s with values of another type than documented: %s.",
                self._stream,
                "; ".join(parts),
            )


def decoded(rows: msgspec.Raw) -> list[Any]:
    """Decode rows with Python's parser, which reads more numbers and texts than compiled code.

    Raises:
        RetriableAPIError: A number has more digits than it reads.
    """
    try:
        return list(json.loads(bytes(rows)))
    except (ValueError, RecursionError):
        raise RetriableAPIError(NOT_AN_OBJECT) from None


def with_keys(stream: str, records: Records, keys: Sequence[str]) -> Records:
    """Return records of a stream, of which each has these keys.

    Raises:
        FatalAPIError: A record lacks a key.
    """
    for name in keys:
        if any(record.get(name) in (None, "") for record in records):
            raise FatalAPIError(
                f"The API sent a row of {stream} without {name}, which identifies it. "
                "Run again later with the last state: nothing is lost."
            )
    return records


def some(paths: Collection[str]) -> str:
    """Return paths as one text: at most `SHOWN` of them, and how many more there are."""
    shown = ", ".join(map(printable, sorted(paths)[:SHOWN]))
    return f"{shown} and {len(paths) - SHOWN} more" if len(paths) > SHOWN else shown
