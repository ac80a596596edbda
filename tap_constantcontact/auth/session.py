"""HTTP sessions that connect to one server only, follow no redirect, and bound each response.

All requests that carry a token, a code, a verifier or a secret are sent by such a session.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import DecodeError

from tap_constantcontact.auth.deadlines import TimedConnection
from tap_constantcontact.auth.error_texts import safe, secrets_of
from tap_constantcontact.exceptions import FatalAPIError, ForeignServerError, refused

PORTS = {"http": 80, "https": 443}

PIECE = 64 * 1024
"""Maximum number of bytes to read from a socket at once."""

COMPRESSIONS = ("gzip", "x-gzip", "deflate")
"""The values of `Content-Encoding` that are decoded."""

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""Makes zlib tell the two formats apart by their first bytes."""

MOST_SIGN_IN_BYTES = 2**20
"""Maximum size of a decoded response; tokens, an account and privileges take a few kilobytes."""


class Origin(NamedTuple):
    """A server, as RFC 6454 tells one from another."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the server of an address, written as requests writes it when it connects.

        Raises:
            ValueError: The address has no host, or a scheme or port that cannot be used.
        """
        request = requests.PreparedRequest()
        request.prepare_url(url, None)
        parts = urlsplit(str(request.url))
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("not an address of a server")
        return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


class HomeAdapter(HTTPAdapter):
    """Connects to one server alone, whatever address a link, a redirect or a setting names.

    The path of its address `home` does not matter. A body may have `most_bytes` bytes at the most,
    both as it is sent and decoded.
    """

    def __init__(
        self,
        home: str,
        most_bytes: int,
        connection: type[TimedConnection] = TimedConnection,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._connection = connection
        self._home = Origin.of(home)
        self._most_bytes = most_bytes

    @override
    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse, with a `ForeignServerError`, to open a connection to another server."""
        server, tls = super().build_connection_pool_key_attributes(*args, **kwargs)
        scheme = server["scheme"]
        there = Origin(scheme, str(server["host"]), server["port"] or PORTS.get(scheme, 0))
        if there != self._home:
            raise ForeignServerError(
                f"A request would have left {self._home} for another server, which must not see "
                "its token. Nothing was sent there. Check api_url, auth_url and any proxy."
            )
        return server, tls

    @override
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return the pool of connections for a request."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))
        if not issubclass(pool.ConnectionCls, self._connection):
            bases = (self._connection, pool.ConnectionCls)
            pool.ConnectionCls = type(self._connection.__name__, bases, {})
        return pool

    @override
    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
        """Ask for gzip alone: other compressions are ambiguous, or decoded without a bound."""
        request.headers["Accept-Encoding"] = "gzip"

    @override
    def build_response(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return a response whose body raises a `ForeignServerError` when it is too large."""
        response = super().build_response(*args, **kwargs)
        response.raw = BoundedBody(response.raw, self._most_bytes, self._home)
        if response.status_code < requests.codes.ok:
            response.raw.close()  # what may follow is not the response to the next request
        return response


class BoundedBody:
    """A body that is read piece by piece, and given up as soon as it is too large.

    It is decoded here because urllib3 reads lines of any length between the chunks of a body, and,
    depending on its version, decodes a piece to any size.
    """

    def __init__(self, raw: Any, most_bytes: int, home: Origin) -> None:
        self._raw = raw
        self._most_bytes = most_bytes
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield the decoded body, as a whole.

        Raises:
            ForeignServerError: It is too large.
            DecodeError: It is compressed, and damaged or cut short.
        """
        compression = self._raw.headers.get("Content-Encoding", "").strip().lower()
        decoder = zlib.decompressobj(GZIP_OR_ZLIB) if compression in COMPRESSIONS else None
        body = bytearray()
        received = 0
        while piece := self._raw.read(PIECE, decode_content=False):
            received += len(piece)
            body += self._decoded(piece, decoder, len(body)) if decoder else piece
            if max(received, len(body)) > self._most_bytes:
                self._raw.close()
                raise ForeignServerError(
                    f"A response from {self._home} is larger than {self._most_bytes / 2**20:g} "
                    "MiB, so it is not one of Constant Contact's. Check api_url, auth_url and any "
                    "proxy."
                )
        if decoder and received and (not decoder.eof or decoder.unused_data):
            raise DecodeError("the compressed body is cut short, or something follows it")
        yield bytes(body)

    def _decoded(self, piece: bytes, decoder: zlib._Decompress, size: int) -> bytes:
        try:
            return decoder.decompress(piece, self._most_bytes + 1 - size)
        except zlib.error as error:
            raise DecodeError("the compressed body is damaged") from error


class HomeSession(requests.Session):
    """A session with one adapter, which follows no redirect and reads no `.netrc` file.

    Other sessions read the address of a redirect even if they are not to follow it, and fail if it
    is malformed.
    """

    def __init__(self, adapter: HomeAdapter) -> None:
        super().__init__()
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.auth = unchanged

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, so that no redirect is followed."""


def unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request as it is: with this as its `auth`, requests looks for no `.netrc` file."""
    return request


class BoundedSession(HomeSession):
    """A session whose answers are small, and are there as a whole within a bounded time.

    Raises:
        ConfigValidationError: `home` is not the address of a server.
    """

    def __init__(self, home: str, user_agent: str | None) -> None:
        try:
            super().__init__(HomeAdapter(home, MOST_SIGN_IN_BYTES))
        except ValueError:
            raise refused(
                f"{shown(home)!r} is not the address of a server: check auth_url and api_url"
            ) from None
        self.headers["Accept"] = "application/json"
        if user_agent:
            self.headers["User-Agent"] = user_agent


def refuse_redirect(response: requests.Response, server: str, setting: str) -> None:
    """Refuse a redirect with a `FatalAPIError` that says where it leads.

    `server` is what answered, as the subject of a sentence, and `setting` what has its address.
    """
    status = response.status_code
    if requests.codes.multiple_choices <= status < requests.codes.bad_request:
        raise FatalAPIError(
            f"{server} redirected the request (HTTP {status}{_destination(response)}), which is "
            f"not followed. Check {setting}."
        )


def _destination(response: requests.Response) -> str:
    try:
        target = shown(urljoin(response.url, response.headers["Location"]))
    except (KeyError, ValueError):
        return ""
    return f", to {safe(target, secrets_of(response.request))}"


def json_in(response: requests.Response) -> Any:
    """Return the JSON in a response, or None if it has none."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def shown(url: str) -> str:
    """Return the parts of an address that hold no secret: scheme, host, port and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return "".join(filter(str.isprintable, plain))[:300]
