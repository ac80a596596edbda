"""What becomes of a recording: a preview, and a folder that can be handed over."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from tap_constantcontact.commands.record.recording import (
    RECORDING_BUDGET,
    ROWS,
    Recording,
    recording,
)
from tap_constantcontact.exceptions import reason, refused
from tap_constantcontact.output.figures import counted

ANSWERS = "responses.json"

SHOWN_LINES = 40
"""Number of lines of an answer that the preview shows."""

_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f,-]{27,}")

EXPLANATION = f"""# What an account of Constant Contact answers

`tap-constantcontact-doctor --record` wrote this folder. `{ANSWERS}` has what the API answered to a
run of a few rows of each stream: paths, parameters, statuses, headers and bodies.

No value is the account's own. Ids, addresses, names, texts, numbers and the values of links were
replaced by others of the same length and kind, drawn by chance; all times were moved by one number
of minutes. What was equal is still equal. Names of fields, and values that the API fixes, such as
`unsubscribed`, are as they came.

To hand it over, look through `{ANSWERS}`, and drop that file into the field "A recording" of the
form for bugs. To replay it, run this in a copy of the project:
`python -m tests.replay FOLDER --limit {ROWS}`
"""


def record(config: Mapping[str, Any], folder: Path, *, agreed: bool) -> None:
    """Record what the account answers, show it, and write it into a new or empty folder.

    `agreed` says whether to write without asking.

    Raises:
        ConfigValidationError: The folder cannot be written.
    """
    click.echo(
        f"\nReading {ROWS} rows of each stream, with at most {RECORDING_BUDGET} requests.", err=True
    )
    made = recording(config)
    click.echo(_preview_of(made), err=True)
    if not agreed and not click.confirm(f"Write this into {folder}?", err=True):
        click.echo("Nothing was written.", err=True)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ANSWERS).write_text(f"{json.dumps(_contents(made), indent=1)}\n", "utf-8")
        (folder / "README.md").write_text(EXPLANATION, "utf-8")
    except OSError as error:
        raise refused(f"{folder} cannot be written ({reason(error)}): name another") from error
    click.echo(f"Wrote {folder / ANSWERS}; {folder / 'README.md'} says what it is.", err=True)


def check_folder(folder: Path, *, agreed: bool) -> None:
    """Refuse to record what could not be written in the end.

    Raises:
        ConfigValidationError: The folder has something in it, or nobody can be asked.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise refused(f"{folder} is not an empty folder: name a new one with --record")
    if not agreed and not sys.stdin.isatty():
        raise refused("nobody can be asked whether to write the recording: add --yes")


def _contents(made: Recording) -> Mapping[str, Any]:
    version = metadata.version("tap-constantcontact")
    return {
        "source": f"tap-constantcontact-doctor --record, version {version}",
        "changed": "every value that is not fixed by the API",
        "limit": ROWS,
        "rows": made.rows,
        "responses": made.answers,
    }


def _preview_of(made: Recording) -> str:
    of_people = [answer for answer in made.answers if answer["path"] == "/v3/contacts"]
    lines = json.dumps(next(iter(of_people or made.answers), {}), indent=1).splitlines()
    more = [f" ... and {len(lines) - SHOWN_LINES} more lines"] * (len(lines) > SHOWN_LINES)
    kinds = Counter(f"{one['status']} {_IDS.sub('...', one['path'])}" for one in made.answers)
    answers, requests = counted(len(made.answers), "answer"), counted(made.requests, "request")
    parts = [
        f"{answers}, to {requests}, with every value replaced. One is:",
        "\n".join((*lines[:SHOWN_LINES], *more)),
        "All of them:",
        "\n".join(f"  {number:2} x {what}" for what, number in kinds.items()),
    ]
    if made.unknown_names:
        parts.append(
            "Fields that this version does not know, whose names stay as they came (do not write "
            f"the recording if one is no name of a field): {', '.join(made.unknown_names)}."
        )
    parts += [f"Not recorded: {name}, as {why}" for name, why in made.failures.items()]
    return "\n\n".join(parts)
