"""Rows as the API sends them, made into records of a stream."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.records import Conformer

SHOWN = 20
"""Number of paths that a warning names at most."""


class Rows:
    """Makes records of rows, and reports what did not fit.

    Args:
        stream: Name of the stream, for messages.
        schema: Its JSON schema.
        keys: Names of the keys that the API gives each row.
    """

    def __init__(self, stream: str, schema: dict[str, Any], keys: Sequence[str]) -> None:
        self._stream = stream
        self._schema = schema
        self._keys = keys
        self._told: set[str] = set()

    @cached_property
    def _conform(self) -> Conformer:
        return Conformer(self._schema)

    def record(self, row: Any) -> dict[str, Any]:
        """Return the record of a row.

        Raises:
            FatalAPIError: It is not an object, or lacks a key.
        """
        if not isinstance(row, dict):
            raise FatalAPIError(f"The API sent a row of {self._stream} that is not an object.")
        record = self._conform(row)
        for name in self._keys:
            if record.get(name) in (None, ""):
                raise FatalAPIError(
                    f"The API sent a row of {self._stream} without {name}, by which rows are told "
                    "apart. Run again later with the last state: nothing is lost."
                )
        return record

    def report(self, logger: logging.Logger) -> None:
        """Warn of unknown fields and of values of another type, once of each path."""
        conform, told = self._conform, self._told
        unknown = conform.unknown - told
        misfits = {
            "converted": conform.converted - conform.unreadable - told,
            "left empty": conform.unreadable - told,
        }
        told |= conform.unknown | conform.converted | conform.unreadable
        if unknown:
            logger.warning(
                "%s: left out fields that this version does not know: %s",
                self._stream,
                _some(unknown),
            )
        if parts := [f"{what} {_some(paths)}" for what, paths in misfits.items() if paths]:
            logger.warning(
                "%s: the API sent values of another type than documented: %s",
                self._stream,
                "; ".join(parts),
            )


def _some(paths: Collection[str]) -> str:
    shown = ", ".join(sorted(paths)[:SHOWN])
    return f"{shown} and {len(paths) - SHOWN} more" if len(paths) > SHOWN else shown
