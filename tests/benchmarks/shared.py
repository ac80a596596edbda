"""What several runs of one key do together: their pace, their shares, and what is throttled.

Run by hand, with the extra `test` installed. It needs Debian's packages redis-server, postgresql
and, for midnight, faketime; `--namespaces` needs root:

    python -m tests.benchmarks.shared pace file
    python -m tests.benchmarks.shared pace redis --namespaces
    python -m tests.benchmarks.shared pace postgres --namespaces --kill 3
    python -m tests.benchmarks.shared midnight postgres
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import click
from aiohttp import web

from tap_constantcontact.clock import SECONDS_A_DAY
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tests.benchmarks.sweep import Tap, show
from tests.servers import postgres, redis

LOOPBACK = "127.0.0.1"
BRIDGE = "10.77.0.1"
"""Address at which programs in the network namespaces find the servers."""

STREAM = "contact_activity_details"


@dataclass
class Arrivals:
    """The requests that reach the API: when, of which run, and with which status.

    Attributes:
        ahead: Seconds by which the API's clock is ahead of this machine's.
    """

    ahead: float = 0.0
    seen: list[tuple[float, str, int]] = field(default_factory=list)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Any) -> Any:
            arrived = time.monotonic()
            response = await handler(request)
            response.headers["Date"] = formatdate(self.now(), usegmt=True)
            if request.path.startswith("/v3/"):
                self.seen.append((arrived, request.headers["User-Agent"], response.status))
            return response

        return watch

    def runs(self) -> set[str]:
        return {run for _, run, _ in self.seen}

    def now(self) -> float:
        """Seconds since the epoch by the API's clock."""
        return time.time() + self.ahead

    def days(self) -> Counter[int]:
        """Return the number of requests of each day, by the API's clock."""
        passed = self.now() - time.monotonic()
        return Counter(int((at + passed) // SECONDS_A_DAY) for at, *_ in self.seen)

    def between(self, begin: float, end: float) -> list[tuple[float, str, int]]:
        return [one for one in self.seen if begin <= one[0] < end]


@contextmanager
def namespaces(number: int) -> Iterator[list[list[str]]]:
    """Network namespaces that reach each other over a bridge; yields what a command begins with."""

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)

    names = [f"tap{n}" for n in range(number)]
    ip("link", "add", "taps", "type", "bridge")
    try:
        ip("addr", "add", f"{BRIDGE}/24", "dev", "taps")
        ip("link", "set", "taps", "up")
        for n, name in enumerate(names):
            ip("netns", "add", name)
            ip("link", "add", f"veth{n}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"veth{n}", "master", "taps", "up")
            ip("-n", name, "addr", "add", f"10.77.0.{n + 2}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        ip("link", "del", "taps")


@contextmanager
def store_of(kind: str, host: str, folder: Path, prefix: Sequence[str] = ()) -> Iterator[str]:
    """Provide a limits store, whose server's command begins with a prefix; yields the setting."""
    if kind == "file":
        yield str(folder / "limits.sqlite")
    else:
        with {"redis": redis, "postgres": postgres}[kind](host, prefix) as url:
            yield url


@click.group()
def main() -> None:
    """Several runs of one key at once."""


KIND = click.argument("kind", type=click.Choice(["file", "redis", "postgres"]))
PROCESSES = click.option("--processes", default=8)
RATE = click.option("--rate", default=20, help="Requests a second of the key.")


class Runs:
    """Taps that read one stream of a sandbox, with one key.

    Args:
        sandbox: What they read.
        folder: Where each has a folder.
        settings: Settings of all of them.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, **settings: Any) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._settings = {"client_id": "shared", **settings}
        self.processes: list[subprocess.Popen[bytes]] = []

    def prepare(self, prefix: Sequence[str]) -> Tap:
        """Write the files of one more tap, whose command begins with a prefix."""
        name = f"run-{len([*self._folder.glob('run-*')])}"
        (self._folder / name).mkdir()
        tap = Tap(self._sandbox, self._folder / name, [STREAM], user_agent=name, **self._settings)
        tap.command = [*prefix, *tap.command]
        return tap

    def kill(self) -> None:
        """End all of them."""
        for process in self.processes:
            process.kill()


@main.command()
@KIND
@PROCESSES
@RATE
@click.option("--seconds", default=120, help="How long to measure.")
@click.option("--kill", default=0, help="How many to kill with SIGKILL after half of the time.")
@click.option("--namespaces", "apart", is_flag=True, help="Each in its own network namespace.")
def pace(  # noqa: PLR0913 - the options of a command
    *, kind: str, processes: int, seconds: int, rate: int, kill: int, apart: bool
) -> None:
    """The pace that they reach together, and the share of each."""
    arrivals = Arrivals()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = LOOPBACK
        prefixes: list[list[str]] = [[] for _ in range(processes)]
        if apart:
            host, prefixes = BRIDGE, stack.enter_context(namespaces(processes))
        url = stack.enter_context(store_of(kind, host, folder))
        account = Account(size=rate * seconds)
        sandbox = Sandbox(account, limits=Limits(rate), middlewares=[arrivals.middleware])
        sandbox.start(host)
        stack.callback(sandbox.stop)
        runs = Runs(sandbox, folder, limits_store=url, requests_per_second=rate)
        stack.callback(runs.kill)
        runs.processes = [tap.start() for tap in [*map(runs.prepare, prefixes)]]
        while len(arrivals.runs()) < processes:
            time.sleep(0.1)
        time.sleep(3)
        if kill:
            _report(arrivals, seconds / 2, rate, processes)
            for process in runs.processes[:kill]:
                process.kill()
            click.echo(f"{kill} killed")
        _report(arrivals, seconds / (2 if kill else 1), rate, processes - kill)
        throttled = sum(status == 429 for *_, status in arrivals.seen)
        show("throttled since the start, of all", f"{throttled} / {len(arrivals.seen)}", "")
        over = [process for process in runs.processes if process.poll() is not None]
        show("runs that ended, of all", f"{len(over)} / {processes}", f"{kill}")


@main.command()
@click.argument("kind", type=click.Choice(["file", "postgres"]))  # Redis fails under faketime
@PROCESSES
@RATE
@click.option("--a-day", default=300, help="Requests a day of the key.")
@click.option("--apart", default=2.0, help="Seconds by which the API's clock is ahead.")
def midnight(*, kind: str, processes: int, rate: int, a_day: int, apart: float) -> None:
    """A day that is spent before midnight, and the next one, with clocks that differ.

    The runs begin 30 seconds before midnight by the clock of the store. With a store of several
    machines, every second run's clock differs as much as the API's, the other way.
    """
    ahead = SECONDS_A_DAY - 30 - time.time() % SECONDS_A_DAY
    arrivals = Arrivals(ahead + apart)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(store_of(kind, LOOPBACK, folder, _clock(ahead)))
        limits = Limits(rate, a_day, clock=arrivals.now)
        sandbox = Sandbox(Account(2 * a_day), limits=limits, middlewares=[arrivals.middleware])
        sandbox.start()
        stack.callback(sandbox.stop)
        runs = Runs(
            sandbox,
            folder,
            limits_store=url,
            requests_per_second=rate,
            daily_request_limit=a_day,
            on_daily_limit="wait",
        )
        stack.callback(runs.kill)
        skews = [0.0 if kind == "file" or n % 2 else -apart for n in range(processes)]
        taps = [runs.prepare(_clock(ahead + skew)) for skew in skews]
        runs.processes = [tap.start() for tap in taps]
        time.sleep(65)
        show("requests on each day, by the API's clock", [*arrivals.days().values()], f"<= {a_day}")
        refused = sum(status == 429 for *_, status in arrivals.seen)
        show("refused or throttled", refused, "0")
        over = [process for process in runs.processes if process.poll() is not None]
        show("runs that ended", len(over), "0")


def _clock(ahead: float) -> list[str]:
    """Return what a command begins with, whose clock is ahead of this machine's."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    fake = {"LD_PRELOAD": library, "FAKETIME": f"{ahead:+.3f}", "FAKETIME_DONT_FAKE_MONOTONIC": 1}
    return ["env", *(f"{name}={value}" for name, value in fake.items())]


def _report(arrivals: Arrivals, seconds: float, rate: int, processes: int) -> None:
    begin = time.monotonic()
    time.sleep(seconds)
    seen = arrivals.between(begin, begin + seconds)
    shares = Counter(run for _, run, _ in seen)
    throttled = sum(status == 429 for *_, status in seen)
    each = len(seen) / processes
    show("requests", len(seen), "")
    show("throttled", throttled, f"<= {len(seen) / 2000:.1f}")
    show("share of the pace, together", f"{len(seen) / seconds / rate:.3f}", ">= 0.95")
    extremes = f"{min(shares.values()) / each:.2f} to {max(shares.values()) / each:.2f}"
    show("each run's share, against an equal one", extremes, "0.80 to 1.20")
    show("runs that sent requests", len(shares), f"{processes}")


if __name__ == "__main__":
    main()
