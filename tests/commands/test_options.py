"""The options of the command: what each prints, and which contradict each other."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.cli import main
from tap_constantcontact.config.settings import SETTINGS
from tests.parameters import partly_slow
from tests.processes import TAP, Command, run_tap

OPTIONS = {
    "--about": [],
    "--discover": [],
    "--test": [],
    "--estimate": [],
    "--limit": ["3"],
    "--state": ["state.json"],
    "--to": ["tables"],
}
"""Options that say what a run is to do, each with its value."""

MODES = ("--discover", "--about", "--test", "--estimate")

TOGETHER = [
    {"--limit", "--to"},
    {"--state", "--to"},  # unless the folder has a state
    *({mode, "--state"} for mode in MODES),
]


@pytest.mark.parametrize(
    ("one", "other"), [pair for pair in combinations(OPTIONS, 2) if {*pair} not in TOGETHER]
)
def test_modes_that_contradict_each_other_are_refused(one: str, other: str) -> None:
    line = [one, *OPTIONS[one], "--sandbox", other, *OPTIONS[other]]
    with pytest.raises(ConfigValidationError) as refusal:
        main.make_context("tap-constantcontact", line)
    (told,) = refusal.value.errors
    assert {one, other} <= {*told.replace(":", "").split()}
    assert told.endswith("give one of the two")


@pytest.mark.parametrize("mode", partly_slow(MODES[:1], MODES[1:]))
def test_a_runner_may_give_a_state_in_every_mode(tmp_path: Path, mode: str) -> None:
    (tmp_path / "state.json").write_text("{}")
    result = run_tap(tmp_path, "--sandbox", "--state", "state.json", mode)
    assert result.returncode == 0
    assert result.stdout


def test_a_contradiction_is_one_line(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--sandbox", "--about", "--discover")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.endswith("--about contradicts --discover: give one of the two.")


def test_the_version_is_one_line(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--version")
    assert (result.returncode, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert line.startswith("tap-constantcontact v")


@pytest.mark.parametrize("form", [None, "json", "markdown"])
def test_about_tells_the_meaning_of_each_setting(tmp_path: Path, form: str | None) -> None:
    options = ["--about", *(["--format", form] if form else [])]
    result = Command(TAP, *options, folder=tmp_path).run()
    assert (result.returncode, result.stderr) == (0, "")
    told = json.dumps(json.loads(result.stdout)) if form == "json" else result.stdout
    words = " ".join(told.replace("<BR/>", " ").split())
    assert "contacts, lists and e-mail activity from the v3 API" in words
    for name, setting in SETTINGS["properties"].items():
        meaning = " ".join(setting["description"].split())
        assert name in words
        assert (json.dumps(meaning)[1:-1] if form == "json" else meaning) in words


def test_schemas_are_written_of_the_sandbox_too(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--sandbox", "--test=schema")
    assert result.returncode == 0
    assert {json.loads(line)["type"] for line in result.stdout.splitlines()} == {"SCHEMA"}
