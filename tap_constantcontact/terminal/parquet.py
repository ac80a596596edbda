"""Batches as Parquet files, whose columns follow from a stream's schema.

The SDK's own Parquet batches have the columns of their first record alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.batch import BaseBatcher, lazy_chunked_generator
from typing_extensions import override

from tap_constantcontact.records import instant_of

if TYPE_CHECKING:
    import pyarrow as pa
    from singer_sdk.helpers._batch import BatchConfig


class TypedParquetBatcher(BaseBatcher):
    """Writes Parquet files with the columns and types of a JSON schema.

    Date-times become timestamps in UTC, arrays lists, and objects structs. A column of numbers has
    doubles: a whole number beyond 2**53 is rounded there.

    Args:
        tap_name: Name of the tap, for the files' names.
        stream_name: Name of the stream, for the files' names.
        batch_config: Where and how to write.
        schema: JSON schema of the records.
    """

    def __init__(
        self, tap_name: str, stream_name: str, batch_config: BatchConfig, schema: Mapping[str, Any]
    ) -> None:
        super().__init__(tap_name, stream_name, batch_config)
        self._schema = schema

    @override
    def get_batches(self, records: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        config = self.batch_config
        storage = config.storage
        schema = columns(self._schema)
        name = f"{storage.prefix or ''}{self.tap_name}--{self.stream_name}-{uuid4()}"
        ending = ".gz" if config.encoding.compression == "gzip" else ""
        for number, chunk in enumerate(lazy_chunked_generator(records, config.batch_size), 1):
            file = f"{name}={number}.parquet{ending}"
            rows = [_typed(record, self._schema) for record in chunk]
            table = pa.Table.from_pylist(rows, schema=schema)
            with storage.open(file, "wb") as out:
                pq.write_table(table, out, compression=config.encoding.compression or "snappy")
            yield [storage.get_url(file)]


def columns(schema: Mapping[str, Any]) -> pa.Schema:
    """Return the columns for the properties of a JSON schema of an object.

    Example:
        >>> properties = {"at": {"type": "string", "format": "date-time"}, "n": {"type": "integer"}}
        >>> columns({"properties": properties})
        at: timestamp[us, tz=UTC]
        n: int64
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return pa.schema([(name, _type(of)) for name, of in schema["properties"].items()])


def _type(schema: Mapping[str, Any]) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    kinds = {*([schema["type"]] if isinstance(schema["type"], str) else schema["type"])}
    if schema.get("format") == "date-time":
        return pa.timestamp("us", tz="UTC")
    if "array" in kinds:
        return pa.list_(_type(schema["items"]))
    if "object" in kinds:
        return pa.struct([*columns(schema)])
    scalars = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    return next((scalars[kind] for kind in scalars if kind in kinds), pa.string())


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value with its date-times as such, and with the doubles that its columns hold."""
    if schema.get("format") == "date-time":
        return instant_of(value)
    if "number" in schema["type"] and isinstance(value, int):
        return float(value)
    if isinstance(value, Mapping):
        properties = schema["properties"]
        return {name: _typed(each, properties[name]) for name, each in value.items()}
    if isinstance(value, list):
        return [_typed(each, schema["items"]) for each in value]
    return value
