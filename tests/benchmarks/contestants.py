"""What is compared: this tap, and four other programs that read the same pages."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.sweep import cost_of
from tests.catalogs import select

EXTRACTORS = Path(__file__).parent / "extractors"
OUT = "out.jsonl"
TAP = (sys.executable, "-m", "tap_constantcontact")
SETTINGS = {
    "access_token": "token",
    "requests_per_second": 100_000,
    "daily_request_limit": 10_000_000,
}
Row = dict[str, Any]


class Cost(NamedTuple):
    """What a process took.

    Attributes:
        cpu: Seconds of processor time.
        wall: Seconds until it ended.
        peak: Its largest resident set, in MB.
    """

    cpu: float
    wall: float
    peak: float


class Task(NamedTuple):
    """What a contestant is to do.

    Attributes:
        url: Address of the server, without a path.
        stream: What to read.
        folder: Where to write it.
    """

    url: str
    stream: str
    folder: Path


def measured(command: list[str], folder: Path) -> Cost:
    """Run a command in a folder, with its output and its log in files there.

    Python keeps compiled modules, as it does by default.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    log = folder / "log"
    with (folder / OUT).open("wb") as out, log.open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=errors)
        peak, cpu, code = cost_of(process)
        wall = time.perf_counter() - began
    if code:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text()[-4000:]}")
    return Cost(cpu, wall, peak)


class Contestant(ABC):
    """A program that reads the pages.

    Attributes:
        name: What it is called in the table.
    """

    name: str

    @abstractmethod
    def command(self, task: Task) -> list[str]:
        """Return the command that does a task, once what it needs lies in the task's folder."""

    def rows(self, folder: Path) -> Iterator[Row]:
        """Yield the rows that were written to a folder."""
        with (folder / OUT).open("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if message["type"] == "RECORD":
                    record = message["record"]
                    yield record.get("data", record)

    def run(self, task: Task) -> Cost:
        """Do a task, and return what it took."""
        return measured(self.command(task), task.folder)


class ThisTap(Contestant):
    """The tap as it is installed beside the benchmark.

    Attributes:
        settings: Settings beside those that every run has.
    """

    name = "tap-constantcontact"

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def command(self, task: Task) -> list[str]:
        catalog = discovered()
        select(catalog, (task.stream,))
        (task.folder / "catalog.json").write_text(json.dumps(catalog))
        settings = {"api_url": f"{task.url}/v3", **self.settings}
        return [*TAP, configured(task.folder, **settings), "--catalog=catalog.json"]


def configured(folder: Path, **settings: Any) -> str:
    """Write the configuration to a folder, and return the option that names it."""
    config = folder / "config.json"
    config.write_text(json.dumps({**SETTINGS, **settings}))
    return f"--config={config}"


def discovered() -> Row:
    """Return the catalog that this tap offers."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*TAP, configured(Path(folder)), "--discover"]
        shown = subprocess.run(command, capture_output=True, check=True)
    catalog: Row = json.loads(shown.stdout)
    return catalog


@dataclass(frozen=True)
class Other(Contestant):
    """A program in an environment of its own.

    Attributes:
        script: Its file among the extractors.
        requirements: What is installed in the environment.
        environments: The folder of all environments.
    """

    name: str
    script: str
    requirements: tuple[str, ...]
    environments: Path

    def command(self, task: Task) -> list[str]:
        schemas = {stream["stream"]: stream["schema"] for stream in discovered()["streams"]}
        (task.folder / "schemas.json").write_text(json.dumps(schemas))
        return [str(self._python()), str(EXTRACTORS / self.script), task.url, task.stream]

    def _python(self) -> Path:
        """Return the interpreter of the environment, which is made if there is none like it yet."""
        folder = self.environments / Path(self.script).stem
        wanted = "\n".join(self.requirements)
        ready = folder / "ready"
        if not ready.exists() or ready.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet")
            subprocess.run([*pip, *self.requirements], check=True)
            ready.write_text(wanted)
        return folder / "bin" / "python"


class OtherWithFiles(Other):
    """A program that leaves its rows in files from which it would load them."""

    def rows(self, folder: Path) -> Iterator[Row]:
        for path in folder.glob("pipelines/**/new_jobs/*.typed-jsonl.gz"):
            if not path.name.startswith("_"):
                with gzip.open(path, "rb") as lines:
                    for line in lines:
                        yield from json.loads(line)
