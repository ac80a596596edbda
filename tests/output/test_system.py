"""Runs on Windows, or on Linux without what Windows lacks.

They read all rows, and end between two lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.output import system
from tap_constantcontact.sandbox.account import Account
from tests.expected import Expected
from tests.generate import ROOT
from tests.runs import Run
from tests.windows import unless_open

IS_WINDOWS = os.name == "nt"

pytestmark = pytest.mark.skipif(
    not (IS_WINDOWS or Path("/proc/self/fd").exists()), reason="only Linux tells which file is open"
)
sends_signals = pytest.mark.skipif(IS_WINDOWS, reason="a signal ends a process of Windows at once")

DOCTOR = "tap_constantcontact.commands.doctor"


@contextmanager
def started(
    folder: Path, *options: str, module: str = "tap_constantcontact"
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command without what Windows lacks, and with a stdout of its old encoding."""
    without = () if IS_WINDOWS else ("tests.windows",)
    environment = {
        **os.environ,
        "PYTHONIOENCODING": "cp1252",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    with subprocess.Popen(
        [sys.executable, "-m", *without, module, *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process


@pytest.mark.slow
def test_a_run_reads_all_rows(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox", "--select=contact_lists,contacts") as process:
        out, errors = process.communicate()
    assert process.returncode == 0, errors
    read = Run([*map(json.loads, out.splitlines())])
    expected = Expected(Account())
    for stream in ("contact_lists", "contacts"):
        assert read.by_key(stream) == expected[stream]


@pytest.mark.slow
@sends_signals
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_between_two_lines_without_a_timer(tmp_path: Path, signum: int) -> None:
    with started(tmp_path, "--sandbox") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any(b"contact_action_summary" in line for line in process.stdout)
        process.send_signal(signum)
        rest = process.stdout.read()
        errors = process.stderr.read()
    assert process.returncode == 128 + signum
    assert all(json.loads(line)["type"] for line in rest.splitlines())
    assert b"Traceback" not in errors


@pytest.mark.slow
@sends_signals
def test_a_signal_ends_a_run_whose_output_nobody_takes(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_closed_pipe_ends_a_run_without_a_word(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 128 + 13
    assert b"ERROR" not in errors
    assert b"Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_files_take_their_place_once_they_are_closed(tmp_path: Path, form: str) -> None:
    command = ("--sandbox", "--select=contact_lists", "--to=tables", f"--format={form}")
    for _ in range(2):
        with started(tmp_path, *command) as process:
            _, errors = process.communicate()
        assert process.returncode == 0, errors
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert names - {".state.json.lock"} == {f"contact_lists.{form}", "state.json"}


@pytest.mark.slow
def test_a_file_that_is_given_up_is_closed_and_removed(tmp_path: Path) -> None:
    maps = {"contact_lists": {}, "more": {"__source__": "contact_lists", "name": None}}
    (tmp_path / "config.json").write_text(json.dumps({"stream_maps": maps}))
    command = ("--config=config.json", "--sandbox", "--select=contact_lists", "--to=lists.csv")
    with started(tmp_path, *command) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir() if "lists.csv" in path.name] == [
        ".lists.csv.lock"
    ]


@pytest.mark.slow
def test_output_is_utf_8_whatever_the_console_has(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"Łódź": "no setting"}))
    with started(tmp_path, "--config=config.json", module=DOCTOR) as process:
        out, errors = process.communicate()
    assert process.returncode == 1
    assert not errors
    assert "Łódź" in out.decode()


def test_a_file_that_is_open_for_a_moment_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    reader = old.open()
    refusing = Path.replace if IS_WINDOWS else unless_open(Path.replace)

    def replace(*files: Path) -> Any:
        try:
            return refusing(*files)
        finally:
            reader.close()

    monkeypatch.setattr(Path, "replace", replace)
    system.put(new, old)
    assert old.read_text() == "new"
