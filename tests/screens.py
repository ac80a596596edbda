"""The pictures of the README and docs/, made from the real thing.

`python -m tests.screens` writes them. It needs the dependency group `screens`, Chromium, and in
DBT_VENV a virtual environment with `examples/dbt/requirements.txt`.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.browser import chromium
from tests.examples.test_dbt import STREAMS
from tests.examples.warehouse import DuckDB, Project
from tests.generate import ROOT
from tests.processes import Login, blocks
from tests.runs import config_for, sync

PICTURES = ROOT / "docs" / "pictures"
COLUMNS, WIDER, LINES = 118, 132, 60
LONGEST_LINE = 400
FONTS = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
TAP = "tap-constantcontact --config=ENV"


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, Sandbox(Account()) as sandbox:
        release = of_a_release(Path(folder))
        draw("run", f"TAP_CONSTANTCONTACT_SANDBOX=true {TAP} > output.jsonl", release)
        config = config_for(sandbox, Path(folder), requests_per_second=4)
        given = release | as_variables(config)
        draw("estimate", f"{TAP} --estimate", given, columns=WIDER)
        quick = release | as_variables(config | {"requests_per_second": 60})
        draw("bar", f"{TAP} > output.jsonl", quick, is_enough=is_a_third_done)
        draw_charts(sandbox, Path(folder))
    photograph_sign_in()


def of_a_release(folder: Path) -> dict[str, str]:
    """Return the variables with which a run shows the newest release's version, and a short log.

    The version is the first in the changelog, and the log as the first example of docs/log.md has
    it.
    """
    version = re.findall(r"(?m)^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"))[0]
    metadata = folder / f"tap_constantcontact-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Name: tap-constantcontact\nVersion: {version}\n")
    short = (ROOT / "docs" / "log.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (folder / "log.yml").write_text(short)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "SINGER_SDK_LOG_CONFIG": str(folder / "log.yml"),
    }


def as_variables(config: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as environment variables."""
    return {
        f"TAP_CONSTANTCONTACT_{name.upper()}": value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in config.items()
        if name != "landing_page_activity_ids"
    }


def is_a_third_done(screen: list[str]) -> bool:
    """Tell whether a bar shows a third."""
    return any(re.search(r"contact_.* 3\d%", line) for line in screen)


def draw(
    name: str,
    command: str,
    environment: Mapping[str, str],
    columns: int = COLUMNS,
    is_enough: Callable[[list[str]], bool] = lambda _: False,
) -> None:
    """Draw the terminal at the end of a command, or when there is enough to see."""
    lines = [line.rstrip() for line in screen_of(command, environment, columns, is_enough)]
    shown = "\n".join(["$ " + command, *lines]).rstrip() + "\n"  # else, SVG clips the last line
    console = Console(record=True, width=columns, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print(Text(shown))
    svg = console.export_svg(
        title="tap-constantcontact", code_format=FONTS.sub("", CONSOLE_SVG_FORMAT)
    )
    (PICTURES / f"{name}.svg").write_text(svg)


def screen_of(
    command: str,
    environment: Mapping[str, str],
    columns: int,
    is_enough: Callable[[list[str]], bool],
) -> list[str]:
    """Return the lines that a command writes on a terminal, each whole, however long."""
    screen = pyte.Screen(LONGEST_LINE, LINES)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (LINES, columns))
    given = {**os.environ, **environment, "COLUMNS": str(columns), "TERM": "xterm"}
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            env=given,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        for block in blocks(ours):
            stream.feed(block)
            if is_enough(screen.display):
                break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the shell, and the tap that it started
        process.wait()
        os.close(ours)
    return list(screen.display)


def draw_charts(sandbox: Sandbox, folder: Path) -> None:
    """Draw the page of charts that examples/dbt makes of the sandbox's account."""
    project = Project(folder / "dbt", DuckDB(folder))
    project.warehouse.load(sync(config_for(sandbox, folder), streams=STREAMS).lines)
    project.run("dbt", "build", "--exclude-resource-types", "test", "unit_test")
    project.run("python", "charts.py")
    shutil.copy(project.folder / "charts.svg", PICTURES)


def photograph_sign_in() -> None:
    """Photograph the page on which a person allows the access."""
    with (
        TemporaryDirectory() as folder,
        Sandbox(Account(size=10), authorization=Authorization(client_secret=None)) as sandbox,
        chromium(Path(folder) / "profile", "--window-size=720,840") as browser,
    ):
        login = Login(sandbox, Path(folder), "--browser", "--port=0")
        browser.get(login.opened())
        browser.save_screenshot(str(PICTURES / "sign-in.png"))
        login.process.kill()


if __name__ == "__main__":
    main()
