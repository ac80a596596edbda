"""The formats of files, by the ends of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tap_constantcontact.exceptions import refused
from tap_constantcontact.output.files.tables import CSVTable, JSONLinesTable, Table

OTHER_FORMATS = ("xlsx", "xls", "json", "ndjson", "tsv", "txt")
"""Ends of names that ask for a format which is not written."""

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
