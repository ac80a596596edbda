"""Names in an expression of a stream map that stand for nothing.

An expression is only evaluated on records, and there a misspelt name may fail, or be empty, or lie
in a part that is hardly ever evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

GIVEN = ("__stream_name__", "__original_stream_name__")
"""Names that the SDK gives to each expression, beside the record's."""

Schema = Mapping[str, Any]


class Step(NamedTuple):
    """The way from an object to one of its properties.

    Attributes:
        of: What stands for the object.
        name: Name of the property.
        is_sure: Whether the property must be there.
    """

    of: ast.expr
    name: str
    is_sure: bool


def unknown_names(
    expression: str,
    schema: Schema,
    column: str | None,
    functions: Collection[str],
    config: Collection[str],
) -> Iterator[tuple[str, Collection[str]]]:
    """Yield each name that stands for nothing, with those that could be meant.

    Args:
        expression: The expression; if it is malformed, nothing is found in it.
        schema: The JSON schema of the stream's records, with what is deselected.
        column: The column that the expression is for; None for a filter.
        functions: Names of the functions that it may call.
        config: Names in `stream_map_config`.
    """
    try:
        tree = ast.parse(expression)
    except (SyntaxError, ValueError):
        return
    nodes = [*ast.walk(tree)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    properties = schema["properties"]
    settings: Schema = {"properties": {name: {} for name in config}}
    given = {**properties, "record": schema, "_": schema, "config": settings}
    if column in properties:
        given["self"] = properties[column]

    def meant(node: ast.expr) -> Schema:
        if isinstance(node, ast.Name):
            return {} if node.id in bound else given.get(node.id, {})
        step = _step(node)
        return meant(step.of).get("properties", {}).get(step.name, {}) if step else {}

    for node in nodes:
        if isinstance(node, ast.Name):
            if node.id not in {*given, *bound, *functions, *GIVEN}:
                yield node.id, {*given, *functions}
        elif (step := _step(node)) and "properties" in (schema_of := meant(step.of)):
            is_setting = schema_of is settings
            if step.name not in schema_of["properties"] and (step.is_sure or not is_setting):
                yield step.name, schema_of["properties"]


def _step(node: ast.AST) -> Step | None:
    match node:
        case ast.Subscript(value=of, slice=ast.Constant(value=str(name))):
            return Step(of, name, is_sure=True)
        case ast.Attribute(value=of, attr=name) if not hasattr(dict, name):
            return Step(of, name, is_sure=True)
        case ast.Call(
            func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=str(name)), *_]
        ):
            return Step(of, name, is_sure=False)
        case ast.Compare(
            left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[of]
        ):
            return Step(of, name, is_sure=False)
    return None
