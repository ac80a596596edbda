"""Real processes of the commands, for what only a process shows."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import Run

TAP = "tap_constantcontact"
LOGIN = "tap_constantcontact.commands.login"


@cache
def interpreter() -> socket.socket:
    """Start the interpreter that forks for each command; it ends with this process."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    ours, its = socket.socketpair()
    script = Path(__file__).with_name("interpreter.py").read_text("utf-8")
    with its:
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd="/",
            stdin=its.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours


def blocks(terminal: int) -> Iterator[bytes]:
    """Yield what is shown on a terminal, as it comes, until it is closed."""
    with suppress(OSError):  # how Linux says so
        while block := os.read(terminal, 4096):
            yield block


class Command:
    """A real process that runs a module, as `python -m` does, without its start-up.

    Args:
        module: What to run.
        arguments: What it is given on its command line.
        folder: Where it runs.
        environment: Its variables; this process's by default.
        log: What its stderr is written to; by default it is read from here.

    Attributes:
        stdout: What it writes.
        stderr: What it writes to stderr.
        returncode: How it ended, negative for a signal; None while it runs.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        log: IO[str] | None = None,
    ) -> None:
        command_end, write_end = os.pipe()
        told_end, tell_end = os.pipe()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        stderr = log.fileno() if log else err_end
        socket.send_fds(interpreter(), [b"!"], [command_end, tell_end, null, out_end, stderr])
        for file in (command_end, tell_end, null, out_end, err_end):
            os.close(file)
        with os.fdopen(write_end, "w") as command:
            json.dump([module, arguments, dict(environment or os.environ), str(folder)], command)
        self.returncode: int | None = None
        self.stdout = os.fdopen(out, "rb")
        self.stderr = os.fdopen(err, "r")
        self._told = os.fdopen(told_end)
        self._id = int(self._told.readline())

    def poll(self) -> int | None:
        """Return how it ended, or None while it runs."""
        if self.returncode is None and self._told_something():
            self.wait()
        return self.returncode

    def _told_something(self) -> bool:
        told = select.poll()
        told.register(self._told, select.POLLIN)
        return bool(told.poll(0))

    def wait(self) -> int:
        """Return how it ended, once it has."""
        if self.returncode is None:
            self.returncode = int(self._told.readline())
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(self._id, signum)

    def other_threads(self) -> list[int]:
        """Return the ids of all its threads but the main one; on Linux alone."""
        threads = [int(task.name) for task in Path(f"/proc/{self._id}/task").iterdir()]
        return sorted(threads)[1:]

    def kill(self) -> None:
        """End it, if it still runs."""
        self.send_signal(signal.SIGKILL)

    def communicate(self) -> tuple[str, str]:
        """Read what it writes until it ends."""
        with ThreadPoolExecutor(1) as pool:
            errors = pool.submit(self.stderr.read)
            written = self.stdout.read().decode()
        self.wait()
        return written, errors.result()

    def run(self) -> subprocess.CompletedProcess[str]:
        """Wait until it has ended, and return what it wrote."""
        written, errors = self.communicate()
        return subprocess.CompletedProcess([], self.wait(), written, errors)


class Process:
    """A real process of the tap, and the lines that it wrote."""

    def __init__(self, tmp_path: Path, config: dict[str, Any], state: Any = None) -> None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "state.json").write_text(json.dumps(state or {}))
        self.log = tmp_path / "tap.log"
        with self.log.open("w") as log:
            self.process = Command(
                TAP, "--config=config.json", "--state=state.json", folder=tmp_path, log=log
            )
        self.stdout = self.process.stdout
        self.lines: list[bytes] = []

    def read_until(self, wanted: Callable[[bytes], bool]) -> None:
        for line in self.stdout:
            self.lines.append(line)
            if wanted(line):
                return

    def end(self, signum: int | None = None) -> str:
        """Send a signal, if one is wanted, read what is left and return what was logged."""
        if signum is not None:
            self.process.send_signal(signum)
        if not self.stdout.closed:
            self.lines += self.stdout.readlines()
        self.process.wait()
        return self.log.read_text()

    def run(self) -> Run:
        whole = [json.loads(line) for line in self.lines if line.endswith(b"\n")]
        return Run(whole, self.process.wait())


class Login:
    """A real process of the command; the browser that it opens is a file it writes the address to.

    Attributes:
        said: What it wrote to stderr so far.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, *options: str, **variables: str) -> None:
        self.folder = folder
        self.address = folder / "address"
        self.address.unlink(missing_ok=True)
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" > "{self.address}.new"\n')
        with browser.open("a") as script:
            script.write(f'mv "{self.address}.new" "{self.address}"\n')
        browser.chmod(0o700)
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "TAP_CONSTANTCONTACT_AUTH_URL": sandbox.auth_url,
            "TAP_CONSTANTCONTACT_API_URL": sandbox.api_url,
            "TAP_CONSTANTCONTACT_CLIENT_ID": "sandbox",
            "BROWSER": f"{browser} %s",
            **variables,
        }
        self.process = Command(LOGIN, *options, folder=folder, environment=self.environment)
        self.said = ""

    def opened(self) -> str:
        while not self.address.exists():
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return self.address.read_text().strip()

    def wait_for(self, pattern: str) -> str:
        for line in self.process.stderr:
            self.said += line
            if found := re.search(pattern, line):
                return found[1]
        pytest.fail(self.said)

    def end(self) -> tuple[int, str, str]:
        out, said = self.process.communicate()
        self.said += said
        assert "Traceback" not in self.said
        return self.process.wait(), out, self.said

    @property
    def token_file(self) -> Path:
        return self.folder / "state" / "tap-constantcontact" / "sandbox.json"

    def tap(self) -> subprocess.CompletedProcess[str]:
        """Run the tap with no credential but the client_id."""
        (self.folder / "pace.json").write_text('{"requests_per_second": 10000}')
        options = ("--config=ENV", "--config=pace.json")
        return Command(TAP, *options, folder=self.folder, environment=self.environment).run()


def run_tap(
    folder: Path, *arguments: str, config: dict[str, Any] | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the tap as a process until it ends."""
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
        arguments += ("--config", str(folder / "config.json"))
    environment = {**os.environ, "XDG_STATE_HOME": str(folder), **env}
    return Command(TAP, *arguments, folder=folder, environment=environment).run()
