"""The dbt package's sources are up to date, and test what each stream promises."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.visits import All
from tap_constantcontact.streams import STREAMS
from tests.generate import COMMAND, ROOT
from tests.generate_dbt import PATH, sources


def test_sources_are_up_to_date() -> None:
    assert (ROOT / PATH).read_text("utf-8") == sources(), f"out of date, so run `{COMMAND}`"


def test_the_tables_that_the_models_need_are_tested_and_to_be_selected() -> None:
    package = (ROOT / PATH).parents[1]
    models = "".join(file.read_text("utf-8") for file in package.glob("models/staging/*.sql"))
    needed = {*re.findall(r"source\('constantcontact', '(\w+)'\)", models)}
    project = yaml.safe_load((package / "dbt_project.yml").read_text("utf-8"))
    assert {*project["vars"]["loaded_tables"]} == needed
    readme = (package / "README.md").read_text("utf-8")
    assert {*re.findall(r"- (\w+)\.\*", readme)} == needed
    assert needed <= {stream.name for stream in STREAMS if stream.selected_by_default}


def columns(**properties: Any) -> dict[str, Any]:
    described = {
        name: {"description": name.title(), **column} for name, column in properties.items()
    }
    return {"type": "object", "properties": described}


class PlanetsStream(Collection):
    name = "planets"


class MoonsStream(Report):
    """Moons, the large ones first.

    The API knows no others.
    """

    name = "moons"
    primary_keys = ("planet_id", "moon")
    visits = All(ParentType("planet_id", PlanetsStream))
    schema = columns(planet_id={}, moon={}, kind={"enum": ["ice", "rock", None]}, size={})


def test_keys_values_and_parents_are_tested_where_they_are_loaded() -> None:
    (source,) = yaml.safe_load(sources([MoonsStream]))["sources"]
    (table,) = source["tables"]
    moons_are, planets_are = (f'"{name}" in var("loaded_tables")' for name in ("moons", "planets"))
    loaded = {"enabled": f"{{{{ {moons_are} }}}}"}
    both = {"enabled": f"{{{{ {moons_are} and {planets_are} }}}}"}
    parent = {"to": "source('constantcontact', 'planets')", "field": "planet_id"}

    assert table["description"] == "Moons, the large ones first."
    together = {"arguments": {"columns": ["planet_id", "moon"]}, "config": loaded}
    assert table["data_tests"] == [{"unique_together": together}]
    assert table["columns"] == [
        {
            "name": "planet_id",
            "description": "Planet_Id",
            "data_tests": [
                {"not_null": {"config": loaded}},
                {"relationships": {"arguments": parent, "config": both}},
            ],
        },
        {"name": "moon", "description": "Moon", "data_tests": [{"not_null": {"config": loaded}}]},
        {
            "name": "kind",
            "description": "Kind",
            "data_tests": [
                {"accepted_values": {"arguments": {"values": ["ice", "rock"]}, "config": loaded}}
            ],
        },
        {"name": "size", "description": "Size"},
    ]
