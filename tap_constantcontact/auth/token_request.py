"""Requests to the authorization server, which grants tokens (RFC 6749).

It allows one token request a second, and answers more with status 429. (Source: the vendor's
developer forum, staff answers.)
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from requests.auth import HTTPBasicAuth

from tap_constantcontact.auth.answers import SECRET, GrantedTokens
from tap_constantcontact.auth.deadlines import TimedConnection
from tap_constantcontact.auth.error_texts import in_a_line, secrets_of, text_of_other, texts_in
from tap_constantcontact.auth.session import (
    BoundedSession,
    json_in,
    refuse_redirect,
    shown,
)
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import (
    CAUSES,
    FatalAPIError,
    RefusedError,
    RetriableAPIError,
    ThrottledError,
    cause,
)

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds to wait before each retry, give or take a half, so that runs do not retry at once.

A `Retry-After` header is not heeded: the API's documents have none, and it could name years.
"""

TOKEN_PATIENCE = 60.0
"""Seconds after which not to retry any more; a single request may take longer."""

SHORTEST = 0.1
"""Minimum time-out of a request, in seconds, however little time is left."""

WRONG_APPLICATION = ("invalid_client", "unauthorized_client")

T = TypeVar("T")


class AuthorizationServer:
    """The authorization server, as one application sees it.

    It needs the settings `auth_url`, `client_id`, `request_timeout` and, if there are any,
    `client_secret` and `user_agent`. A public application has no secret, and sends its key in the
    form.
    """

    def __init__(self, config: Mapping[str, Any], clock: Clock = SYSTEM) -> None:
        self.url: str = config["auth_url"].rstrip("/")
        self.client_id: str = config["client_id"]
        self._client_secret: str | None = config.get("client_secret")
        self._user_agent: str | None = config.get("user_agent")
        self._timeout = float(config["request_timeout"])
        self._clock = clock

    def __str__(self) -> str:
        return f"The authorization server at {shown(self.url)}"

    def grant(self, form: Mapping[str, str], patience: float | None = None) -> GrantedTokens:
        """Request tokens, with the application added to the form, and retry as `patiently` does."""
        return self.patiently(lambda left: self.grant_once(form, left), patience)

    def grant_once(self, form: Mapping[str, str], left: float) -> GrantedTokens:
        """Request tokens without retries, as `ask` does.

        Raises:
            FatalAPIError: There is no valid token in the answer.
        """
        if not self._client_secret:
            form = {**form, "client_id": self.client_id}
        answer = self.ask("/token", form, left, secret=self._client_secret)
        try:
            return GrantedTokens.of(answer)
        except ValueError as error:
            raise FatalAPIError(
                f"{self} sent no {error} that can be used, so nothing was stored. Check auth_url "
                "and any proxy."
            ) from None

    def patiently(self, ask: Callable[[float], T], patience: float | None = None) -> T:
        """Send a request, and retry it for `patience` seconds while the server fails or throttles.

        `ask` takes the seconds that are left for the request.

        Raises:
            FatalAPIError: The server still failed after the last retry, or refused.
        """
        if patience is None:
            patience = max(TOKEN_PATIENCE, TimedConnection.timeouts * self._timeout)
        ends_at = self._clock.monotonic() + patience
        waits = iter(WAITS)
        while True:
            left = ends_at - self._clock.monotonic()
            try:
                return ask(left)
            except RetriableAPIError as failure:
                pause = next(waits, math.inf) * random.uniform(0.5, 1.5)  # noqa: S311
                if self._clock.monotonic() + pause >= ends_at:
                    raise self.given_up(failure) from None
                log_retry(failure, pause)
                self._clock.sleep(pause)

    def given_up(self, failure: RetriableAPIError) -> FatalAPIError:
        """Return the error for a request that is not retried any more."""
        if isinstance(failure, ThrottledError):
            return FatalAPIError(
                "Constant Contact limits how often tokens are requested, to one request a second, "
                f"and still refuses ({failure}). Wait some minutes, then run again, with fewer "
                "runs at a time."
            )
        return FatalAPIError(
            f"{self} cannot be reached ({failure}). Check auth_url and the network, then run again."
        )

    def ask(
        self, path: str, form: Mapping[str, str], left: float, *, secret: str | None = None
    ) -> dict[str, Any]:
        """Send a request once, and return the JSON object in its answer.

        It is answered within `left` seconds, if that is less than it may take anyway. A secret
        proves who the application is.

        Raises:
            RetriableAPIError: The server fails, or limits the pace.
            RefusedError: The server refused with an error code.
            FatalAPIError: The answer is a redirect, is too large or is not a JSON object.
        """
        response = self._post(path, form, left, secret)
        refuse_redirect(response, str(self), "auth_url")
        status = response.status_code
        found = json_in(response)
        answer: dict[str, Any] | None = found if isinstance(found, dict) else None
        told = _told(response, answer)
        if status == requests.codes.too_many_requests:
            raise ThrottledError(told)
        if status >= requests.codes.server_error:
            raise RetriableAPIError(told)
        if answer and isinstance(error := answer.get("error"), str) and error:
            raise RefusedError(error, _refusal(error, told))
        if answer is None or status != requests.codes.ok:
            raise FatalAPIError(
                f"{self} sent no token ({told}). Check auth_url and the application."
            )
        return answer

    def _post(
        self, path: str, form: Mapping[str, str], left: float, secret: str | None
    ) -> requests.Response:
        timeout = max(min(self._timeout, left / TimedConnection.timeouts), SHORTEST)
        try:
            proof = HTTPBasicAuth(self.client_id.encode(), secret.encode()) if secret else None
            with BoundedSession(self.url, self._user_agent) as session:
                return session.post(f"{self.url}{path}", data=form, auth=proof, timeout=timeout)
        except tuple(CAUSES) as error:
            raise RetriableAPIError(cause(error)) from None
        except (requests.RequestException, ValueError):
            raise FatalAPIError(
                f"No request can be sent to {shown(self.url)}: check auth_url, client_id, "
                "client_secret and user_agent."
            ) from None


def _told(response: requests.Response, answer: Mapping[str, Any] | None) -> str:
    """Return what a refusal tells, in which secrets are masked that it repeats."""
    secrets = secrets_of(response.request)
    if answer is None:
        text = text_of_other(response.content, secrets)
    else:
        secrets += [token for token in map(answer.get, SECRET) if token and isinstance(token, str)]
        text = ": ".join(in_a_line(texts_in(answer), secrets))
    return ", ".join(filter(None, (f"HTTP {response.status_code}", text)))


def _refusal(error: str, told: str) -> str:
    if error in WRONG_APPLICATION:
        return (
            f"Constant Contact refused the application ({error}): check client_id and "
            "client_secret, and leave the secret out for a PKCE or device application."
        )
    return f"Constant Contact refused the request ({told})."


def log_retry(failure: RetriableAPIError, pause: float) -> None:
    """Log that a request is retried in some seconds."""
    logging.getLogger("tap-constantcontact").warning(
        "The authorization server does not answer as it should (%s); asking again in %.1f seconds",
        failure,
        pause,
    )
