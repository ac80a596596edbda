"""What all streams of a tap share: the address, the token, the sockets and the key's limits."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.connection import HTTPConnection

from tap_constantcontact.auth import authenticator
from tap_constantcontact.limits import DayClosedError, Pace, Quota


class Connection:
    """A key's way to the API.

    Args:
        config: The settings, complete and checked.

    Attributes:
        api_url: Where the API is, without a slash at the end.
        authenticator: What gives every request its bearer token.
        pace: What every request waits for.
        quota: What counts every request.
        session: The pool of kept-alive sockets.
        at_once: How many requests may be in flight.
        clock_lag: Seconds by which the API's clock is behind ours, 0 where it is ahead.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.api_url: str = config["api_url"]
        self.authenticator = authenticator(config)
        self.pace = Pace(config["requests_per_second"])
        self.quota = Quota(
            config["daily_request_limit"], config.get("request_budget"), config["on_daily_limit"]
        )
        self.at_once: int = config["max_concurrent_requests"]
        self.clock_lag = 0.0
        self.session = requests.Session()
        adapter = LimitedAdapter(self)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def compare_clocks(self, response: requests.Response) -> None:
        """Learn from an answer's `Date` whether the API's clock is behind ours."""
        try:
            theirs = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        self.clock_lag = max(self.clock_lag, self.quota.sent_at - theirs)
        self.quota.clock_lag = self.clock_lag


class LimitedAdapter(HTTPAdapter):
    """Sends a request when the key's limits let it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(pool_maxsize=connection.at_once + 1)
        self._connection = connection

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return the pool of sockets for a request."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))
        if not issubclass(pool.ConnectionCls, LimitedConnection):
            pool.ConnectionCls = type(
                "LimitedSocket",
                (LimitedConnection, pool.ConnectionCls),
                {"pace": self._connection.pace, "quota": self._connection.quota},
            )
        return pool

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request; its token is looked at again, as a new day may have been waited for.

        Raises:
            LimitReachedError: The day or the run's budget does not hold one more.
            FatalAPIError: The same, where that is to fail the run.
        """
        while True:
            self._connection.quota.admit()
            self._connection.authenticator(request)
            with suppress(DayClosedError):
                return super().send(request, *args, **kwargs)


class LimitedConnection(HTTPConnection):
    """A socket, connected and encrypted already, whose requests leave at the key's pace."""

    pace: ClassVar[Pace]
    quota: ClassVar[Quota]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Write a request to the socket when its turn comes."""
        with self.pace.departure() as self._departure:
            self.quota.spend()
            super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read the head of the answer."""
        response = super().getresponse()
        self.pace.answered(self._departure)
        return response
