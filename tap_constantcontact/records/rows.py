"""Conversion of a stream's rows, as the API sends them, into records."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.records.compiled import TypedConformer, UnfitRowError
from tap_constantcontact.records.conversion import Conformer, printable

Records = TypeVar("Records", bound=Sequence[Mapping[str, Any]])

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
    def _conform_fitting(self) -> TypedConformer:
        return TypedConformer(self._schema)

    def records(self, rows: Iterable[Any]) -> list[dict[str, Any]]:
        """Convert rows, whose texts have no unpaired surrogates and no U+0000, into records.

        Raises:
            FatalAPIError: A row is not an object, or lacks a key.
        """
        return self._checked([self._record(self.prepared(row)) for row in rows])

    def fitting(self, rows: msgspec.Raw) -> Sequence[Mapping[str, Any]] | None:
        """Convert an array of rows, in valid JSON, into records, or return None if one is unfit.

        Raises:
            FatalAPIError: A row lacks a key.
        """
        try:
            return self._checked(self._conform_fitting.decode(rows))
        except UnfitRowError:
            return None

    def odd_records(self, rows: Iterable[Any]) -> list[dict[str, Any]]:
        """Convert any rows into records.

        Raises:
            FatalAPIError: A row is not an object, or lacks a key.
        """
        return self._checked([self._odd_record(self.prepared(row)) for row in rows])

    def _checked(self, records: Records) -> Records:
        return with_keys(self._stream, records, self._keys)

    def prepared(self, row: Any) -> Any:
        """Return a row with what its records have in addition; by default as it is."""
        return row

    def _record(self, row: Any) -> dict[str, Any]:
        try:
            return self._conform_fitting(row)
        except UnfitRowError:
            return self._odd_record(row)

    def _odd_record(self, row: Any) -> dict[str, Any]:
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
