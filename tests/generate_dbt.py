"""The sources of the dbt package: a table for each stream."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from tap_constantcontact.streams import STREAMS
from tests.parameters import parents_of

PATH = "examples/dbt/models/sources.yml"
SOURCE = "constantcontact"
NOTICE = "# Generated: change tap_constantcontact/streams/, then run python -m tests.generate\n"


def sources(streams: Iterable[Any] = STREAMS) -> str:
    """Return what dbt should know of the streams' tables."""
    source = {
        "name": SOURCE,
        "description": "What tap-constantcontact reads from an account.",
        "schema": '{{ var("constantcontact_schema") }}',
        "tables": [_table(stream) for stream in streams],
    }
    written = {"version": 2, "sources": [source]}
    return NOTICE + yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=1000)


def _table(stream: Any) -> dict[str, Any]:
    columns = stream.schema["properties"].items()
    table = {"name": stream.name, "description": _first_line(stream)}
    if len(stream.primary_keys) > 1:
        together = _test("unique_together", stream.name, columns=[*stream.primary_keys])
        table["data_tests"] = [together]
    table["columns"] = [_column(stream, name, column) for name, column in columns]
    return table


def _first_line(stream: Any) -> str:
    return inspect.cleandoc(stream.__doc__).splitlines()[0]


def _column(stream: Any, name: str, column: Mapping[str, Any]) -> dict[str, Any]:
    described = {"name": name, "description": column["description"]}
    tests = [*_tests(stream, name, column)]
    return {**described, "data_tests": tests} if tests else described


def _tests(stream: Any, name: str, column: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    if (name,) == tuple(stream.primary_keys):
        yield _test("unique", stream.name)
    if name in stream.primary_keys:
        yield _test("not_null", stream.name)
    if values := [value for value in column.get("enum", ()) if value is not None]:
        yield _test("accepted_values", stream.name, values=values)
    parents = parents_of(stream)
    if parents and parents.stream and parents.key == name:
        to = f"source('{SOURCE}', '{parents.stream.name}')"
        yield _test("relationships", stream.name, parents.stream.name, to=to, field=name)


def _test(test: str, *tables: str, **arguments: Any) -> dict[str, Any]:
    """Return a test that takes place if its tables are among those that are loaded."""
    loaded = " and ".join(f'"{table}" in var("loaded_tables")' for table in tables)
    config = {"config": {"enabled": f"{{{{ {loaded} }}}}"}}
    return {test: {"arguments": arguments, **config} if arguments else config}
