"""Evaluation of stream maps: on samples before the first record, and on records.

The SDK parses the expressions of a stream map when the tap starts, but evaluates them only on
records. So a function that does not exist would only fail once records are being read.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
    PluginMapper,
    StreamMap,
)
from singer_sdk.singerlib import Catalog

from tap_constantcontact.config.stream_maps import names
from tap_constantcontact.config.stream_maps.expressions import unknown_names
from tap_constantcontact.config.stream_maps.names import Schemas
from tap_constantcontact.exceptions import nearest

SAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}
"""A value of each simple JSON type."""


def faults(
    config: Mapping[str, Any], streams: Catalog, schemas: Schemas, logger: logging.Logger
) -> Iterator[str]:
    """Yield a sentence for each expression that would fail on every record.

    Each expression is evaluated by itself, on a sample record made from its stream's schema. A
    failure that depends on the sample's values, such as a text that is not a number, is not a
    fault: real values may be fine.

    Args:
        config: The settings, with `stream_maps`, whose names of streams are known.
        streams: The streams whose maps have to work, with the schemas of what is selected.
        schemas: The JSON schema of each stream's records, with what is deselected.
        logger: Where the SDK logs the maps that it found.
    """
    for stream, source, key, expression, alone in _expressions(config["stream_maps"]):
        concerned = Catalog((name, streams[name]) for name in names.matching(source, streams))
        mapper = PluginMapper({**config, "stream_maps": {stream: alone}}, logger)
        column = None if key == MAPPER_FILTER_OPTION else key
        reason = _refusal(mapper, concerned) or _misnomer(mapper, expression, column, schemas)
        if reason:
            yield f"stream_maps {stream}.{key} {expression!r} cannot be evaluated ({reason})"


def _expressions(
    stream_maps: Mapping[str, Any],
) -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    """Yield each expression's stream, source, key and text, and a map with nothing else."""
    for stream, definition in stream_maps.items():
        if not isinstance(definition, dict):
            continue
        route = {
            key: value
            for key, value in definition.items()
            if key in (MAPPER_SOURCE_OPTION, MAPPER_ALIAS_OPTION)
        }
        source = names.source_of(stream, definition)
        for key, expression in definition.items():
            is_expression = key == MAPPER_FILTER_OPTION or not key.startswith("__")
            if is_expression and isinstance(expression, str) and expression != NULL_STRING:
                yield stream, source, key, expression, {**route, key: expression}


def _refusal(mapper: PluginMapper, catalog: Catalog) -> str | None:
    """Return the reason why the maps fail on every record, or None if they may work."""
    try:
        mapper.register_raw_streams_from_catalog(catalog)
    except Exception as error:  # noqa: BLE001 - the SDK may raise anything while parsing
        return _reason(error)
    try:
        for stream_map in itertools.chain(*mapper.stream_maps.values()):
            stream_map.transform(_sample(stream_map.raw_schema))
    except (MapExpressionError, StreamMapConfigError) as error:
        return _reason(error)
    except Exception:  # noqa: BLE001 - an expression may raise anything because of the values
        return None
    return None


def _misnomer(
    mapper: PluginMapper, expression: str, column: str | None, schemas: Schemas
) -> str | None:
    """Return a name in an expression that stands for nothing, in words, if there is one."""
    for stream, stream_maps in mapper.stream_maps.items():
        for stream_map in stream_maps:
            if isinstance(stream_map, CustomStreamMap):
                functions = [*stream_map.expr_evaluator.functions]
                functions += ["fake"] * bool(stream_map.fake)
                for name, known in unknown_names(
                    expression, schemas[stream], column, functions, mapper.map_config
                ):
                    return f"{name!r} is not defined{nearest(name, known)}"
    return None


def _reason(error: Exception) -> str:
    """Return the evaluator's own message, which is the cause of the SDK's exception."""
    return str(error.__cause__ or error).rstrip(".")


def _sample(schema: Mapping[str, Any]) -> Any:
    """Return a value that is valid under a schema."""
    kinds = schema.get("type", "string")
    if "object" in kinds:
        return {name: _sample(part) for name, part in schema.get("properties", {}).items()}
    if "array" in kinds:
        return [_sample(schema.get("items", {}))]
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    return next((value for kind, value in SAMPLES.items() if kind in kinds), None)


class GuardedMap(StreamMap):
    """A stream map that ends the run with a plain message when it fails on a record.

    Args:
        inner: The map to guard.
        fail: Ends the run; takes the reason and the exception.
    """

    def __init__(self, inner: StreamMap, fail: Callable[[str, Exception], NoReturn]) -> None:
        super().__init__(inner.stream_alias, inner.raw_schema, inner.raw_key_properties, None)
        self.transformed_schema = inner.transformed_schema
        self.transformed_key_properties = inner.transformed_key_properties
        self._inner = inner
        self._fail = fail

    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the transformed record, or None if the map's filter drops it."""
        transformed: dict[str, Any] | None = self._guarded(self._inner.transform, record)
        return transformed

    def get_filter_result(self, record: dict[str, Any]) -> bool:
        """Return whether the map's filter keeps a record."""
        passed: bool = self._guarded(self._inner.get_filter_result, record)
        return passed

    def _guarded(self, function: Callable[[dict[str, Any]], Any], record: dict[str, Any]) -> Any:
        try:
            return function(record)
        except Exception as error:  # noqa: BLE001 - an expression may raise anything
            # The message of most other exceptions would show a value of the record.
            is_safe = isinstance(error, MapExpressionError)
            reason = _reason(error) if is_safe else type(error).__name__
            self._fail(f"stream_maps of {self.stream_alias} fails on a record ({reason})", error)


def guard(mapper: PluginMapper, fail: Callable[[str, Exception], NoReturn]) -> None:
    """Make a failure of any map with expressions end the run with a plain message.

    Args:
        mapper: The maps of all streams.
        fail: Ends the run; takes the reason and the exception.
    """
    for stream_maps in mapper.stream_maps.values():
        stream_maps[:] = [
            GuardedMap(stream_map, fail) if isinstance(stream_map, CustomStreamMap) else stream_map
            for stream_map in stream_maps
        ]
