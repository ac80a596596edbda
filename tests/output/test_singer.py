"""Standard streams that are closed, full or nobody's: one plain line, and no half line."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from singer_sdk.singerlib import StateMessage

from tap_constantcontact.output.singer import WholeLineWriter
from tests.parameters import partly_slow

TAP = f"{shlex.quote(sys.executable)} -m tap_constantcontact --config=ENV"
LOGIN = f"{shlex.quote(sys.executable)} -m tap_constantcontact.commands.login"


def shell(folder: Path, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "XDG_STATE_HOME": str(folder),
        "TAP_CONSTANTCONTACT_SANDBOX": "true",
        **env,
    }
    return subprocess.run(
        command, shell=True, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def plain(said: str) -> list[str]:
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    return [line for line in said.splitlines() if "ERROR" in line or "Error" in line]


@pytest.mark.slow
@pytest.mark.parametrize("closed", partly_slow(["<&- 2>&-"], ["2>&-", "<&-"]))
def test_a_closed_stdin_or_stderr_does_not_matter(tmp_path: Path, closed: str) -> None:
    result = shell(tmp_path, f"{TAP} {closed}", TAP_CONSTANTCONTACT_REQUEST_BUDGET="30")
    assert result.returncode == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[-1]["type"] == "STATE"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    partly_slow(
        [TAP, f"{TAP} --discover", f"{TAP} --estimate", f"{LOGIN} --help"],
        [
            *(f"{TAP} {option}" for option in ("--about", "--version", "--help", "--test")),
            f"{LOGIN} --client-id x --logout",
        ],
    ),
)
@pytest.mark.parametrize(
    ("stdout", "said"),
    [
        (">&-", "closed"),
        pytest.param(">/dev/full", "No space left", marks=pytest.mark.slow),
    ],
)
def test_a_stdout_that_takes_nothing_is_one_line(
    tmp_path: Path, command: str, stdout: str, said: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    result = shell(tmp_path, f"{command} {stdout}")
    (error,) = plain(result.stderr)
    assert result.returncode == 1
    assert "stdout" in error
    assert said in error


@pytest.mark.parametrize("before", partly_slow([b"Another program's line\n"], [b""]))
def test_a_disk_that_fills_up_ends_the_output_with_a_whole_line(
    tmp_path: Path, before: bytes
) -> None:
    output = tmp_path / "output.jsonl"
    output.write_bytes(before)
    limit = 300_001

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with output.open("ab") as stdout:
        result = subprocess.run(
            shlex.split(TAP),
            cwd=tmp_path,
            env={**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=fill_up,
            check=False,
        )
    (error,) = plain(result.stderr)
    assert result.returncode == 1
    assert "stdout" in error
    written = output.read_bytes()
    assert written.startswith(before)
    assert 0 < limit - len(written) < limit / 10
    assert written.endswith(b"\n")
    assert all(json.loads(line) for line in written.removeprefix(before).splitlines())


@pytest.mark.slow
def test_a_user_without_a_home_folder_is_told_to_name_a_token_file(tmp_path: Path) -> None:
    homeless = (
        "import os, pwd, runpy, sys\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    )
    (tmp_path / "homeless.py").write_text(homeless)
    variables = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_STATE_HOME")}
    for command in (
        ["tap_constantcontact", "--config=ENV"],
        ["tap_constantcontact.commands.login"],
        ["tap_constantcontact.commands.login", "--check"],
    ):
        result = subprocess.run(
            [sys.executable, "homeless.py", *command],
            cwd=tmp_path,
            env={**variables, "TAP_CONSTANTCONTACT_CLIENT_ID": "x"},
            capture_output=True,
            text=True,
            check=False,
        )
        is_found = "--check" in command  # among what the doctor finds
        (error,) = (
            [line for line in result.stdout.splitlines() if line.startswith("error    token ")]
            if is_found
            else plain(result.stderr)
        )
        assert result.returncode == 1
        assert "token_file" in error
        assert [*tmp_path.iterdir()] == [tmp_path / "homeless.py"]


def test_a_token_file_below_a_home_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = shell(
        tmp_path,
        f"{TAP}",
        TAP_CONSTANTCONTACT_SANDBOX="false",
        TAP_CONSTANTCONTACT_CLIENT_ID="x",
        TAP_CONSTANTCONTACT_TOKEN_FILE="~nobody-of-that-name/tokens.json",
    )
    (error,) = plain(result.stderr)
    assert result.returncode == 1
    assert "token_file" in error


INTERRUPTED = """
import atexit, contextlib, io, os, signal, sys, time
from singer_sdk.singerlib import StateMessage
from tap_constantcontact.output import singer as output

class Interrupting(io.StringIO):
    def write(self, text):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.6 * output.GRACE)
        return super().write(text)

class Lingering:
    def __del__(self, sleep=time.sleep, seconds=1.2 * output.GRACE):
        sleep(seconds)

out = Interrupting()
writer = output.WholeLineWriter()
atexit.register(lambda: (time.sleep(0.6 * output.GRACE), sys.stdout.write(out.getvalue())))
lingering = Lingering()
signal.signal(signal.SIGTERM, lambda signum, _: writer.terminate(signum))
with contextlib.redirect_stdout(out):
    writer.write_message(StateMessage({}))
"""


@pytest.mark.slow
def test_a_line_that_was_finished_in_time_leaves_the_run_time_to_exit() -> None:
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (128 + 15, "")
    assert json.loads(result.stdout)["type"] == "STATE"


def test_a_message_follows_the_lines_that_were_collected_before_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    writer = WholeLineWriter()
    writer.write_line(b'{"type":"RECORD"}\n')
    writer.write_message(StateMessage({}))
    written = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in written] == ["RECORD", "STATE"]
