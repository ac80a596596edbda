"""What this tap costs beside four other programs that read the same pages.

Run by hand, with the extra `test` installed:

    python -m tests.benchmarks.extract contacts   # 60,000 contacts with all their sub-resources
    python -m tests.benchmarks.extract details    # 200,000 events of 20,000 contacts

The others are a plain tap of the SDK, a declarative source of Airbyte, the REST API source of dlt,
and the least that must be done at all. Each is installed in
an environment of its own, which is kept for the next time.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click
from tabulate import tabulate

from tests.benchmarks.audience import ACTIVITY, Audience
from tests.benchmarks.contestants import Contestant, Cost, Other, OtherWithFiles, Task, ThisTap
from tests.benchmarks.server import served

CONTACTS = "contacts"
DETAILS = "contact_activity_details"
ENVIRONMENTS = Path(tempfile.gettempdir()) / "tap-constantcontact-benchmarks"
HEADERS = ("", "rows", "CPU, s", "wall, s", "peak, MB", "CPU of this tap / its CPU")

Key = tuple[str, ...]


class Rows(NamedTuple):
    """The rows that each contestant must deliver.

    Attributes:
        stream: What to read.
        key: The properties that tell its rows apart.
        keys: Their values of all rows.
    """

    stream: str
    key: Key
    keys: Iterable[Key]

    def check(self, contestant: Contestant, folder: Path) -> int:
        """Return the number of rows in a folder, having made sure that these are the rows."""
        found = [tuple(row[name] for name in self.key) for row in contestant.rows(folder)]
        wanted = set(self.keys)
        if len(found) != len(wanted) or set(found) != wanted:
            raise SystemExit(
                f"{contestant.name} delivered {len(found):,} rows, of which "
                f"{len(wanted & {*found}):,} are among the {len(wanted):,} that there are."
            )
        return len(found)


def contestants(environments: Path) -> list[Contestant]:
    """Return all contestants, this tap first."""
    sdk = f"singer-sdk=={version('singer-sdk')}"
    return [
        ThisTap(),
        Other("plain singer-sdk", "sdk_tap.py", (sdk,), environments),
        Other("airbyte-cdk", "airbyte_source.py", ("airbyte-cdk",), environments),
        OtherWithFiles("dlt", "dlt_source.py", ("dlt",), environments),
        Other("bare loop", "bare_loop.py", ("msgspec", "requests"), environments),
    ]


def compare(rows: Rows, size: int, times: int, among: Sequence[Contestant]) -> None:
    """Let the contestants read in turn, and print the medians of what each took."""
    costs: dict[str, list[Cost]] = {contestant.name: [] for contestant in among}
    with served(size) as server:
        for _ in range(times):
            for contestant in among:
                with tempfile.TemporaryDirectory() as folder:
                    task = Task(server.url, rows.stream, Path(folder))
                    costs[contestant.name].append(contestant.run(task))
                    number = rows.check(contestant, task.folder)
    medians = {name: median(each) for name, each in costs.items()}
    own = medians[among[0].name].cpu
    click.echo(
        tabulate(
            [
                (name, f"{number:,}", cost.cpu, cost.wall, cost.peak, own / cost.cpu)
                for name, cost in medians.items()
            ],
            HEADERS,
            floatfmt=("", "", ".2f", ".2f", ".0f", ".2f"),
            colalign=("left", *["right"] * 5),
        )
    )


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several costs."""
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


environments_option = click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=ENVIRONMENTS,
    help="Folder of the other programs' environments.",
)
times_option = click.option("--times", default=5, help="How often each contestant reads.")


@click.group()
def main() -> None:
    """What this tap costs beside other programs."""


@main.command()
@click.option("--contacts", default=60_000)
@times_option
@environments_option
def contacts(contacts: int, times: int, environments: Path) -> None:
    """Contacts with all their sub-resources."""
    keys = [*Audience(contacts).contact_keys()]
    rows = Rows(CONTACTS, ("contact_id",), keys)
    compare(rows, contacts, times, contestants(environments))


@main.command()
@click.option("--contacts", default=20_000)
@times_option
@environments_option
def details(contacts: int, times: int, environments: Path) -> None:
    """Ten events of each contact, at a request per contact."""
    keys = [*Audience(contacts).event_keys()]
    rows = Rows(DETAILS, ("contact_id", *ACTIVITY), keys)
    compare(rows, contacts, times, contestants(environments))


if __name__ == "__main__":
    main()
