"""What a sweep costs: its pace, its requests, its memory and its time.

Run by hand, with the extra `test` installed:

    python -m tests.benchmarks.sweep pace       # 500 seconds at each of five paces and latencies
    python -m tests.benchmarks.sweep requests   # full, incremental, and after a kill
    python -m tests.benchmarks.sweep scale      # 10,000 and 100,000 contacts, without limits
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from aiohttp import web

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tests.catalogs import select

REPORTS = ("contact_action_summary", "contact_activity_details")
STALL = 0.02
PACE = 4
"""Requests a second of a standard key."""

PAGES = {"activity_summary": 200, "activity_details": 100}


@dataclass
class Traffic:
    """The requests that reach the API, and how slowly it answers."""

    latency: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Any) -> Any:
            if not request.path.startswith("/v3/"):
                return await handler(request)
            self.arrivals.append(time.monotonic())
            self.paths.append(request.path.removeprefix("/v3/"))
            response = await handler(request)
            self.answers[response.status] += 1
            await asyncio.sleep(self.latency * random.uniform(0.5, 1.5))
            return response

        return watch

    def pace(self) -> float:
        """Requests a second of the reports, from the first to the last, both reports together."""
        at = [
            at
            for at, path in zip(self.arrivals, self.paths, strict=True)
            if path.startswith("reports/")
        ]
        return (len(at) - 1) / (at[-1] - at[0])

    def busiest_second(self) -> int:
        at = self.arrivals
        return max(bisect_left(at, start + 1) - i for i, start in enumerate(at))


@contextmanager
def served(account: Account, traffic: Traffic, limits: Limits | None = None) -> Iterator[Sandbox]:
    gc.freeze()  # or collecting all of the account would hold an answer up for 30 ms
    with Sandbox(account, limits=limits, middlewares=[traffic.middleware]) as sandbox:
        yield sandbox


@contextmanager
def stalls(longest: float) -> Iterator[list[float]]:
    """How long this machine stood still, each time that it did so for longer than it may."""
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        began = time.monotonic()
        while not over.wait(longest / 4):
            lost = time.monotonic() - began - longest / 4
            began = time.monotonic()
            if lost > longest:
                seen.append(lost)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


class Tap:
    """A real process of the tap.

    Attributes:
        peak: Its largest resident set, in MB.
        cpu: Seconds of processor time that it took.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, streams: Any = REPORTS, **config: Any):
        self.out = folder / "out.jsonl"
        self.folder = folder
        settings = {
            "api_url": sandbox.api_url,
            "access_token": sandbox.authorization.issue(),
            "requests_per_second": 100_000,
            "daily_request_limit": 10_000_000,
            **config,
        }
        (folder / "config.json").write_text(json.dumps(settings))
        self.command = [sys.executable, "-m", "tap_constantcontact", "--config=config.json"]
        shown = subprocess.run(
            [*self.command, "--discover"], cwd=folder, capture_output=True, check=True
        )
        catalog = json.loads(shown.stdout)
        select(catalog, streams)
        (folder / "catalog.json").write_text(json.dumps(catalog))
        self.command.append("--catalog=catalog.json")
        self.peak = self.cpu = 0.0

    def start(self, state: dict[str, Any] | None = None) -> subprocess.Popen[bytes]:
        command = [*self.command]
        if state:
            (self.folder / "state.json").write_text(json.dumps(state))
            command.append("--state=state.json")
        with self.out.open("wb") as out, (self.folder / "tap.log").open("wb") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=log)

    def run(self, state: dict[str, Any] | None = None) -> None:
        self.peak, self.cpu, code = cost_of(self.start(state))
        if code:
            raise SystemExit((self.folder / "tap.log").read_text())

    def states(self) -> Iterator[str]:
        with self.out.open() as lines:
            yield from (line for line in lines if line.startswith('{"type":"STATE"'))

    def last_state(self) -> dict[str, Any]:
        *_, last = (line for line in self.states() if line.endswith("\n"))
        state: dict[str, Any] = json.loads(last)["value"]
        return state


def cost_of(process: subprocess.Popen[bytes]) -> tuple[float, float, int]:
    """Peak memory in MB, processor time in seconds, and how it ended."""
    peak = 0.0
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        # The maximum that wait4 tells would begin with that of this process, which started it.
        status = Path(f"/proc/{process.pid}/status").read_text()
        high_water = re.search(r"VmHWM:\s+(\d+) kB", status)
        peak = max(peak, int(high_water[1]) / 1024 if high_water else 0.0)
        time.sleep(0.01)
    _, code, usage = ended
    return peak, usage.ru_utime + usage.ru_stime, code


def least(account: Account, roster: int, since: datetime | None = None) -> int:
    """The requests without which the reports cannot be read."""
    requests = math.ceil(roster / 500)
    for contact_id, contact in account.contacts.items():
        if "deleted_at" not in contact:
            rows = account.summary(contact_id)
            fresh = [r for r in rows if since is None or parse(r["start_on"]) >= since]
            requests += max(1, math.ceil(len(fresh) / PAGES["activity_summary"]))
            requests += _details_pages(account.details(contact_id), since)
    return requests


