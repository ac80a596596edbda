"""Signals and closed pipes: a run ends at once, between two lines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parameters import SUMMARY, partly_slow
from tests.processes import Process
from tests.runs import config_for
from tests.sandboxes import Slow

pytestmark = pytest.mark.contacts(20, young=True)

COMMAND = [sys.executable, "-m", "tap_constantcontact"]


_of_a_sweep = re.compile(rb'"%s":{[^}]*"sweep":"' % SUMMARY.encode()).search


def has_a_sweep(line: bytes) -> bool:
    """Tell whether a line is a state with a sweep of a contact report under way."""
    return _of_a_sweep(line) is not None


PACE = {"requests_per_second": 20}
"""At which a sweep takes longer than the time between two states."""


@pytest.mark.parametrize("signum", partly_slow([signal.SIGINT], [signal.SIGTERM]))
def test_a_signal_ends_a_run_between_two_lines(tmp_path: Path, signum: int) -> None:
    environment = {**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"}
    command = [*COMMAND, "--config=ENV"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "contact_action_summary" not in process.stdout.readline():
            pass
        process.send_signal(signum)
        asked = time.monotonic()
        rest = process.stdout.read()
        errors = process.stderr.read()
        process.wait()
    assert time.monotonic() - asked < 2
    assert process.returncode == 128 + signum
    assert all(json.loads(line)["type"] for line in rest.splitlines())
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("then", ["writer.write_block()", "time.sleep(30)"])
def test_a_signal_that_arrives_while_an_object_is_removed_ends_a_run(then: str) -> None:
    script = f"""
import os, signal, time
from tap_constantcontact.output.singer import WholeLineWriter

class Removed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

writer = WholeLineWriter()
writer.last_words = lambda: writer.write_line(b"last\\n") or writer.write_block()
signal.signal(signal.SIGTERM, lambda signum, frame: writer.terminate(signum))
writer.write_line(b"first\\n")
Removed()
writer.write_line(b"too late\\n")
{then}
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=10, check=False
    )
    assert ended.returncode == 128 + signal.SIGTERM
    assert ended.stdout == "first\nlast\n"


def test_a_closed_pipe_ends_a_run_quietly(tmp_path: Path) -> None:
    environment = {**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"}
    with subprocess.Popen(
        [*COMMAND, "--config=ENV"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait()
    assert process.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize("signum", partly_slow([signal.SIGTERM], [signal.SIGINT, signal.SIGHUP]))
def test_a_signal_does_not_wait_for_answers(slow: Slow, tmp_path: Path, signum: int) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path, **PACE))
    process.read_until(has_a_sweep)
    slow.slowness.seconds = 30
    while slow.slowness.under_way < 2:
        time.sleep(0.01)
    asked_at = time.monotonic()
    log = process.end(signum)
    assert time.monotonic() - asked_at < 2
    assert process.process.returncode == 128 + signum
    assert process.run().state["bookmarks"][SUMMARY]["sweep"]
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_run_that_ignores_a_hangup_goes_on(slow: Slow, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config_for(slow, tmp_path, **PACE)))
    script = "trap '' HUP; exec " + " ".join((*COMMAND, "--config=config.json"))
    with subprocess.Popen(
        ["sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        while not has_a_sweep(process.stdout.readline().encode()):
            pass
        process.send_signal(signal.SIGHUP)
        last = process.stdout.readlines()[-1]
    assert process.returncode == 0
    assert json.loads(last)["type"] == "STATE"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux addresses a thread by a number")
def test_a_signal_that_does_not_reach_the_main_thread_ends_a_run(
    slow: Slow, tmp_path: Path
) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path, **PACE))
    process.read_until(has_a_sweep)
    slow.slowness.seconds = 30
    while slow.slowness.under_way < 2:
        time.sleep(0.01)
    asked_at = time.monotonic()
    os.kill(process.process.other_threads()[-1], signal.SIGTERM)
    process.end()
    assert time.monotonic() - asked_at < 2
    assert process.process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_closed_pipe_ends_a_sweep(slow: Slow, tmp_path: Path) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path, **PACE))
    process.read_until(has_a_sweep)
    process.stdout.close()
    log = process.end()
    assert process.process.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in log
