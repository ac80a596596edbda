"""What this tap costs beside four other programs that read the same pages.

Run by hand, with the extra `test` installed:

    python -m tests.benchmarks.extract contacts   # 60,000 contacts with all their sub-resources
    python -m tests.benchmarks.extract details    # 200,000 events of 20,000 contacts
    python -m tests.benchmarks.extract pace       # this tap: how much of the key's pace it reaches
    python -m tests.benchmarks.extract memory     # this tap: at 20,000 and at 1,000,000 contacts
    python -m tests.benchmarks.extract mailing    # this tap: one e-mail to 20,000 and to 1,000,000
    python -m tests.benchmarks.extract start      # this tap: what it takes to begin at all

The others are a plain tap of the SDK, a declarative source of Airbyte, the REST API source of dlt,
and the least that must be done at all. Each is installed in an environment of its own, which is
kept for the next time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
from tabulate import tabulate

from tests.benchmarks.audience import ACTIVITY, Audience
from tests.benchmarks.contestants import (
    TAP,
    Contestant,
    Cost,
    Other,
    OtherWithFiles,
    Task,
    ThisTap,
    configured,
    measured,
)
from tests.benchmarks.mailing import STREAMS, Mailing, digest
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


def contestants(environments: Path, **settings: Any) -> list[Contestant]:
    """Return all contestants, this tap first, with these settings."""
    sdk = f"singer-sdk=={version('singer-sdk')}"
    return [
        ThisTap(**settings),
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
    type=click.Path(path_type=Path, resolve_path=True),
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
    compare(rows, contacts, times, contestants(environments, contact_status=["all"]))


def alone(tap: ThisTap, size: int, latency: float = 0.0) -> tuple[Cost, list[float]]:
    """Let this tap read all contacts; return what it took, and when its requests arrived."""
    rows = Rows(CONTACTS, ("contact_id",), Audience(size).contact_keys())
    with served(size, latency) as server, tempfile.TemporaryDirectory() as folder:
        cost = tap.run(Task(server.url, CONTACTS, Path(folder)))
        rows.check(tap, Path(folder))
        return cost, server.arrivals()


@main.command()
@click.option("--contacts", default=300_000)
@click.option("--rate", default=10, help="Requests that the key allows a second.")
@click.option("--latency", default=300, help="Milliseconds by which each answer is held back.")
def pace(contacts: int, rate: int, latency: int) -> None:
    """The share of the key's pace that this tap reaches on one list."""
    cost, at = alone(ThisTap(requests_per_second=rate), contacts, latency / 1000)
    reached = (len(at) - 1) / (at[-1] - at[0]) / rate
    figures = [(f"{contacts:,}", len(at), cost.cpu, cost.wall, reached)]
    headers = ("contacts", "requests", "CPU, s", "wall, s", "share of the pace")
    click.echo(tabulate(figures, headers, floatfmt=("", "", ".2f", ".2f", ".3f")))


@main.command()
@click.option("--contacts", "sizes", multiple=True, default=(20_000, 1_000_000))
def memory(sizes: tuple[int, ...]) -> None:
    """The peak memory of this tap, and how it grows."""
    costs = [alone(ThisTap(), size)[0] for size in sizes]
    figures = [(f"{size:,}", *cost) for size, cost in zip(sizes, costs, strict=True)]
    headers = ("contacts", "CPU, s", "wall, s", "peak, MB")
    click.echo(tabulate(figures, headers, floatfmt=("", ".2f", ".2f", ".0f")))


def of_mailing(stream: str, size: int) -> Cost:
    """Let this tap read a stream of one e-mail; return what it took, if the rows are right."""
    tap = ThisTap(report_source="campaigns", full_sweep_days=0)
    with served(size, kind=Mailing) as server, tempfile.TemporaryDirectory() as folder:
        cost = tap.run(Task(server.url, stream, Path(folder)))
        found, wanted = digest(tap.rows(Path(folder))), digest(Mailing(size).wanted(stream))
    if found != wanted:
        raise SystemExit(f"{found[0]:,} rows of {stream} came, not the {wanted[0]:,} that are.")
    return cost


@main.command()
@click.option("--contacts", "sizes", multiple=True, default=(20_000, 1_000_000))
@click.option("--streams", multiple=True, default=STREAMS)
def mailing(sizes: tuple[int, ...], streams: tuple[str, ...]) -> None:
    """The peak memory of this tap by stream, and how it grows with an e-mail."""
    for stream in streams:
        figures = [(f"{size:,}", *of_mailing(stream, size)) for size in sizes]
        headers = (stream, "CPU, s", "wall, s", "peak, MB")
        click.echo(tabulate(figures, headers, floatfmt=("", ".2f", ".2f", ".0f")))


@main.command()
@click.option("--times", default=9, help="How often each command runs.")
def start(times: int) -> None:
    """What it takes to begin: the bare SDK, and this tap without a request."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {
            "import singer_sdk": [sys.executable, "-c", "import singer_sdk"],
            "--version": [*TAP, "--version"],
            "--discover": [*TAP, configured(folder), "--discover"],
        }
        costs: dict[str, list[Cost]] = {command: [] for command in commands}
        for _ in range(times):
            for title, command in commands.items():
                costs[title].append(measured(command, folder))
    figures = [(title, *median(each)) for title, each in costs.items()]
    headers = ("", "CPU, s", "wall, s", "peak, MB")
    click.echo(tabulate(figures, headers, floatfmt=("", ".2f", ".2f", ".0f")))


if __name__ == "__main__":
    main()
