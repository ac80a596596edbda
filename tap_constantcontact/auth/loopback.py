"""The end of a sign-in in a browser: one answer to one redirect, on this machine alone (RFC 8252).

The address is `localhost` because the redirect of an application must equal, letter for letter,
the one that is registered (source: the vendor's forum, staff answers), and `http://localhost` with
a port is what its users register.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

PATH = "/callback"
PAGE = Path(__file__).with_name("loopback.html")

POLL = 0.05
"""Seconds after which the listener sees that it is to close."""


class Outcome(NamedTuple):
    """What a person reads when they come back.

    Attributes:
        title: In a few words, how it went.
        text: What to do now.
        status: Of the answer.
    """

    title: str
    text: str
    status: HTTPStatus = HTTPStatus.OK


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Connection": "close",
}

Decide = Callable[[dict[str, str]], Outcome]


class Loopback:
    """Waits on a port of this machine for a browser to bring an answer.

    Args:
        port: Where to listen; 0 for any port that is free.

    Raises:
        OSError: The port cannot be listened on.
    """

    def __init__(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self.redirect_uri = f"http://localhost:{self._server.server_port}{PATH}"

    def receive(self, decide: Decide, timeout: float) -> bool:
        """Answer the first request to the redirect address, and listen no more.

        Args:
            decide: Gets the parameters of the request and says how the sign-in went.
            timeout: Seconds to wait.

        Returns:
            Whether anybody came.
        """
        self._server.decide = decide
        threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True).start()
        came = self._server.answered.wait(timeout)
        self._server.shutdown()
        self._server.server_close()
        return came


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    decide: Decide

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.first = threading.Lock()
        self.answered = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0
    server_version = "tap-constantcontact"
    sys_version = ""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.path != PATH or not self.server.first.acquire(blocking=False):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            self._show(self.server.decide(dict(parse_qsl(target.query))))
        finally:
            self.server.answered.set()

    def _show(self, outcome: Outcome) -> None:
        template = Template(PAGE.read_text("utf-8"))
        page = template.substitute(
            title=html.escape(outcome.title), text=html.escape(outcome.text)
        ).encode()
        self.send_response(outcome.status)
        for name, value in (*HEADERS.items(), ("Content-Length", str(len(page)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Keep the address, which holds the code, out of the log."""
