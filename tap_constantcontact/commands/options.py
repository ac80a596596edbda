"""The options of `tap-constantcontact` beside the SDK's, and its help."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_constantcontact.commands import estimate
from tap_constantcontact.commands.modes import CommandOfModes
from tap_constantcontact.output.files.formats import FORMATS
from tap_constantcontact.output.singer import PlainCommand

ABOUT_FORMATS = ("json", "markdown")

HELP = """Read an account of Constant Contact.

Without --to, it writes Singer messages to stdout, for a target.

\b
  tap-constantcontact --sandbox --select contacts --to contacts.csv
  tap-constantcontact --config config.json --to tables --format parquet
  tap-constantcontact --config config.json --state state.json | target-jsonl
"""

EPILOG = """Sign in first with tap-constantcontact-login. If something is wrong,
tap-constantcontact-doctor says what to do."""

OPTIONS = (
    # Those that are eager can be seen by --discover and --test, which are callbacks.
    click.Option(
        ["--select"],
        is_eager=True,
        metavar="STREAMS",
        help="Read only these streams: names or patterns, such as contacts,email_*.",
    ),
    click.Option(
        ["--limit"],
        is_eager=True,
        type=click.IntRange(min=1),
        metavar="ROWS",
        help="Read only the first rows of each stream, with few requests, and keep no state.",
    ),
    click.Option(
        ["--to"],
        is_eager=True,
        type=click.Path(path_type=Path),
        help="Write a file for each stream into this folder, and a state, from which the same "
        "command goes on later; or one stream into this file, such as contacts.csv.",
    ),
    click.Option(
        ["--format", "about_format"],
        type=click.Choice([*FORMATS, *ABOUT_FORMATS]),
        help="The format of the files of --to, or of --about (json or markdown).",
    ),
    click.Option(
        ["--sandbox"],
        is_flag=True,
        is_eager=True,
        help="Read the built-in sandbox account, which needs no credentials.",
    ),
    click.Option(
        ["--estimate", "estimate_form"],
        is_eager=True,
        type=click.Choice([*estimate.FORMS]),
        is_flag=False,
        flag_value="text",
        help="Print what a run would cost, as text or json, and exit.",
    ),
)

OWN_NAMES = {option.name for option in OPTIONS}

OF_ANY_MODE = {"--catalog", "--config", "--sandbox", "--select", "--state"}
"""What may stand beside every mode. Meltano gives a state with `--discover` as well."""


class TapCommand(CommandOfModes, PlainCommand, SingerCommand):
    """The command, of whose options some say what a run is to do; its log tells of failures."""

    modes: ClassVar = {
        "--about": {*OF_ANY_MODE, "--format"},
        "--discover": OF_ANY_MODE,
        "--test": OF_ANY_MODE,
        "--estimate": OF_ANY_MODE,
        "--limit": {*OF_ANY_MODE - {"--state"}, "--format", "--to"},
    }

    @override
    def complain(self, message: str) -> None:
        self.logger.error(message)
