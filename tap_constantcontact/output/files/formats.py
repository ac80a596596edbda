"""The formats of files, by the ends of their names: CSV and JSON Lines; `parquet` has the third.

A table is given the JSON schema of its rows, and then each row as the JSON that a RECORD message
has, so that a file has what a target would be sent.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tap_constantcontact.exceptions import refused

OTHER_FORMATS = ("xlsx", "xls", "json", "ndjson", "tsv", "txt")
"""Ends of names that ask for a format which is not written."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""The beginnings of a text that spreadsheets take for a formula.

Source: OWASP, "CSV Injection".
"""


class Table(Protocol):
    """A file that rows are written to, one after the other.

    Both methods raise an `OSError` if the disk is full, or the file cannot be written to otherwise.
    """

    def write(self, row: bytes) -> None:
        """Write a row, given as a JSON object."""

    def close(self) -> None:
        """Write what is left, and close the file."""


class JSONLinesTable:
    """A row a line, each a JSON object, in UTF-8."""

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._file = path.open("wb")

    def write(self, row: bytes) -> None:
        """Write a row."""
        self._file.write(row + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CSVTable:
    """A row a line, with a header, by RFC 4180, in UTF-8.

    Null is an empty cell, an object or array its JSON. A text that a spreadsheet would take for a
    formula begins with an apostrophe.
    """

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:
        self._columns = [*schema["properties"]]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(map(cell, self._columns))

    def write(self, row: bytes) -> None:
        """Write a row."""
        record = msgspec.json.decode(row)
        self._rows.writerow([cell(record.get(column)) for column in self._columns])

    def close(self) -> None:
        """Close the file."""
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


MakeTable = Callable[[Path, Mapping[str, Any]], Table]


def _parquet() -> MakeTable:
    try:
        from tap_constantcontact.output.files.parquet import ParquetTable  # noqa: PLC0415 - an extra
    except ImportError:
        raise refused(
            "Parquet files need the extra files: pip install 'tap-constantcontact[files]'"
        ) from None
    return ParquetTable


FORMATS: Mapping[str, Callable[[], MakeTable]] = {
    "csv": lambda: CSVTable,
    "parquet": _parquet,
    "jsonl": lambda: JSONLinesTable,
}
"""What makes a table of each format, which is also the end of its file's name."""
