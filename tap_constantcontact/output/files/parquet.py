"""A table as a Parquet file, whose columns have the types of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.output.files.tables import Table

ROWS_A_GROUP = 10_000
"""Number of rows that are held in memory, and that are read at once later."""

TEXT = pa.string()
TIMESTAMP = pa.timestamp("us", tz="UTC")

SIMPLE = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}


class ParquetTable(Table):
    """Columns of the schema's types; an object that may have any properties is its JSON.

    Raises:
        FatalAPIError: While a row is written, if it is not valid by the schema.
    """

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:
        self._schema = pa.schema(
            [pa.field(name, arrow_type(part)) for name, part in schema["properties"].items()]
        )
        self._columns = {field.name: _reader(field.type) for field in self._schema}
        self._rows: list[dict[str, Any]] = []
        self._writer = pq.ParquetWriter(path, self._schema)

    @override
    def write(self, row: bytes) -> None:
        record = msgspec.json.decode(row)
        self._rows.append(
            {name: self._value(name, read, record) for name, read in self._columns.items()}
        )
        if len(self._rows) == ROWS_A_GROUP:
            self._write_group()

    def _value(self, column: str, read: Callable[[Any], Any], record: Mapping[str, Any]) -> Any:
        value = record.get(column)
        try:
            return None if value is None else read(value)
        except (TypeError, ValueError) as error:
            raise _unfit(f"a value of {column}") from error

    def _write_group(self) -> None:
        try:
            group = pa.Table.from_pylist(self._rows, self._schema)
        except (TypeError, ValueError, OverflowError) as error:
            raise _unfit("a value") from error
        self._writer.write_table(group)
        self._rows = []

    @override
    def close(self) -> None:
        self._write_group()
        self._writer.close()


def _unfit(what: str) -> FatalAPIError:
    return FatalAPIError(
        f"Parquet cannot be written: {what} is not of the type that its schema names. Write csv or "
        "jsonl, or correct the stream map that makes it."
    )


def arrow_type(schema: Mapping[str, Any]) -> pa.DataType:
    """Return the type of a column, or of a part of it.

    Example:
        >>> arrow_type({"type": ["array", "null"], "items": {"type": "integer"}})
        ListType(list<item: int64>)
    """
    types = schema.get("type", ())
    kinds = {types} if isinstance(types, str) else {*types}
    kinds.discard("null")
    kind = kinds.pop() if len(kinds) == 1 else ""
    if kind == "string":
        formats: dict[Any, pa.DataType] = {"date-time": TIMESTAMP, "date": pa.date32()}
        return formats.get(schema.get("format"), TEXT)
    if kind == "object" and schema.get("properties"):
        parts = schema["properties"].items()
        return pa.struct([pa.field(name, arrow_type(part)) for name, part in parts])
    if kind == "array" and schema.get("items"):
        return pa.list_(arrow_type(schema["items"]))
    return SIMPLE.get(kind, TEXT)


def _reader(kind: pa.DataType) -> Callable[[Any], Any]:
    """Return what makes a JSON value, which is not null, one of a type."""
    if kind == TIMESTAMP:
        return _instant
    if pa.types.is_date(kind):
        return date.fromisoformat
    if pa.types.is_struct(kind):
        parts = {field.name: _reader(field.type) for field in kind}
        return lambda value: {
            name: None if value.get(name) is None else read(value[name])
            for name, read in parts.items()
        }
    if pa.types.is_list(kind):
        item = _reader(kind.value_type)
        return lambda values: [None if value is None else item(value) for value in values]
    if kind == TEXT:
        return _text
    return _number_of(kind)


def _instant(value: Any) -> datetime:
    instant = msgspec.convert(value, datetime)
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number_of(kind: pa.DataType) -> Callable[[Any], Any]:
    types = {SIMPLE["integer"]: int, SIMPLE["boolean"]: bool}.get(kind, (int, float))

    def read(value: Any) -> Any:
        if not isinstance(value, types) or isinstance(value, bool) is not (types is bool):
            raise TypeError
        return value

    return read
