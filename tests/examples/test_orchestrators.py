"""What docs/orchestrators.md shows of the examples, and what the examples have in common."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml

from tap_constantcontact.config.settings import SETTINGS
from tests.generate import ROOT

PAGE = (ROOT / "docs/orchestrators.md").read_text("utf-8")
LINES = [
    pytest.param(found["path"], found["lines"], id=found["path"])
    for part in PAGE.split("\n## ")
    if (found := re.search(r"(?s)\.\./(?P<path>examples/\S+)\).*?```\w+\n(?P<lines>.*?)```", part))
]


def passages(text: str, size: int) -> list[str]:
    """Return every run of so many lines of a text, without their common indentation."""
    lines = text.splitlines(keepends=True)
    runs = ("".join(lines[start : start + size]) for start in range(len(lines) - size + 1))
    return [textwrap.dedent(run) for run in runs]


@pytest.mark.parametrize(("path", "lines"), LINES)
def test_the_lines_stand_in_the_example(path: str, lines: str) -> None:
    assert lines in passages((ROOT / path).read_text("utf-8"), lines.count("\n"))


def test_lines_of_four_examples_are_shown() -> None:
    assert len(LINES) == 4


def accounts() -> list[str]:
    """The accounts of the Meltano project."""
    project = yaml.safe_load((ROOT / "examples/meltano/meltano.yml").read_text("utf-8"))
    return [job["name"] for job in project["jobs"]]


def test_the_meltano_project_uses_settings_of_the_tap() -> None:
    project = yaml.safe_load((ROOT / "examples/meltano/meltano.yml").read_text("utf-8"))
    shared, *instances = project["plugins"]["extractors"]
    names = {setting["name"] for setting in shared["settings"]}
    assert names <= SETTINGS["properties"].keys()
    for instance in instances:
        assert instance["config"].keys() <= names
    assert sum(instance["config"]["daily_share"] for instance in instances) == 1


def test_the_workflow_reads_every_account() -> None:
    workflow = yaml.safe_load((ROOT / "examples/github/constantcontact.yml").read_text("utf-8"))
    job = workflow["jobs"]["read"]
    assert job["strategy"]["matrix"]["account"] == accounts()
    assert job["strategy"]["max-parallel"] == 1


def actions(file: Path) -> set[str]:
    """The actions that a workflow uses, with their hashes and versions."""
    return {*re.findall(r"uses: (.+)", file.read_text("utf-8"))}


def test_the_workflow_uses_the_actions_of_our_own() -> None:
    ours = actions(ROOT / ".github/workflows/test.yml")
    assert actions(ROOT / "examples/github/constantcontact.yml") <= ours
