"""The connection to the API that all streams share: address, token, sockets and limits."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import requests
from typing_extensions import override
from urllib3 import HTTPResponse

from tap_constantcontact.auth.authenticator import authenticator
from tap_constantcontact.auth.deadlines import TimedConnection
from tap_constantcontact.auth.session import HomeAdapter, HomeSession
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import (
    DayClosedError,
    FatalAPIError,
    QuotaExceededError,
    ThrottledError,
    TokenRenewedError,
    cause,
)
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client
from tap_constantcontact.limits.pace import Pace
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.limits.turns import Turns
from tap_constantcontact.transport.responses import date_of, error_key, refusal_of
from tap_constantcontact.transport.workers import Concurrency

LONGEST_LAG = 43_200.0
"""Seconds of difference between two clocks from which on a `Date` header is not believed."""

MOST_BYTES = 64 * 2**20
"""Maximum size of a response's body; the gateway in front of the API probably allows 10 MB."""


class Connection:
    """The connection of one key to the API, by settings that are complete and checked.

    Attributes:
        api_url: Base URL of the API, without a trailing slash.
        session: The session with its pool of sockets; it authenticates and limits its requests.
        throttled: Number of responses with status 429 because of the pace.
        retried: Number of retries for any other reason.
        clock_lag: Seconds by which the API's clock is behind ours; 0 if it is ahead.
    """

    def __init__(self, config: Mapping[str, Any], clock: Clock = SYSTEM) -> None:
        timeout = float(config["request_timeout"])
        self.clock = clock
        self.throttled = self.retried = 0
        self.clock_lag = 0.0
        self.api_url: str = config["api_url"]
        self.authenticator = authenticator(config)
        self.turns = Turns()
        self._run = uuid.uuid4().hex[:12]
        self.permits = Permits(
            store_for(config, clock),
            KeyLimits(
                config["requests_per_second"],
                config["daily_request_limit"],
                config.get("daily_share"),
            ),
            self._client,
            required=config["limits_store_required"],
            clock=clock,
        )
        self.permits.begin()
        self.quota = Quota(
            self.permits,
            config.get("request_budget"),
            config["on_daily_limit"],
            self.turns,
            clock,
        )
        self.pace = Pace(self.permits, self.quota, self.turns, clock)
        self.concurrency = Concurrency(
            config["requests_per_second"], config.get("max_concurrent_requests")
        )
        self.session = HomeSession(LimitedAdapter(self, timeout))
        self.session.headers.update(
            {"Accept": "application/json", "User-Agent": config["user_agent"]}
        )
        self._read_environment_once()
        self._renewed_for: WeakKeyDictionary[requests.PreparedRequest, str] = WeakKeyDictionary()
        self._logger = logging.getLogger("tap-constantcontact")

    def _read_environment_once(self) -> None:
        """Take proxies and certificates from the environment, as requests does for each request.

        Once is enough, and takes 14 % less processor time in a sweep.
        """
        found = self.session.merge_environment_settings(self.api_url, {}, None, None, None)
        self.session.proxies, self.session.verify = found["proxies"], found["verify"]
        self.session.trust_env = False

    def _client(self) -> Client:
        return Client(self._run, self.authenticator.holder, self.clock_lag)

    @property
    def sent(self) -> int:
        """Number of requests sent in this run, retries included."""
        return self.quota.spent

    @property
    def pace_reached(self) -> float:
        """Average requests a second, between the first request and the most recent."""
        return self.quota.pace

    @property
    def left_today(self) -> int:
        """Number of requests that the account may still send today, with all runs counted."""
        self.permits.look()
        return self.permits.left_today

    def ahead(self) -> int:
        """Return how many parents may be read concurrently, besides the next one."""
        return 0 if self.quota.is_scarce else self.concurrency.wanted

    def chains(self) -> int:
        """Return how many chains of pages may be read concurrently."""
        return 1 if self.quota.is_scarce else self.concurrency.chains

    def compare_clocks(self, response: requests.Response) -> None:
        """Learn from a response's `Date` header how far the API's clock is behind ours."""
        theirs = date_of(response)
        if theirs is not None and (lag := self.quota.sent_at - theirs) < LONGEST_LAG:
            self.clock_lag = max(self.clock_lag, lag)

    def limit_reached(self, response: requests.Response) -> Exception:
        """Return the error that a response with status 429 stands for.

        Only the body's `error_key` shows which of the two limits was reached. (Guide.) If it is
        unknown, the pace was exceeded.
        """
        if error_key(response) == "quota_exceeded":
            self.quota.refused()
            return QuotaExceededError(refusal_of(response), response)
        self.throttled += 1
        self.permits.throttled()
        return ThrottledError(refusal_of(response), response)

    def token_refused(self, response: requests.Response) -> Exception:
        """Renew a refused access token, unless it was just renewed for the same request.

        Returns the error to raise, which tells whether the request may be retried with a new token.
        """
        request = response.request
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        if self._renewed_for.get(request) != token and self.authenticator.can_renew:
            if fetched := self.authenticator.renew(token):
                self._renewed_for[request] = fetched
            return TokenRenewedError("HTTP 401", response)
        return FatalAPIError(
            f"Constant Contact does not accept the access token ({refusal_of(response)}). Sign in "
            "again, or check that the token belongs to this api_url."
        )

    def before_retry(self, failure: Exception, wait: float) -> None:
        """Count and log a retry, without the request's URL, which may identify a person."""
        if wait:
            self.turns.step_aside()
        if isinstance(failure, QuotaExceededError):
            return
        if not isinstance(failure, ThrottledError):
            self.retried += 1
        if isinstance(failure, TokenRenewedError):
            self._logger.info("The access token was refused (HTTP 401) and renewed")
        else:
            self._logger.warning("%s; retrying in %.1f seconds", cause(failure), wait)


class LimitedAdapter(HomeAdapter):
    """Sends a request to the API when the key's limits allow it, and reads the whole response.

    It fails after `timeout` seconds without receiving a byte.
    """

    def __init__(self, connection: Connection, timeout: float) -> None:
        super().__init__(
            connection.api_url,
            MOST_BYTES,
            type("ApiConnection", (LimitedConnection,), {"api": connection}),
            pool_maxsize=connection.concurrency.most + 1,
        )
        self._api = connection
        self._timeout = timeout

    @override
    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request, with a fresh token if it had to wait for a new day.

        Raises:
            LimitReachedError: The daily quota or the run's budget is used up.
            FatalAPIError: The daily quota is used up, and `on_daily_limit` is `fail`.
            DeadlineExceededError: The response was not complete in time.
            ForeignServerError: The address is not that of the API, or the response is too large.
        """
        timeout = min(self._timeout, kwargs.get("timeout") or math.inf)
        while True:
            with suppress(DayClosedError), self._api.quota.admitted():
                self._api.authenticator(request)
                response = super().send(request, *args, **{**kwargs, "timeout": timeout})
                response.content  # noqa: B018 - reads the body
                self._api.turns.come_back()
                return response


class LimitedConnection(TimedConnection):
    """A connection whose requests are sent at the key's pace."""

    timeouts = 5
    api: ClassVar[Connection]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request when its turn comes."""
        with self.api.pace.departure() as self._departure:
            super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Read the status and headers of the response."""
        response = super().getresponse()
        self.api.pace.answered(self._departure)
        self.api.concurrency.note(self.api.clock.monotonic() - self._departure.left)
        return response
