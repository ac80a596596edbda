"""The script of docs/cron.md, run by its line in the crontab, in the environment of cron."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.generate import ROOT
from tests.parameters import partly_slow
from tests.runs import config_for
from tests.targets.targets import JSONLines

pytestmark = pytest.mark.contacts(6, young=True)

PAGE = (ROOT / "docs/cron.md").read_text("utf-8")
SCRIPT = PAGE.partition("```sh\n")[2].partition("```")[0]
LINE = re.findall(r"(?m)^\d+ \d+ \* \* \* (.+)$", PAGE)[0]
FOLDER = "/srv/constantcontact"

TARGET = """#!{python}
import json, sys

with open("rows.jsonl", "w") as rows:
    for line in map(json.loads, sys.stdin):
        if line["type"] == "RECORD":
            print(json.dumps(line), file=rows)
        elif line["type"] == "STATE":
            print(json.dumps(line["value"]), flush=True)
{end}
"""
"""A target that keeps the rows of its last run alone."""

HALF_A_LINE = """print('{"bookmarks": {"cont', end="", flush=True); sys.exit(3)"""

Cron = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox) -> Path:
    """The folder of the script, with a tap and a target beside it."""
    (tmp_path / "run.sh").write_text(SCRIPT)
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "tap").symlink_to(sys.prefix)
    (tmp_path / "target" / "bin").mkdir(parents=True)
    write_target(tmp_path)
    write_config(tmp_path, sandbox)
    return tmp_path


def write_config(folder: Path, sandbox: Sandbox, **settings: Any) -> None:
    (folder / "config.json").write_text(json.dumps(config_for(sandbox, folder, **settings)))


def target_in(folder: Path) -> Path:
    return folder / "target" / "bin" / "target-jsonl"


def write_target(folder: Path, end: str = "") -> None:
    target_in(folder).write_text(TARGET.format(python=sys.executable, end=end))
    target_in(folder).chmod(0o700)


@pytest.fixture
def cron(folder: Path) -> Cron:
    """Run the line of the crontab as cron does: with almost no environment."""
    environment = {
        "HOME": str(folder),
        "LOGNAME": "ada",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
    }

    def run() -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", "-c", LINE.replace(FOLDER, str(folder))]
        return subprocess.run(
            command, check=False, env=environment, cwd="/", capture_output=True, text=True
        )

    return run


def contacts(folder: Path) -> int:
    lines = (folder / "rows.jsonl").read_text().splitlines()
    return sum(json.loads(line)["stream"] == "contacts" for line in lines)


def failed(run: subprocess.CompletedProcess[str], folder: Path) -> bool:
    """Tell whether cron has a line to send, which says where to look."""
    return run.stdout.strip() == f"Failed: see {folder}/tap.log"


@pytest.mark.slow
def test_each_run_goes_on_from_the_state_of_the_last(
    folder: Path, cron: Cron, account: Account
) -> None:
    for rows in (len(account.contacts), 0):
        run = cron()
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
        assert contacts(folder) == rows
        assert json.loads((folder / "state.json").read_text())["bookmarks"]["contacts"]
    assert "contacts" in (folder / "tap.log").read_text()


@pytest.mark.slow
def test_a_failure_of_the_tap_is_told_and_keeps_the_state(
    folder: Path, cron: Cron, sandbox: Sandbox
) -> None:
    cron()
    kept = (folder / "state.json").read_text()
    write_config(folder, sandbox, timezone="Mars/Base")
    assert failed(cron(), folder)
    assert (folder / "state.json").read_text() == kept
    assert "Mars/Base" in (folder / "tap.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "end", partly_slow([HALF_A_LINE], ["sys.exit(3)"]), ids=["half a line", "whole line"]
)
def test_a_failure_of_the_target_is_told_and_keeps_a_state(
    folder: Path, cron: Cron, end: str
) -> None:
    cron()
    write_target(folder, end)
    assert failed(cron(), folder)
    assert json.loads((folder / "state.json").read_text())["bookmarks"]["contacts"]


def test_two_runs_do_not_overlap(folder: Path, cron: Cron) -> None:
    with (folder / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert failed(cron(), folder)
    assert not (folder / "rows.jsonl").exists()
    assert "The last run is not over yet." in (folder / "tap.log").read_text()


def test_a_real_target_loads_the_same(folder: Path, cron: Cron, account: Account) -> None:
    target = JSONLines.command("target-jsonl")
    if not target.exists():
        pytest.skip("no jsonl in TARGETS_VENVS")
    target_in(folder).unlink()
    target_in(folder).symlink_to(target)
    for rows in (len(account.contacts), 0):
        assert cron().returncode == 0
        files = [*folder.glob("contacts-*.jsonl")]
        assert sum(len(file.read_text().splitlines()) for file in files) == rows
        for file in files:
            file.unlink()
