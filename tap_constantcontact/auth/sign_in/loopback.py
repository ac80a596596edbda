"""The local server that receives the browser's redirect at the end of a sign-in (RFC 8252).

The host is `localhost` because the redirect address must be identical to the one registered with
the application (source: the vendor's forum, staff answers), and the vendor's users register
`http://localhost` with a port.
"""

from __future__ import annotations

import html
import secrets
import threading
from concurrent.futures import Future, wait
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self

CALLBACK_PATH = "/callback"
OUTCOME_PAGE = Path(__file__).with_name("loopback.html")

_POLL = 0.05
"""Seconds after which the server notices that it has to shut down."""

SLOWEST = 10.0
"""Seconds that a browser may take to send its request, or to take its page."""


class Outcome(NamedTuple):
    """The page that the browser shows at the end of a sign-in, with what to do next."""

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

OTHER = Outcome(
    "This is not the sign-in",
    "The address of this page belongs to no sign-in under way. Use only the page that the command "
    "opens; it still waits for it.",
    HTTPStatus.BAD_REQUEST,
)


class Loopback:
    """Waits on a local port for the browser's redirect.

    Only a request with the right state (RFC 6749, section 10.12) is one. Any other is shown an
    error, and the wait goes on. Port 0 is any free port.

    Raises:
        OSError: The port cannot be used.
    """

    def __init__(self, port: int, state: str) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.state = state.encode()
        self.redirect_uri = f"http://localhost:{self._server.server_port}{CALLBACK_PATH}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, seconds: float) -> dict[str, str] | None:
        """Return the query parameters of the redirect, or None if none came in time."""
        wait([self._server.answer], seconds)
        return self._server.answer.result() if self._server.answer.done() else None

    def show(self, outcome: Outcome) -> None:
        """Show the browser that was redirected how the sign-in ended."""
        self._server.outcome.set_result(outcome)
        self._server.shown.wait(SLOWEST)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: bytes

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.first = threading.Lock()
        self.answer: Future[dict[str, str]] = Future()
        self.outcome: Future[Outcome] = Future()
        self.shown = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Print nothing: a browser that goes away is no failure of the sign-in."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SLOWEST
    server_version = "tap-constantcontact"
    sys_version = ""

    def do_GET(self) -> None:
        try:
            target = urlsplit(self.path)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        query = dict(parse_qsl(target.query))
        if target.path != CALLBACK_PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not secrets.compare_digest(query.get("state", "").encode(), self.server.state):
            self._show(OTHER)
        elif not self.server.first.acquire(blocking=False):
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self.server.answer.set_result(query)
            try:
                self._show(self.server.outcome.result())
            finally:
                self.server.shown.set()

    def _show(self, outcome: Outcome) -> None:
        template = Template(OUTCOME_PAGE.read_text("utf-8"))
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
