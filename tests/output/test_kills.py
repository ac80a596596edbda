"""Killed runs: whatever a run has written, no line is cut, and no state is ahead of its records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.catalogs import select
from tests.expected import Expected
from tests.parameters import SUMMARY, partly_slow
from tests.runs import Run, config_for, sync, tap_with

pytestmark = pytest.mark.contacts(400, young=True)

ENDS = [signal.SIGTERM, signal.SIGKILL]
STREAMS = ("contacts", SUMMARY)


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path) -> list[str]:
    """Return a command that reads two streams, of which one is a sweep."""
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox, tmp_path)))
    run = [sys.executable, "-m", "tap_constantcontact", "--config=config.json"]
    catalog = json.loads(tap_with(config_for(sandbox, tmp_path)).catalog_json_text)
    select(catalog, STREAMS)
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    return [*run, "--catalog=catalog.json"]


@pytest.fixture
def check(sandbox: Sandbox, tmp_path: Path, expected: Expected) -> Callable[[bytes], None]:
    """Return a check that a run from the last state brings all that a killed run has not."""

    def check(written: bytes) -> None:
        assert written.endswith(b"\n")
        killed = Run([*map(json.loads, written.splitlines())], 0)
        rest = sync(config_for(sandbox, tmp_path), state=killed.state, streams=STREAMS)
        for stream in STREAMS:
            assert {**killed.by_key(stream), **rest.by_key(stream)} == expected[stream]

    return check


@pytest.mark.slow
@pytest.mark.parametrize("signum", partly_slow([*ENDS][1:], [*ENDS][:1]))
@pytest.mark.parametrize("size", partly_slow([300_000], [1, 700_000]))
def test_a_killed_run_leaves_whole_lines_in_a_file(
    command: list[str], tmp_path: Path, check: Callable[[bytes], None], size: int, signum: int
) -> None:
    path = tmp_path / "out.jsonl"
    with path.open("wb") as out, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=log)
        while path.stat().st_size < size and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signum)
        process.wait()
    written = path.read_bytes()
    if signum == signal.SIGKILL:  # the kernel may stop within a block, between two pages
        written = written[: written.rfind(b"\n") + 1]
    check(written)


@pytest.mark.slow
@pytest.mark.parametrize("signum", [*ENDS])
@pytest.mark.parametrize("taken", [600_000, 10_000])
def test_a_killed_run_leaves_whole_lines_in_a_full_pipe(
    command: list[str], tmp_path: Path, check: Callable[[bytes], None], taken: int, signum: int
) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    written = b""
    while len(written) < taken:
        written += os.read(process.stdout.fileno(), 4096)
    time.sleep(0.2)  # the pipe fills
    process.send_signal(signum)
    written += process.stdout.read()
    process.stdout.close()
    process.wait()
    check(written)
