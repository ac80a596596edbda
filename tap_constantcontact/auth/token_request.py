"""The request that exchanges a refresh token for an access token (RFC 6749, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import backoff
import requests
from requests.auth import HTTPBasicAuth

from tap_constantcontact.auth.token_file import IDLE_DAYS, SIGN_IN
from tap_constantcontact.exceptions import FatalAPIError, RetriableAPIError, kind

TRIES = 6
"""Maximum number of requests, the first one included, before giving up."""


@dataclass(frozen=True)
class TokenEndpoint:
    """The endpoint that issues an application's access tokens.

    Attributes:
        url: URL of the token endpoint.
        client_id: API key of the application.
        client_secret: Its secret; None for a public application, which sends its key in the form.
        headers: Headers of every request.
        timeout: Seconds without receiving a byte before a request fails.
    """

    url: str
    client_id: str
    client_secret: str | None
    headers: Mapping[str, str]
    timeout: float

    def exchange(self, refresh_token: str, remedy: str) -> dict[str, Any]:
        """Exchange a refresh token; return the response: `access_token`, `expires_in` and so on.

        Args:
            refresh_token: The token, which may work only once.
            remedy: What the user must do besides signing in again if the token is refused.

        Raises:
            FatalAPIError: The server refused, or could not be reached for minutes.
        """
        try:
            response = self._post(refresh_token)
        except (RetriableAPIError, requests.RequestException, ValueError) as error:
            raise FatalAPIError(
                f"The authorization server at {self.url} cannot be reached ({kind(error)}). Check "
                "auth_url and the network, then run again."
            ) from error
        status = response.status_code
        if requests.codes.multiple_choices <= status < requests.codes.bad_request:
            raise FatalAPIError(
                f"The authorization server at {self.url} redirected the request (HTTP "
                f"{status}{_destination(response)}), and secrets are not sent on. Check auth_url."
            )
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            answer = {}
        token = answer.get("access_token")
        if status == requests.codes.ok and isinstance(token, str) and token:
            return answer
        raise FatalAPIError(self._refusal(status, answer.get("error"), remedy))

    @backoff.on_exception(
        backoff.expo,
        (RetriableAPIError, requests.ConnectionError, requests.Timeout),
        max_tries=TRIES,
    )
    def _post(self, refresh_token: str) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        response = requests.post(
            self.url,
            data=form if self.client_secret else {**form, "client_id": self.client_id},
            auth=HTTPBasicAuth(self.client_id, self.client_secret) if self.client_secret else None,
            headers=self.headers,
            timeout=self.timeout,
            allow_redirects=False,
        )
        status = response.status_code
        if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
            raise RetriableAPIError(f"HTTP {status}", response)
        return response

    def _refusal(self, status: int, error: Any, remedy: str) -> str:
        if error == "invalid_grant":
            return (
                "Constant Contact refused the refresh token (invalid_grant): it was used before, "
                f"replaced, or idle for more than {IDLE_DAYS} days. To go on, {SIGN_IN}{remedy}."
            )
        if error in ("invalid_client", "unauthorized_client"):
            return (
                f"Constant Contact refused the application ({error}): check client_id and "
                "client_secret, and leave the secret out for a PKCE or device application."
            )
        return (
            f"The authorization server at {self.url} sent no token (HTTP {status}"
            f"{f', {error}' if error else ''}). Check auth_url and the application."
        )


def _destination(response: requests.Response) -> str:
    """Return the address that a redirect leads to, without the parts that may be secret."""
    try:
        target = urlsplit(urljoin(response.url, response.headers["Location"]))
        target = target._replace(netloc=target.netloc.rpartition("@")[2], query="", fragment="")
    except (KeyError, ValueError):
        return ""
    return f", to {''.join(filter(str.isprintable, target.geturl()))}"
