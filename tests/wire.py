"""A server that answers with any bytes, for what no well-behaved server sends."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes], Iterable[bytes]]

OK = b"HTTP/1.1 200 OK\r\n"

CLOSE = b""
"""In place of a piece: the end of the connection."""


def whole(body: bytes, *headers: str, status: str = "200 OK") -> list[bytes]:
    """Return a response in one piece, with a length."""
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", "")
    return ["\r\n".join(lines).encode("latin-1") + body]


def chunked(pieces: Iterable[bytes], *headers: str) -> Iterator[bytes]:
    """Yield a response in chunks."""
    lines = ("HTTP/1.1 200 OK", *headers, "Transfer-Encoding: chunked", "", "")
    yield "\r\n".join(lines).encode()
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


class Wire(socketserver.ThreadingTCPServer):
    """A server at an address of this machine.

    Args:
        answer: Returns the pieces of the response to a request, given its line and headers.

    Attributes:
        connections: Number of connections that were made to it.
        seen: The requests that reached it, each as its line and headers.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.connections = 0
        self.seen: list[bytes] = []

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(socketserver.StreamRequestHandler):
    server: Wire

    def handle(self) -> None:
        self.server.connections += 1
        with suppress(OSError):  # the client has gone
            while request := self._request():
                self.server.seen.append(request)
                for piece in self.server.answer(request):
                    if piece == CLOSE:
                        return
                    self.wfile.write(piece)

    def _request(self) -> bytes:
        lines = bytearray()
        while line := self.rfile.readline():
            lines += line
            if line == b"\r\n":
                return bytes(lines)
        return b""


@contextmanager
def wire(answer: Answer) -> Iterator[Wire]:
    """Run a server that answers each request as a function says."""
    with Wire(answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