def _details_pages(rows: list[dict[str, Any]], since: datetime | None) -> int:
    a_page = PAGES["activity_details"]
    pages = max(1, math.ceil(len(rows) / a_page))
    if since is None:
        return pages
    whole = sum(parse(row["created_time"]) >= since for row in rows) // a_page
    return min(pages, whole + 1)


def show(figure: str, value: Any, wanted: str) -> None:
    click.echo(f"{figure:<58} {value!s:>12}   {wanted}")


@click.group()
def main() -> None:
    """What a sweep costs."""


PACES = ((4, 20), (4, 300), (4, 1000), (10, 1000), (20, 1000))
"""Requests a second, and latency in milliseconds."""


@main.command()
@click.option("--seconds", default=500, help="How long each takes, about.")
@click.option("--pace", "paces", type=(int, int), multiple=True, default=PACES)
def pace(seconds: int, paces: tuple[tuple[int, int], ...]) -> None:
    """The share of the key's pace that is reached, and whether it is ever exceeded."""
    for rate, latency in paces:
        account = Account(size=rate * seconds // 2)
        traffic, limits = Traffic(latency / 1000), Limits(rate)
        with (
            served(account, traffic, limits) as sandbox,
            tempfile.TemporaryDirectory() as folder,
            stalls(STALL) as held_up,
        ):
            Tap(sandbox, Path(folder), requests_per_second=rate).run()
        at = f"at {rate} a second and {latency} ms"
        show(f"requests {at}", len(traffic.arrivals), "")
        show(f"share of the pace {at}", f"{traffic.pace() / rate:.3f}", ">= 0.97")
        show(f"busiest second {at}", traffic.busiest_second(), f"<= {rate}")
        show(f"throttled {at}", traffic.answers[429], "0")
        show(f"times that this machine stood still for {STALL * 1000:.0f} ms", len(held_up), "")


@main.command()
@click.option("--contacts", default=1000)
@click.option("--kills", default=20)
def requests(contacts: int, kills: int) -> None:
    """The requests made by sweeps, against the fewest possible, and again after a kill."""
    account = Account(size=contacts)
    traffic = Traffic()
    with served(account, traffic) as sandbox, tempfile.TemporaryDirectory() as folder:
        tap = Tap(sandbox, Path(folder))
        tap.run()
        possible = least(account, len(account.contacts))
        show("full sweep: made / least", f"{len(traffic.paths) / possible:.4f}", "1.00")
        traffic.paths.clear()
        bookmark = tap.last_state()["bookmarks"]["contact_activity_details"]
        since = parse(bookmark["replication_key_value"])
        tap.run(tap.last_state())
        possible = least(account, len(account.contacts), since - timedelta(days=1))
        show("incremental sweep: made / least", f"{len(traffic.paths) / possible:.4f}", "1.00")

        twice = []
        (Path(folder) / "killed").mkdir()
        killed = Tap(sandbox, Path(folder) / "killed", requests_per_second=PACE)
        for _ in range(kills):
            traffic.paths.clear()
            process = killed.start()
            while len(traffic.paths) < 10:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 4))
            process.kill()
            process.wait()
            asked = Counter(path for path in traffic.paths if path.startswith("reports"))
            state = killed.last_state()
            traffic.paths.clear()
            tap.run(state)
            asked += Counter(path for path in traffic.paths if path.startswith("reports"))
            long = {path for path, _ in asked.items() if path.split("/")[2] == heavy(account)}
            twice.append(sum(asked[path] > 1 for path in asked.keys() - long))
        show("contacts asked twice after a kill, median", statistics.median(twice), "")
        show("contacts asked twice after a kill, most", max(twice), "<= 9")


def heavy(account: Account) -> str:
    """The contact whose history takes several pages, asked for more than once in any case."""
    return max(account.events, key=lambda key: len(account.events[key]))


@main.command()
@click.option("--contacts", "sizes", multiple=True, default=(10_000, 100_000))
def scale(sizes: tuple[int, ...]) -> None:
    """Memory and processor time, and how they grow."""
    bare = subprocess.Popen([sys.executable, "-c", "import singer_sdk"])
    base, *_ = cost_of(bare)
    show("peak memory of the bare SDK, MB", f"{base:.0f}", "")
    cpu = []
    for size in sizes:
        account = Account(size=size, now=FIRST_NEWSLETTER + timedelta(days=30))
        with served(account, Traffic()) as sandbox, tempfile.TemporaryDirectory() as folder:
            tap = Tap(sandbox, Path(folder), streams=REPORTS[1:])
            tap.run()
            largest = max(map(len, tap.states()))
        cpu.append(tap.cpu)
        show(
            f"{size:,} contacts: peak memory over the bare SDK, MB",
            f"{tap.peak - base:.0f}",
            "<= 60",
        )
        show(f"{size:,} contacts: largest STATE line, bytes", largest, "<= 2048")
        show(f"{size:,} contacts: processor time, s", f"{tap.cpu:.1f}", "")
    show("processor time, last / first", f"{cpu[-1] / cpu[0]:.2f}", "<= 11")


if __name__ == "__main__":
    main()
