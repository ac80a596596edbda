"""What a year of daily runs costs a sender, and how far behind its reports are: a simulation.

`python -m tests.year` writes the page `docs/year.md` and its chart. `--days` simulates fewer days.
The tap is the real one; `tests/simulation/` says what stands in for the API, the network and time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tests.generate import ROOT
from tests.simulation.account import Sender, SimulatedApi
from tests.simulation.runs import DETAILS, STREAMS, SUMMARY, Day, days_of, quiet

PAGE = ROOT / "docs" / "year.md"
CHART = ROOT / "docs" / "pictures" / "year.svg"

SMALL = Sender("5,000 contacts, a mailing a week", 5_000, 1)
MIDDLE = Sender("50,000 contacts, a mailing a day", 50_000, 7)
LARGE = Sender("500,000 contacts, ten mailings a week, three automations", 500_000, 10, 3)

STANDARD: Mapping[str, Any] = {}
PARTNER = {"requests_per_second": 10, "daily_request_limit": 250_000}
SHARED = {"daily_share": 1 / 40}
CONTACTS = {"report_source": "contacts"}
CAMPAIGNS = {"report_source": "campaigns"}
NO_SWEEP = {**CAMPAIGNS, "full_sweep_days": 0}


@dataclass(frozen=True)
class Case:
    """A sender with a key and settings.

    Attributes:
        key: What the key is called in the table.
        weight: How many contacts or events one simulated row stands for.
        limits: The settings that follow from the key.
        settings: The settings to compare.
    """

    sender: Sender
    key: str
    weight: int
    limits: Mapping[str, Any] = field(hash=False)
    settings: Mapping[str, Any] = field(hash=False)

    @property
    def label(self) -> str:
        """The settings, as a user writes them."""
        return ", ".join(f"{name}: {value}" for name, value in self.settings.items())


CASES = [
    Case(SMALL, "standard", 250, STANDARD, CONTACTS),
    Case(SMALL, "standard", 250, STANDARD, CAMPAIGNS),
    Case(SMALL, "standard, 40 accounts", 10, SHARED, CONTACTS),
    Case(SMALL, "standard, 40 accounts", 1, SHARED, CAMPAIGNS),
    Case(SMALL, "standard, 40 accounts", 1, SHARED, NO_SWEEP),
    Case(MIDDLE, "standard", 500, STANDARD, CONTACTS),
    Case(MIDDLE, "standard", 500, STANDARD, CAMPAIGNS),
    Case(MIDDLE, "partner", 5_000, PARTNER, CONTACTS),
    Case(MIDDLE, "partner, 40 accounts", 500, {**PARTNER, **SHARED}, CONTACTS),
    Case(LARGE, "standard", 1_000, STANDARD, CONTACTS),
    Case(LARGE, "partner", 5_000, PARTNER, CONTACTS),
]

COLUMNS = (
    "key",
    "settings",
    "requests on the first day, and on a usual one",
    "days until history is read",
    "`contacts`: usual and most days behind",
    "`contact_activity_details`",
    "`contact_action_summary`",
    "state",
)


def main() -> None:
    """Run the command."""
    _command()


@click.command()
@click.option("--days", default=365, help="How many days to simulate.")
@click.option("--processes", default=2)
def _command(days: int, processes: int) -> None:
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(simulated, number, days) for number in reversed(range(len(CASES)))]
        years = [job.result() for job in reversed(jobs)]
    PAGE.write_text(page(years), "utf-8")
    CHART.write_text(chart(years), "utf-8")


def simulated(number: int, days: int) -> list[Day]:
    """Return the days of one case."""
    quiet()
    case = CASES[number]
    api = SimulatedApi(case.sender, case.weight)
    return [*days_of(api, days, **case.limits, **case.settings)]


def page(years: Sequence[Sequence[Day]]) -> str:
    """Return the page of the documentation."""
    template = Path(__file__).with_name("simulation") / "page.md"
    tables = []
    for sender in dict.fromkeys(case.sender for case in CASES):
        rows = [
            row(case, year)
            for case, year in zip(CASES, years, strict=True)
            if case.sender is sender
        ]
        lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        tables.append(f"## {sender.name}\n\n{table}\n")
    days = f"{len(years[0]):,}"
    return (
        template.read_text("utf-8").replace("{days}", days).replace("{tables}", "\n".join(tables))
    )


def row(case: Case, year: Sequence[Day]) -> tuple[str, ...]:
    """Return a row of the table."""
    settled = year[len(year) // 2 :]
    first = [
        next((n for n, day in enumerate(year, 1) if day.behind[name] is not None), None)
        for name in STREAMS
    ]
    read = "not within these days" if None in first else str(max(filter(None, first)))
    usual = statistics.median(day.requests for day in settled)
    return (
        case.key,
        f"`{case.label}`",
        f"{year[0].requests:,}, {usual:,.0f}",
        read,
        *(lag(day.behind[name] for day in settled) for name in ("contacts", DETAILS, SUMMARY)),
        f"{max(day.state for day in year):,} bytes",
    )


def lag(found: Iterable[float | None]) -> str:
    """Return the usual and the most days behind, after each run of the second half."""
    days = [day for day in found if day is not None]
    return f"{statistics.median(days):.0f}, {max(days):.0f}" if days else "no bookmark yet"


WIDTH, HEIGHT, LEFT, TOP, GAP = 500, 150, 60, 34, 74
COLORS = ("#1f5f8b", "#d98032", "#4f9d8f", "#b5483a", "#7d6b9e", "#8a9199")


def chart(years: Sequence[Sequence[Day]]) -> str:
    """Return a chart of the days behind of the report that is further behind: a panel a sender."""
    parts, top = [], 0
    for sender in dict.fromkeys(case.sender for case in CASES):
        lines = [
            (case, worst(year))
            for case, year in zip(CASES, years, strict=True)
            if case.sender is sender
        ]
        parts.append(panel(sender.name, lines, top + TOP))
        top += TOP + HEIGHT + GAP + 20 * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="600" viewBox="0 0 600 {top}" '
        'font-family="sans-serif" font-size="15"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def worst(year: Sequence[Day]) -> list[float]:
    """Return the days behind of the later contact report; all so far without a bookmark."""
    return [
        max(n if (days := day.behind[name]) is None else days for name in (SUMMARY, DETAILS))
        for n, day in enumerate(year, 1)
    ]


def panel(title: str, lines: Sequence[tuple[Case, list[float]]], top: int) -> str:
    """Return a panel: its title, its axes, a line for each case, and what the lines are."""
    highest = max(2.0, *(max(line) for _, line in lines))
    last = len(lines[0][1])
    text = '<text x="{}" y="{}" text-anchor="{}" fill="#333"{}>{}</text>'.format
    bottom = top + HEIGHT
    drawn = [text(LEFT, top - 12, "start", ' font-weight="bold"', f"{title}: days behind")]
    for part in (0.0, 0.5, 1.0):
        y = bottom - HEIGHT * part
        drawn += [
            f'<path d="M{LEFT} {y}h{WIDTH}" stroke="#c9ced3"/>',
            text(LEFT - 8, y + 4, "end", "", f"{highest * part:.0f}"),
            text(LEFT + WIDTH * part, bottom + 18, "middle", "", f"day {max(1, last * part):.0f}"),
        ]
    for number, (case, line) in enumerate(lines):
        points = " ".join(
            f"{LEFT + WIDTH * n / max(1, last - 1):.1f},{bottom - HEIGHT * days / highest:.1f}"
            for n, days in enumerate(line)
        )
        y = bottom + 40 + 20 * number
        color = COLORS[number]
        dashes = 'stroke-dasharray="9 7"' if number % 2 else ""  # lines may cover each other
        drawn += [
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2" {dashes}/>',
            f'<path d="M{LEFT} {y - 4}h25" stroke="{color}" stroke-width="3" {dashes}/>',
            text(LEFT + 32, y, "start", "", f"{case.key}; {case.label}"),
        ]
    return "".join(drawn)


if __name__ == "__main__":
    main()
