"""Real servers of Redis and PostgreSQL, for tests; from Debian's packages."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
