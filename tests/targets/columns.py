"""What each target makes of each column.

`python -m tests.targets.columns` prints it as tables; it needs TARGETS_VENVS and Postgres.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import stream_of
from tests.runs import config_for
from tests.servers import postgres
from tests.targets.loading import LOADED, load
from tests.targets.targets import TARGETS, Postgres, Target


def main() -> None:
    """Load the sandbox into each target, and print the types of the columns."""
    targets: list[Target] = []
    with TemporaryDirectory() as folder, Sandbox(Account(size=60)) as sandbox, postgres() as url:
        config = config_for(sandbox, Path(folder))
        for kind in TARGETS:
            place = Path(folder) / kind.name
            place.mkdir()
            target = kind(place, url) if issubclass(kind, Postgres) else kind(place)
            load(target, config, {})
            targets.append(target)
        for stream in LOADED:
            show(stream, targets)


def show(stream: str, targets: list[Target]) -> None:
    """Print the types of a stream's columns."""
    types = [target.table(stream)[1] for target in targets]
    click.echo(f"\n{stream}\n\n| column | {' | '.join(target.name for target in targets)} |")
    click.echo("| --- |" + " --- |" * len(targets))
    for name in stream_of(stream).schema["properties"]:
        click.echo(f"| `{name}` | {' | '.join(of.get(name, '') for of in types)} |")


if __name__ == "__main__":
    main()
