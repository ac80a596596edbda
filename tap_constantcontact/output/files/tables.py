"""A table as a file: CSV or JSON Lines; `parquet` has the third.

A table is given the JSON schema of its rows, and then each row as the JSON that a RECORD message
has, so that a file has what a target would be sent.
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from typing_extensions import override

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""The beginnings of a text that spreadsheets take for a formula.

Source: OWASP, "CSV Injection".
"""


class Table(ABC):
    """A file that rows are written to, one after the other."""

    @abstractmethod
    def write(self, row: bytes) -> None:
        """Write a row, given as a JSON object.

        Raises:
            OSError: The disk is full, or the file cannot be written to otherwise.
        """

    @abstractmethod
    def close(self) -> None:
        """Write what is left, and close the file.

        Raises:
            OSError: As `write`.
        """


class JSONLinesTable(Table):
    """A row a line, each a JSON object, in UTF-8."""

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._file = path.open("wb")

    @override
    def write(self, row: bytes) -> None:
        self._file.write(row + b"\n")

    @override
    def close(self) -> None:
        self._file.close()


class CSVTable(Table):
    """A row a line, with a header, by RFC 4180, in UTF-8.

    Null is an empty cell, an object or array its JSON. A text that a spreadsheet would take for a
    formula begins with an apostrophe.
    """

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:
        self._columns = [*schema["properties"]]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(map(cell, self._columns))

    @override
    def write(self, row: bytes) -> None:
        record = msgspec.json.decode(row)
        self._rows.writerow([cell(record.get(column)) for column in self._columns])

    @override
    def close(self) -> None:
        self._file.close()


def cell(value: Any) -> str:
    """Return the text of a cell.

    Example:
        >>> [cell(value) for value in (None, True, -1, "=1+1", ["a", "b"])]
        ['', 'true', '-1', "'=1+1", '["a","b"]']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return msgspec.json.encode(value).decode()
