"""Names in stream maps that stand for nothing: of streams, properties, options, in expressions.

The SDK passes over a map of a stream or a property that does not exist, and what a misspelt name
was to remove would be written. An expression is only evaluated on records, and there a misspelt
name may fail, or be empty, or lie in a part that is hardly ever evaluated. A map sees records as
they are before flattening. (Source: `singer_sdk.mapper.CustomStreamMap`, 0.54.)
"""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Collection, Iterator, Mapping
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

from tap_constantcontact.config.selection import Schema
from tap_constantcontact.exceptions import nearest

MAP_OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
"""What a map may have beside names of properties."""

ALIKE = 0.85
"""Likeness, of at most 1, from which on a new column's name may be a misspelt property's."""

IN_EVERY_EXPRESSION = ("__stream_name__", "__original_stream_name__")
"""Names that the SDK gives to each expression, beside the record's."""

Schemas = Mapping[str, Schema]
"""The JSON schema of each stream's records, with what is deselected."""


def source_of(key: str, definition: Any) -> Any:
    """Return the name of the stream, or the pattern of names, that a map is of."""
    return definition.get(MAPPER_SOURCE_OPTION, key) if isinstance(definition, dict) else key


def matching(source: Any, streams: Mapping[str, Any]) -> list[str]:
    """Return the names of the streams that a map is of."""
    return [name for name in streams if fnmatch.fnmatch(name, str(source))]


def map_faults(stream_maps: Mapping[str, Any], schemas: Schemas) -> Iterator[str]:
    """Yield a sentence for each name that stands for nothing, expressions aside."""
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
            if key not in MAP_OPTIONS:
                yield f"there is no option {key!r}{nearest(key, MAP_OPTIONS)}"
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
            new = (name for name in definition if name not in MAP_OPTIONS)
            for name in new:
                if like := get_close_matches(name, left, n=1, cutoff=ALIKE):
                    yield (
                        f"stream_maps {key} adds a column {name!r}, and leaves the property "
                        f"{like[0]!r} as it is"
                    )


# Expressions


def unknown(
    expression: str,
    schema: Schema,
    column: str | None,
    functions: Collection[str],
    config: Collection[str],
) -> Iterator[tuple[str, Collection[str]]]:
    """Yield each name in an expression that stands for nothing, with those that could be meant.

    Nothing is found in a malformed one. A filter is for no column, which is None. `config` has the
    names in `stream_map_config`.
    """
    try:
        nodes = [*ast.walk(ast.parse(expression))]
    except (SyntaxError, ValueError):
        return
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    properties = schema["properties"]
    settings: Schema = {"properties": {name: {} for name in config}}
    given = {**properties, "record": schema, "_": schema, "config": settings}
    if column in properties:
        given["self"] = properties[column]
    for node in names:
        if node.id not in {*given, *bound, *functions, *IN_EVERY_EXPRESSION}:
            yield node.id, {*given, *functions}

    def meant(node: ast.expr) -> Schema:
        if isinstance(node, ast.Name):
            return {} if node.id in bound else given.get(node.id, {})
        of, name, _ = _step(node)
        schema_of: Schema = meant(of).get("properties", {}).get(name, {}) if of else {}
        return schema_of

    for of, name, must_be in map(_step, nodes):
        schema_of = meant(of) if of else {}
        is_known = name in schema_of.get("properties", (name,))
        if not is_known and (must_be or schema_of is not settings):
            yield name, schema_of["properties"]


def _step(node: ast.AST) -> tuple[ast.expr | None, str, bool]:
    """Return the object of which a node is a property, the property's name, and if it must be."""
    match node:
        case ast.Subscript(value=of, slice=ast.Constant(value=str(name))):
            return of, name, True
        case ast.Attribute(value=of, attr=name) if not hasattr(dict, name):
            return of, name, True
        case ast.Call(
            func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=str(name)), *_]
        ):
            return of, name, False
        case ast.Compare(
            left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[of]
        ):
            return of, name, False
    return None, "", False
