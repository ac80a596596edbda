"""What each target makes of each column.

`python -m tests.targets.columns` prints it as tables; it needs TARGETS_VENVS and Postgres.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.harness import config_for, stream_of, sync
from tests.servers import postgres
from tests.targets.targets import TARGETS, Parquet, Postgres, Target


def main() -> None:
    """Load the sandbox into each target, and print the types of the columns."""
    streams = [
        stream.name
        for stream in STREAMS
        if stream.selected_by_default or stream.name.startswith("contact_")
    ]
    with TemporaryDirectory() as folder, Sandbox(Account(size=60)) as sandbox, postgres() as url:
        config = config_for(sandbox, Path(folder))
        catalog = TapConstantContact(config=config).catalog_dict
        select(catalog, streams)
        run = sync(config, catalog=catalog)
        targets: list[Target] = []
        for kind in TARGETS:
            place = Path(folder) / kind.name
            place.mkdir()
            target = kind(place, url) if issubclass(kind, Postgres) else kind(place)
            if isinstance(target, Parquet):
                target.run(config, catalog, {})
            else:
                target.load(run.lines)
            targets.append(target)
        for stream in streams:
            show(stream, targets)


def show(stream: str, targets: list[Target]) -> None:
    """Print the types of a stream's columns."""
    types = [target.table(stream)[1] for target in targets]
    click.echo(f"\n{stream}\n\n| column | {' | '.join(target.name for target in targets)} |")
    click.echo("| --- |" + " --- |" * len(targets))
    for name in vars(stream_of(stream))["schema"]["properties"]:
        click.echo(f"| `{name}` | {' | '.join(of.get(name, '') for of in types)} |")


if __name__ == "__main__":
    main()
