"""Names of streams, properties and options in stream maps.

The SDK passes over a map of a stream or a property that does not exist, and what a misspelt name
was to remove would be written. A map sees records as they are before flattening. (Source:
`singer_sdk.mapper.CustomStreamMap`, 0.54.)
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
)

from tap_constantcontact.exceptions import nearest

OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
"""What a map may have beside names of properties."""

ALIKE = 0.85
"""Likeness, of at most 1, from which on a new column's name may be a misspelt property's."""

Schemas = Mapping[str, Mapping[str, Any]]


def source_of(key: str, definition: Any) -> Any:
    """Return the name of the stream, or the pattern of names, that a map is of."""
    return definition.get(MAPPER_SOURCE_OPTION, key) if isinstance(definition, dict) else key


def matching(source: Any, streams: Mapping[str, Any]) -> list[str]:
    """Return the names of the streams that a map is of."""
    return [name for name in streams if fnmatch.fnmatch(name, str(source))]


def faults(stream_maps: Mapping[str, Any], schemas: Schemas) -> Iterator[str]:
    """Yield a sentence for each name that stands for nothing.

    Args:
        stream_maps: The setting.
        schemas: The JSON schema of each stream's records, with what is deselected.
    """
    for key, definition in stream_maps.items():
        source = source_of(key, definition)
        if key == MAPPER_ELSE_OPTION:
            if definition not in (None, NULL_STRING):
                yield "stream_maps __else__ can only be null, which leaves all other streams out"
        elif key.startswith("__"):
            yield f"stream_maps has no {key!r}{nearest(key, (MAPPER_ELSE_OPTION,))}"
        elif not matching(source, schemas):
            yield f"stream_maps {key}: there is no stream {source!r}{nearest(str(source), schemas)}"
        elif isinstance(definition, dict):
            properties = _properties(source, schemas)
            for fault in _faults_of_a_map(definition, properties):
                yield f"stream_maps {key}: {fault}"


def _properties(source: Any, schemas: Schemas) -> set[str]:
    return {name for stream in matching(source, schemas) for name in schemas[stream]["properties"]}


def _faults_of_a_map(definition: Mapping[str, Any], properties: set[str]) -> Iterator[str]:
    if {MAPPER_SOURCE_OPTION, MAPPER_ALIAS_OPTION} <= definition.keys():
        yield "__source__ and __alias__ contradict each other: give only one"
    for key, value in definition.items():
        if key.startswith("__"):
            if key not in OPTIONS:
                yield f"there is no option {key!r}{nearest(key, OPTIONS)}"
        elif value in (None, NULL_STRING) and key not in properties:
            yield f"there is no property {key!r} to remove{nearest(key, properties)}"
    columns = {*properties, *definition}
    for key in definition.get(MAPPER_KEY_PROPERTIES_OPTION) or ():
        if key not in columns:
            yield f"there is no property {key!r} for a key{nearest(str(key), columns)}"


def doubts(stream_maps: Mapping[str, Any], schemas: Schemas) -> Iterator[str]:
    """Yield a sentence for each new column whose name may be a misspelt property's."""
    for key, definition in stream_maps.items():
        if isinstance(definition, dict):
            left = _properties(source_of(key, definition), schemas) - definition.keys()
            new = (name for name in definition if name not in OPTIONS)
            for name in new:
                if like := get_close_matches(name, left, n=1, cutoff=ALIKE):
                    yield (
                        f"stream_maps {key} adds a column {name!r}, and leaves the property "
                        f"{like[0]!r} as it is"
                    )
