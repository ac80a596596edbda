"""The stream maps of a run, checked and set up before the first request, and guarded during it.

The SDK parses the expressions of a stream map when the tap starts, but evaluates them only on
records. So a function that does not exist would only fail once records are being read.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

from singer_sdk import Stream
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
    PluginMapper,
    RemoveRecordTransform,
    StreamMap,
)
from singer_sdk.singerlib import Catalog, CatalogEntry, Schema
from singer_sdk.singerlib.catalog import MetadataMapping
from typing_extensions import override

from tap_constantcontact.config.stream_maps import names
from tap_constantcontact.config.stream_maps.names import Schemas
from tap_constantcontact.exceptions import nearest, refused

SAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}
"""A value of each simple JSON type."""


class StreamMaps:
    """The stream maps of a run: those of the selected streams, and of others that they name.

    A stream that is named and not selected has all its properties, as the SDK would otherwise
    report missing keys. (singer-sdk issue 1942.)
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        streams: Collection[Stream],
        catalog: Catalog | None,
        logger: logging.Logger,
    ) -> None:
        self._config = config
        self._maps: Mapping[str, Any] = config.get("stream_maps") or {}
        self._schemas = {stream.name: stream.schema for stream in streams}
        self._selected = selected = {stream.name for stream in streams if stream.selected}
        self._logger = logger
        named = {str(names.source_of(key, value)) for key, value in self._maps.items()}
        known: Mapping[str, CatalogEntry] = catalog or {}
        self._streams = Catalog(
            (stream.name, known.get(stream.name) or _entry(stream))
            for stream in streams
            if stream.name in {*selected, *named}
        )
        for name in self._streams.keys() - selected:
            self._streams[name] = replace(self._streams[name], metadata=MetadataMapping())

    def check(self) -> None:
        """Warn of what may be misspelt, and refuse what cannot be meant or cannot work.

        Raises:
            ConfigValidationError: With one sentence for each fault.
        """
        faults = [*names.map_faults(self._maps, self._schemas)]
        if self._maps and not faults:
            faults += self._expression_faults()
        if faults:
            raise refused(*faults)
        for doubt in names.doubts(self._maps, self._schemas):
            self._logger.warning("%s.", doubt)

    def register(self, mapper: PluginMapper) -> None:
        """Set up the maps.

        Raises:
            ConfigValidationError: With one sentence for each map that cannot be set up.
        """
        faults = []
        for name, entry in self._streams.items():
            try:
                mapper.register_raw_streams_from_catalog(Catalog([(name, entry)]))
            except Exception as error:  # noqa: BLE001 - the SDK may raise anything for a bad map
                faults.append(f"stream_maps: {str(error).rstrip('.')}")
                continue
            aliases = [stream_map.stream_alias for stream_map in mapper.stream_maps[name]]
            if not all(alias and isinstance(alias, str) for alias in aliases):
                faults.append(f"stream_maps {name}: __alias__ is not a valid name")
        if not faults:
            selected = sorted(self._selected)
            faults += _collisions({name: mapper.stream_maps[name] for name in selected})
        if faults:
            raise refused(*faults)

    def _expression_faults(self) -> Iterator[str]:
        """Yield a sentence for each expression that would fail on every record.

        Each expression is evaluated by itself, on a sample record made from its stream's schema. A
        failure that depends on the sample's values, such as a text that is not a number, is not a
        fault: real values may be fine.
        """
        for stream, source, key, expression, alone in _expressions(self._maps):
            concerned = Catalog(
                (name, self._streams[name]) for name in names.matching(source, self._streams)
            )
            mapper = PluginMapper({**self._config, "stream_maps": {stream: alone}}, self._logger)
            column = None if key == MAPPER_FILTER_OPTION else key
            reason = _refusal(mapper, concerned)
            reason = reason or _misnomer(mapper, expression, column, self._schemas)
            if reason:
                yield f"stream_maps {stream}.{key} {expression!r} cannot be evaluated ({reason})"


def _entry(stream: Stream) -> CatalogEntry:
    return CatalogEntry(
        tap_stream_id=stream.tap_stream_id,
        stream=stream.name,
        schema=Schema.from_dict(stream.schema),
        metadata=stream.metadata,
        key_properties=stream.primary_keys,
    )


def _collisions(stream_maps: Mapping[str, Sequence[StreamMap]]) -> Iterator[str]:
    """Yield a sentence for each name under which two selected streams would be written."""
    written: dict[Any, str] = {}
    for name, maps in stream_maps.items():
        for one in maps:
            other = written.setdefault(one.stream_alias, name)
            if other != name and not isinstance(one, RemoveRecordTransform):
                yield (
                    f"stream_maps would write {other} and {name} as one stream, "
                    f"{one.stream_alias}: give one of them another __alias__, or deselect it"
                )


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
                for name, known in names.unknown(
                    expression, schemas[stream], column, functions, mapper.map_config
                ):
                    return f"{name!r} is not defined{nearest(name, known)}"
    return None


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error).rstrip(".")  # the evaluator's own message


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
    """A stream map that ends the run with a plain message when it fails on a record."""

    def __init__(self, inner: StreamMap, fail: Callable[[str, Exception], NoReturn]) -> None:
        super().__init__(inner.stream_alias, inner.raw_schema, inner.raw_key_properties, None)
        self.transformed_schema = inner.transformed_schema
        self.transformed_key_properties = inner.transformed_key_properties
        self._inner = inner
        self._fail = fail

    @override
    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        with self._guarded():
            return self._inner.transform(record)

    @override
    def get_filter_result(self, record: dict[str, Any]) -> bool:
        with self._guarded():
            return self._inner.get_filter_result(record)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an expression may raise anything
            # The message of most other exceptions would show a value of the record.
            is_safe = isinstance(error, MapExpressionError)
            reason = _reason(error) if is_safe else type(error).__name__
            self._fail(f"stream_maps of {self.stream_alias} fails on a record ({reason})", error)


def guard(mapper: PluginMapper, fail: Callable[[str, Exception], NoReturn]) -> None:
    """Make a failure of any map with expressions end the run with a plain message."""
    for stream_maps in mapper.stream_maps.values():
        stream_maps[:] = [
            GuardedMap(stream_map, fail) if isinstance(stream_map, CustomStreamMap) else stream_map
            for stream_map in stream_maps
        ]
