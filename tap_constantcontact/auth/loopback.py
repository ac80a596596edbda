"""The local server that receives the browser's redirect at the end of a sign-in (RFC 8252).

The host is `localhost` because the redirect address must be identical to the one registered with
the application (source: the vendor's forum, staff answers), and the vendor's users register
`http://localhost` with a port.
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
"""Seconds after which the server notices that it has to shut down."""


class Outcome(NamedTuple):
    """The page that the browser shows at the end of a sign-in.

    Attributes:
        title: The result, in a few words.
        text: What the user should do next.
        status: HTTP status of the page.
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
    """Waits on a local port for the browser's redirect.

    Args:
        port: Port to listen on; 0 for any free port.

    Raises:
        OSError: The port cannot be used.
    """

    def __init__(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self.redirect_uri = f"http://localhost:{self._server.server_port}{PATH}"

    def receive(self, decide: Decide, timeout: float) -> bool:
        """Respond to the first request to the redirect address, then stop listening.

        Args:
            decide: Takes the query parameters of the request; returns the page to show.
            timeout: Seconds to wait for the request.

        Returns:
            Whether a request arrived.
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
        """Log nothing: the URL contains the code."""
