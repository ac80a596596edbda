"""What several runs of one key do together: their pace, their shares, and what is throttled.

Run by hand, with the extra `test` installed; `redis` and `postgres` need their servers, from
Debian's packages redis-server and postgresql, and `--namespaces` needs root:

    python -m tests.benchmarks.shared file
    python -m tests.benchmarks.shared redis --namespaces
    python -m tests.benchmarks.shared postgres --namespaces --kill 3
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from aiohttp import web

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
    """The requests that reach the API: when, of which run, and with which status."""

    seen: list[tuple[float, str, int]] = field(default_factory=list)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Any) -> Any:
            arrived = time.monotonic()
            response = await handler(request)
            if request.path.startswith("/v3/"):
                self.seen.append((arrived, request.headers["User-Agent"], response.status))
            return response

        return watch

    def runs(self) -> set[str]:
        return {run for _, run, _ in self.seen}

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
def store_of(kind: str, host: str, folder: Path) -> Iterator[str]:
    """Provide a limits store; yields the setting."""
    if kind == "file":
        yield str(folder / "limits.sqlite")
    else:
        with {"redis": redis, "postgres": postgres}[kind](host) as url:
            yield url


@click.command()
@click.argument("kind", type=click.Choice(["file", "redis", "postgres"]))
@click.option("--processes", default=8)
@click.option("--seconds", default=120, help="How long to measure.")
@click.option("--rate", default=20, help="Requests a second of the key.")
@click.option("--kill", default=0, help="How many to kill with SIGKILL after half of the time.")
@click.option("--namespaces", "apart", is_flag=True, help="Each in its own network namespace.")
def main(  # noqa: PLR0913 - the options of a command
    *, kind: str, processes: int, seconds: int, rate: int, kill: int, apart: bool
) -> None:
    """Several runs of one key at once."""
    arrivals = Arrivals()
    account = Account(size=rate * seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        host = LOOPBACK
        prefixes: list[list[str]] = [[] for _ in range(processes)]
        if apart:
            host, prefixes = BRIDGE, stack.enter_context(namespaces(processes))
        url = stack.enter_context(store_of(kind, host, folder))
        sandbox = Sandbox(account, limits=Limits(rate), middlewares=[arrivals.middleware])
        sandbox.start(host)
        stack.callback(sandbox.stop)
        taps = []
        for n, prefix in enumerate(prefixes):
            (folder / str(n)).mkdir()
            tap = Tap(
                sandbox,
                folder / str(n),
                streams=[STREAM],
                client_id="shared",
                user_agent=f"run-{n}",
                limits_store=url,
                requests_per_second=rate,
            )
            tap.command = [*prefix, *tap.command]
            taps.append(tap)
        started = [tap.start() for tap in taps]
        for process in started:
            stack.callback(process.kill)
        while len(arrivals.runs()) < processes:
            time.sleep(0.1)
        time.sleep(3)
        if kill:
            _report(arrivals, seconds / 2, rate, processes)
            for process in started[:kill]:
                process.kill()
            click.echo(f"{kill} killed")
        _report(arrivals, seconds / (2 if kill else 1), rate, processes - kill)
        over = [n for n, process in enumerate(started) if process.poll() is not None]
        show("runs that ended, of all", f"{len(over)} / {processes}", f"{kill}")


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
