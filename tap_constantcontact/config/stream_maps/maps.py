"""The stream maps of a run, checked and set up before the first request."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from singer_sdk.mapper import PluginMapper, RemoveRecordTransform, StreamMap
from singer_sdk.singerlib import Catalog, CatalogEntry
from singer_sdk.singerlib.catalog import MetadataMapping

from tap_constantcontact.config.stream_maps import evaluation, names
from tap_constantcontact.config.stream_maps.names import Schemas
from tap_constantcontact.exceptions import refused


class StreamMaps:
    """The stream maps of a run.

    Maps of deselected streams are not applied, but the SDK sets them up. They are given all
    properties, as the SDK would otherwise report missing keys. (singer-sdk issue 1942.)

    Args:
        config: The settings.
        entries: The entries of all streams in the catalog.
        schemas: The JSON schema of each stream's records, with what is deselected.
        selected: Names of the streams that are selected.
        logger: Where the SDK logs the maps that it found.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        entries: Mapping[str, CatalogEntry],
        schemas: Schemas,
        selected: Collection[str],
        logger: logging.Logger,
    ) -> None:
        self._config = config
        self._maps: Mapping[str, Any] = config.get("stream_maps") or {}
        self._schemas = schemas
        self._logger = logger
        self._streams = Catalog(
            (name, entry if name in selected else replace(entry, metadata=MetadataMapping()))
            for name, entry in entries.items()
        )
        named = {str(names.source_of(key, value)) for key, value in self._maps.items()}
        self._selected = selected
        self._must_work = {*selected, *(named & schemas.keys())}

    def check(self) -> None:
        """Warn of what may be misspelt, and refuse what cannot be meant or cannot work.

        Raises:
            ConfigValidationError: With one sentence for each fault.
        """
        faults = [*names.faults(self._maps, self._schemas)]
        if self._maps and not faults:
            working = Catalog(
                (name, entry) for name, entry in self._streams.items() if name in self._must_work
            )
            faults += evaluation.faults(self._config, working, self._schemas, self._logger)
        if faults:
            raise refused(*faults)
        for doubt in names.doubts(self._maps, self._schemas):
            self._logger.warning("%s.", doubt)

    def register(self, mapper: PluginMapper) -> None:
        """Set up the maps of all streams.

        If a pattern's map cannot be set up for a stream that is neither selected nor named, that
        stream's records are dropped.

        Raises:
            ConfigValidationError: With one sentence for each map that cannot be set up.
        """
        faults = []
        for name, entry in self._streams.items():
            try:
                mapper.register_raw_streams_from_catalog(Catalog([(name, entry)]))
            except Exception as error:  # noqa: BLE001 - the SDK may raise anything for a bad map
                if name in self._must_work:
                    faults.append(f"stream_maps: {str(error).rstrip('.')}")
                mapper.stream_maps[name] = [RemoveRecordTransform(name, {}, None, None)]
            aliases = [stream_map.stream_alias for stream_map in mapper.stream_maps[name]]
            if not all(alias and isinstance(alias, str) for alias in aliases):
                faults.append(f"stream_maps {name}: __alias__ is not a valid name")
        faults += _collisions({name: mapper.stream_maps[name] for name in sorted(self._selected)})
        if faults:
            raise refused(*faults)


def _collisions(stream_maps: Mapping[str, Sequence[StreamMap]]) -> Iterator[str]:
    """Yield a sentence for each name under which records of two selected streams would be written.

    Args:
        stream_maps: The maps of each selected stream, by its name.
    """
    written: dict[Any, str] = {}
    for name, maps in stream_maps.items():
        for one in maps:
            other = written.setdefault(one.stream_alias, name)
            if other != name and not isinstance(one, RemoveRecordTransform):
                yield (
                    f"stream_maps would write {other} and {name} as one stream, "
                    f"{one.stream_alias}: give one of them another __alias__, or deselect it"
                )
