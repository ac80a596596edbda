"""A table as a Parquet file, whose columns have the types of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.records.compiled import TYPES

ROWS_A_GROUP = 10_000
"""Number of rows that are held in memory, and that are read at once later."""

TEXT = pa.string()
TIMESTAMP = pa.timestamp("us", tz="UTC")

SIMPLE = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}


class JSONText(str):
    """A text as it is, or the JSON of any other value."""

    __slots__ = ()


VALUES: dict[pa.DataType, Any] = {
    TIMESTAMP: datetime,
    pa.date32(): date,
    TEXT: JSONText,
    **{SIMPLE[name]: TYPES[name] for name in SIMPLE},
}
"""For each type of a column without parts, the type that its values must have."""


class ParquetTable:
    """Columns of the schema's types; an object that may have any properties is its JSON.

    Raises:
        FatalAPIError: While a row is written, if it is not valid by the schema.
    """

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:
        self._schema = pa.schema(
            [pa.field(name, arrow_type(part)) for name, part in schema["properties"].items()]
        )
        row = _type_of(pa.struct([*self._schema]))
        self._decode = msgspec.json.Decoder(row, dec_hook=_as_text).decode
        self._rows: list[dict[str, Any]] = []
        self._writer = pq.ParquetWriter(path, self._schema)

    def write(self, row: bytes) -> None:
        """Write a row, once there are enough for a group."""
        with _fitting():
            self._rows.append(self._decode(row))
        if len(self._rows) == ROWS_A_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        with _fitting():
            group = pa.Table.from_pylist(self._rows, self._schema)
        self._writer.write_table(group)
        self._rows = []

    def close(self) -> None:
        """Write what is left, and close the file, which may be closed already."""
        try:
            if self._rows:
                self._write_group()
        finally:
            self._rows = []
            self._writer.close()


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except (ValueError, msgspec.MsgspecError) as error:  # Arrow's messages quote values
        what = error if isinstance(error, msgspec.ValidationError) else type(error).__name__
        raise FatalAPIError(
            "Parquet cannot be written: a value is not of the type that its schema names "
            f"({what}). Write csv or jsonl, or correct the stream map that makes it."
        ) from error


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


def _type_of(kind: pa.DataType) -> Any:
    """Return the type of the values of a column, or of a part of it."""
    if pa.types.is_struct(kind):
        parts = {field.name: _type_of(field.type) for field in kind}
        return TypedDict("Parts", parts, total=False) | None  # type: ignore[operator]
    if pa.types.is_list(kind):
        return list[_type_of(kind.value_type)] | None  # type: ignore[misc]
    return VALUES[kind] | None


def _as_text(_: type, value: Any) -> JSONText:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return JSONText(text)
