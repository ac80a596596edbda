"""Where requests with secrets leave: to one server alone, for a response of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_constantcontact.exceptions import FatalAPIError

PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A server, as RFC 6454 tells one from another."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the server of an address.

        Raises:
            ValueError: The address has no host, or a scheme or port that cannot be used.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("not an address of a server")
        return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])

    def __str__(self) -> str:
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


class HomeAdapter(HTTPAdapter):
    """Connects to one server alone, whatever address a link, a redirect or a setting names.

    Args:
        home: Address of that server; its path does not matter.
        most_bytes: Maximum size of a decoded body.
        options: Those of the `HTTPAdapter`.
    """

    def __init__(self, home: str, most_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self._home = Origin.of(home)
        self._most_bytes = most_bytes

    @override
    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a connection is opened with.

        Raises:
            FatalAPIError: It would lead to another server.
        """
        server, tls = super().build_connection_pool_key_attributes(*args, **kwargs)
        scheme = server["scheme"]
        there = Origin(scheme, str(server["host"]), server["port"] or PORTS.get(scheme, 0))
        if there != self._home:
            raise FatalAPIError(
                f"A request would have left {self._home} for another server, which must not see "
                "its token. Nothing was sent there. Check api_url, auth_url and any proxy."
            )
        return server, tls

    @override
    def build_response(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return a response whose body raises a `FatalAPIError` when it is read too far."""
        response = super().build_response(*args, **kwargs)
        response.raw = BoundedBody(response.raw, self._most_bytes, self._home)
        return response


class BoundedBody:
    """A body that is read piece by piece, and given up as soon as it is too large."""

    def __init__(self, raw: Any, most_bytes: int, home: Origin) -> None:
        self._raw = raw
        self._most_bytes = most_bytes
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        """Yield the decoded body in pieces.

        Raises:
            FatalAPIError: It is too large.
        """
        size = 0
        for piece in self._raw.stream(*args, **kwargs):
            size += len(piece)
            if size > self._most_bytes:
                self._raw.close()
                raise FatalAPIError(
                    f"A response from {self._home} is larger than {self._most_bytes / 2**20:g} "
                    "MiB, so it is not one of Constant Contact's. Check api_url, auth_url and any "
                    "proxy."
                )
            yield piece
