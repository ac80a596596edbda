"""Real servers for tests: of Redis and PostgreSQL from Debian's packages, and one of HTTP."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
"""Where Debian keeps PostgreSQL's programs; None if it is not installed."""

REDIS = shutil.which("redis-server")

LOOPBACK = "127.0.0.1"


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@contextmanager
def redis(host: str = LOOPBACK, prefix: Sequence[str] = ()) -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk; yields its URL.

    Args:
        host: The address that it listens on.
        prefix: What its command begins with.
    """
    port = free_port(host)
    options = ("--bind", host, "--port", str(port), "--save", "", "--protected-mode", "no")
    server = subprocess.Popen(
        [*prefix, str(REDIS), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not answers(host, port):
            time.sleep(0.02)
        yield f"redis://{host}:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def postgres(host: str = LOOPBACK, prefix: Sequence[str] = ()) -> Iterator[str]:
    """Run a PostgreSQL server with an empty database; yields its URL.

    Args:
        host: The address that it listens on.
        prefix: What its command begins with.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield from _postgres(Path(folder), host, prefix)


def _postgres(data: Path, host: str, prefix: Sequence[str]) -> Iterator[str]:
    assert BINARIES
    port = free_port(host)
    user = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(data, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    settings = ("-k", str(data), "-h", host, "-p", str(port), "-F")
    subprocess.run(
        [*user, BINARIES / "initdb", "--auth=trust", "--username=tap", data],
        cwd=data,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 10.0.0.0/8 trust\n")
    server = subprocess.Popen(
        [*user, *prefix, BINARIES / "postgres", "-D", data, *settings],
        cwd=data,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while subprocess.run(
            [BINARIES / "pg_isready", "-q", "-h", host, "-p", str(port), "-U", "tap"], check=False
        ).returncode:
            time.sleep(0.05)
        yield f"postgresql://tap@{host}:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # it does not wait for its clients then
        server.wait()


@dataclass
class Canned:
    """A server that answers every request in the same way, however odd that is.

    Attributes:
        status: Status of the answers.
        body: Their body.
        headers: More headers.
        seen: The path, the headers and the body of each request.
        drip: Called before each byte of an answer, headers included, if it is set.
        url: Address of the server.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    drip: Callable[[], object] | None = None
    url: str = ""

    @property
    def paths(self) -> list[str]:
        return [path for path, *_ in self.seen]

    def answers(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer like this from now on, and forget the requests seen so far."""
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.seen.clear()


@contextmanager
def canned() -> Iterator[Canned]:
    """Run a server of canned answers."""
    plan = Canned()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            plan.seen.append((self.path, dict(self.headers), body))
            fields = {
                "Connection": "close",
                "Content-Length": str(len(plan.body)),
                **plan.headers,
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            answer = f"HTTP/1.1 {plan.status} x\r\n{head}\r\n".encode() + plan.body
            if plan.drip is None:
                self.wfile.write(answer)
                return
            for byte in answer:
                plan.drip()
                self.wfile.write(bytes([byte]))

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Print nothing: clients go away in the middle of an answer."""

    server = Quiet(("127.0.0.1", 0), Handler)
    plan.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield plan
    finally:
        server.shutdown()
        server.server_close()
