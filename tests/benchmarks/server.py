"""A server of generated pages, in a process of its own, that costs hardly any time."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol, cast

import requests

from tests.benchmarks.audience import Audience

ARRIVALS = "/arrivals"


class Pages(Protocol):
    """What is served."""

    def answer(self, path: str, query: str) -> bytes | None:
        """Return the body of a page; None if there is no such page."""


class Server(NamedTuple):
    """A server that runs.

    Attributes:
        url: Its address, without a path.
    """

    url: str

    def arrivals(self) -> list[float]:
        """Return when each request to the API arrived since this was last asked, in seconds."""
        return cast("list[float]", requests.get(self.url + ARRIVALS, timeout=60).json())


@contextmanager
def served(
    size: int, latency: float = 0.0, kind: Callable[[int], Pages] = Audience
) -> Iterator[Server]:
    """Serve the pages of an audience, or of another kind of account.

    Args:
        size: The number of contacts.
        latency: Seconds by which each answer is held back.
        kind: Makes what is served, given the number of contacts.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(kind, size, latency, theirs), daemon=True)
    process.start()
    try:
        yield Server(f"http://127.0.0.1:{ours.recv()}")
    finally:
        process.terminate()
        process.join()


def _serve(kind: Callable[[int], Pages], size: int, latency: float, channel: Connection) -> None:
    asyncio.run(_listen(Site(kind(size), latency), channel))


async def _listen(site: Site, channel: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(site), "127.0.0.1", 0, backlog=1024)
    channel.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class Site:
    """What all connections share: the pages, the latency and when requests arrived."""

    def __init__(self, pages: Pages, latency: float) -> None:
        self._pages = pages
        self.latency = latency
        self._arrivals: list[float] = []

    def answer(self, target: str) -> bytes:
        """Return the response to a GET request."""
        path, _, query = target.partition("?")
        if path == ARRIVALS:
            arrivals, self._arrivals = self._arrivals, []
            return _response("200 OK", json.dumps(arrivals).encode())
        body = self._pages.answer(path, query)
        if body is None:
            return _response("404 Not Found", b'{"error_message": "No such page."}')
        self._arrivals.append(time.monotonic())
        return _response("200 OK", body)


def _response(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class Conversation(asyncio.Protocol):
    """One connection, kept open for any number of requests without a body."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            self._respond(self._site.answer(head.split(b" ", 2)[1].decode()))

    def _respond(self, response: bytes) -> None:
        if self._site.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._site.latency, self._transport.write, response)
        else:
            self._transport.write(response)
