"""Real processes of the commands, for what only a process shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.conftest import Run


class Process:
    """A real process of the tap, and the lines that it wrote."""

    def __init__(self, tmp_path: Path, config: dict[str, Any], state: Any = None) -> None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "state.json").write_text(json.dumps(state or {}))
        command = [sys.executable, "-m", "tap_constantcontact", "--config=config.json"]
        self.log = tmp_path / "tap.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--state=state.json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
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
        return Run(whole, self.process.returncode)


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
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tap_constantcontact.login", *options],
            env=self.environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""

    def opened(self) -> str:
        while not self.address.exists():
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return self.address.read_text().strip()

    def wait_for(self, pattern: str) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if found := re.search(pattern, line):
                return found[1]
        pytest.fail(self.said)

    def end(self) -> tuple[int, str, str]:
        out, said = self.process.communicate(timeout=60)
        self.said += said
        assert "Traceback" not in self.said
        return self.process.returncode, out, self.said

    @property
    def token_file(self) -> Path:
        return self.folder / "state" / "tap-constantcontact" / "sandbox.json"

    def tap(self) -> subprocess.CompletedProcess[str]:
        """Run the tap with no credential but the client_id."""
        (self.folder / "pace.json").write_text('{"requests_per_second": 10000}')
        return subprocess.run(
            [sys.executable, "-m", "tap_constantcontact", "--config=ENV", "--config=pace.json"],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
