"""Conversion of a stream's rows, as the API sends them, into records."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from tap_constantcontact.exceptions import FatalAPIError, RetriableAPIError
from tap_constantcontact.records.compiled import TypedConformer, UnfitRowError
from tap_constantcontact.records.conversion import Conformer, printable

Record = Mapping[str, Any]
Records = TypeVar("Records", bound=Sequence[Record])

RawRows = msgspec.Raw | list[Any]
"""Rows before their conversion: an array in JSON, or decoded if only Python's parser reads them."""

NOT_AN_OBJECT = "HTTP 200 whose body is not a JSON object"

SHOWN = 20
"""Maximum number of paths that a warning lists."""


class Rows:
    """Converts rows into records, and warns about values that do not match the schema.

    Args:
        stream: Name of the stream, for messages.
        schema: The stream's JSON schema.
        keys: Names of the keys that every row must have.
        left_out: Paths of the fields that are known, but left out on purpose.
    """

    def __init__(
        self,
        stream: str,
        schema: dict[str, Any],
        keys: Sequence[str],
        left_out: Iterable[str] = (),
    ) -> None:
        self._stream = stream
        self._schema = schema
        self._keys = keys
        self._reported: set[str] = {*left_out}

    @cached_property
    def _conform(self) -> Conformer:
        return Conformer(self._schema)

    @cached_property
    def _compiled(self) -> TypedConformer:
        return TypedConformer(self._schema)

    def records(self, rows: RawRows) -> Sequence[Record]:
        """Convert rows into records: by compiled code if all of them fit, else leniently.

        Raises:
            FatalAPIError: A row is not an object, or lacks a key.
            RetriableAPIError: A row has a number of more digits than Python reads.
        """
        return with_keys(self._stream, self._converted(rows), self._keys)

    def _converted(self, rows: RawRows) -> Sequence[Record]:
        if isinstance(rows, msgspec.Raw):
            try:
                return self._compiled.decode(rows)
            except UnfitRowError:
                rows = decoded(rows)
        return [self._lenient_record(row) for row in rows]

    def _lenient_record(self, row: Any) -> Record:
        if not isinstance(row, dict):
            raise FatalAPIError(f"The API sent a row of {self._stream} that is not an object.")
        return self._conform(row)

    def report(self, logger: logging.Logger) -> None:
        """Warn of unknown fields and of values of the wrong type, once for each path."""
        conform, reported = self._conform, self._reported
        unknown = conform.unknown - reported
        misfits = {
            "converted": conform.converted - conform.unreadable - reported,
            "left empty": conform.unreadable - reported,
        }
        reported |= conform.unknown | conform.converted | conform.unreadable
        if unknown:
            logger.warning(
                "%s: left out fields that this version does not know: %s",
                self._stream,
                some(unknown),
            )
        if parts := [f"{what} {some(paths)}" for what, paths in misfits.items() if paths]:
            logger.warning(
                "%s: the API sent values of another type than documented: %s",
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
