"""What all streams of a tap share: the address, the token, the sockets and the key's limits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.connection import HTTPConnection

from tap_constantcontact.auth import authenticator
from tap_constantcontact.concurrency import Concurrency
from tap_constantcontact.deadlines import WHOLE, Deadlines
from tap_constantcontact.limits import DayClosedError, Pace, Quota
from tap_constantcontact.turns import Turns


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
        turns: In which order work that goes on side by side sends its requests.
        concurrency: How many requests should be in flight.
        deadlines: What ends the wait for responses that take too long.
        clock_lag: Seconds by which the API's clock is behind ours, 0 where it is ahead.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.api_url: str = config["api_url"]
        self.authenticator = authenticator(config)
        self.turns = Turns()
        self.pace = Pace(config["requests_per_second"], self.turns)
        self.quota = Quota(
            config["daily_request_limit"], config.get("request_budget"), config["on_daily_limit"]
        )
        self.concurrency = Concurrency(
            config["requests_per_second"], config.get("max_concurrent_requests")
        )
        self.deadlines = Deadlines(WHOLE * float(config["request_timeout"]))
        self.clock_lag = 0.0
        self.session = requests.Session()
        adapter = LimitedAdapter(self)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def ahead(self) -> int:
        """Return how many contacts may be read beside the one that is needed first."""
        return 0 if self.quota.is_scarce else self.concurrency.wanted

    def compare_clocks(self, response: requests.Response) -> None:
        """Learn from an answer's `Date` whether the API's clock is behind ours."""
        try:
            theirs = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        self.clock_lag = max(self.clock_lag, self.quota.sent_at - theirs)
        self.quota.clock_lag = self.clock_lag


class LimitedAdapter(HTTPAdapter):
    """Sends a request when the key's limits let it, and reads the whole response."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(pool_maxsize=connection.concurrency.most + 1)
        self._connection = connection

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return the pool of sockets for a request."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))
        if not issubclass(pool.ConnectionCls, LimitedConnection):
            pool.ConnectionCls = type(
                "LimitedSocket",
                (LimitedConnection, pool.ConnectionCls),
                {"shared": self._connection},
            )
        return pool

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request; its token is looked at again, as a new day may have been waited for.

        Raises:
            LimitReachedError: The day or the run's budget does not hold one more.
            FatalAPIError: The same, where that is to fail the run.
            DeadlineExceededError: The response was not whole in time.
        """
        while True:
            self._connection.quota.admit(self._connection.turns.step_aside)
            self._connection.authenticator(request)
            with suppress(DayClosedError):
                return self._whole(request, *args, **kwargs)

    def _whole(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        connection = self._connection
        with connection.deadlines.kept():
            response = super().send(request, *args, **kwargs)
            response.content  # noqa: B018 - reads it
        connection.turns.come_back()
        return response


class LimitedConnection(HTTPConnection):
    """A socket, connected and encrypted already, whose requests leave at the key's pace."""

    shared: ClassVar[Connection]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Write a request to the socket when its turn comes."""
        with self.shared.pace.departure() as self._departure:
            self.shared.quota.spend()
            super().request(*args, **kwargs)
        self.shared.deadlines.begin(self.sock)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read the head of the response."""
        response = super().getresponse()
        self.shared.pace.answered(self._departure)
        self.shared.concurrency.note(time.monotonic() - self._departure.left)
        return response
