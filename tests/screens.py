"""The pictures of the README and docs/, made from the real thing.

`python -m tests.screens` writes them. It needs the dependency group `screens`, and Chromium.
"""

from __future__ import annotations

import json
import os
import pty
import re
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
from tests.processes import Login, blocks
from tests.runs import config_for

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
COLUMNS, WIDER, LINES = 118, 132, 60
LONGEST_LINE = 400
FONTS = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
TAP = "tap-constantcontact --config=ENV"


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    draw("run", f"TAP_CONSTANTCONTACT_SANDBOX=true {TAP} > output.jsonl", {})
    with TemporaryDirectory() as folder, Sandbox(Account()) as sandbox:
        config = config_for(sandbox, Path(folder), requests_per_second=4)
        draw("estimate", f"{TAP} --estimate", as_variables(config), columns=WIDER)
        quick = config | {"requests_per_second": 60}
        draw("bar", f"{TAP} > output.jsonl", as_variables(quick), is_enough=is_a_third_done)
    photograph_sign_in()


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
