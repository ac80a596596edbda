"""The use of the token: its account, its rights, and what is left of the quota."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import requests

from tap_constantcontact.auth import account, permissions
from tap_constantcontact.auth.authenticator import RefreshTokenAuthenticator
from tap_constantcontact.auth.permissions import Need, Rights
from tap_constantcontact.auth.sign_in.keeping import described
from tap_constantcontact.commands.doctor import network
from tap_constantcontact.commands.doctor.findings import SIGN_IN, Finding, Verdict, skipped, well
from tap_constantcontact.exceptions import (
    FatalAPIError,
    LimitReachedError,
    RetriableAPIError,
    ThrottledError,
    TokenRenewedError,
)
from tap_constantcontact.transport.session import Connection
from tap_constantcontact.transport.status import Endpoint, judge

SIGN_IN_WITH_RIGHTS = (
    "Sign in with the scope, as a user with the privilege; or deselect the stream."
)

LOWER = "Another program uses the key: set a lower requests_per_second in the tap or there."

EXPLAINED = (FatalAPIError, LimitReachedError, RetriableAPIError, requests.RequestException)
"""The failures of a request that findings explain."""

REFUSED = {requests.codes.unauthorized: "token", requests.codes.forbidden: "rights"}
"""What is wrong, by the status of a response; for any other, it is the address."""

PRIVILEGES = Endpoint("the privileges of the user", "account_read", "account:read")

FEW = 100
"""Number of requests left today below which to warn."""


class Access:
    """The use of a token: a request for the user's privileges, and one for the account.

    Args:
        connection: The connection to the API, whose limits must not wait.
        can_renew: Whether the authorization server responds.
    """

    def __init__(self, connection: Connection, *, can_renew: bool) -> None:
        self._connection = connection
        self._can_renew = can_renew
        self._rights = Rights(connection.authenticator.scopes, None)
        self._status = 0

    def examine(self, needs: Sequence[Need], *, forbidden: Verdict) -> Iterator[Finding]:
        """Use the token.

        Args:
            needs: What the selected streams need.
            forbidden: How it is if a stream is forbidden.
        """
        url = f"{self._connection.api_url}{permissions.PATH}"
        try:
            yield from self._first_request(url)
        except EXPLAINED as error:
            yield self._explained(error, url)
        if self._status != requests.codes.ok:
            for subject in ("account", "rights"):
                yield skipped(subject, "the API did not accept a request")
        else:
            yield self._account()
            yield from self._allowed(needs, forbidden)
        yield self._quota()
        if lost := self._connection.authenticator.finish():
            yield Finding("token", Verdict.ERROR, lost)

    def _first_request(self, url: str) -> Iterator[Finding]:
        """Renew the token if that is due, and request the user's privileges."""
        bearer = self._connection.authenticator
        if isinstance(bearer, RefreshTokenAuthenticator) and not bearer.is_token_valid():
            if not self._can_renew:
                text = "The access token has expired, and auth_url does not respond."
                yield Finding("token", Verdict.ERROR, text, "First make auth_url reachable.")
                return
            self._status = requests.codes.unauthorized
            bearer.update_access_token()
        response = self._answer(url)
        yield network.reached("api_url", url)
        yield network.clock(response)
        privileges = permissions.privileges_in(response)
        self._rights = Rights(bearer.scopes, privileges)

    def _explained(self, error: Exception, url: str) -> Finding:
        """Return the finding that there is no answer to the first request, with the reason."""
        if isinstance(error, LimitReachedError):
            return skipped("network", "the quota of requests is used up")
        if isinstance(error, requests.RequestException):
            return network.unreachable("api_url", url, error)
        if isinstance(error, TokenRenewedError):
            return Finding("token", Verdict.ERROR, "The API refuses even a new token.", SIGN_IN)
        if isinstance(error, ThrottledError):
            return Finding("network", Verdict.WARNING, "The API throttled a request.", LOWER)
        if isinstance(error, RetriableAPIError):
            text = f"api_url: {network.host(url)} responds with {error}."
            return Finding("network", Verdict.ERROR, text, "Try again later.")
        return Finding(REFUSED.get(self._status, "network"), Verdict.ERROR, str(error))

    def _answer(self, url: str) -> requests.Response:
        """Return the response to a request, which is repeated once with a new token."""
        try:
            return self._answer_to_one(url)
        except TokenRenewedError:
            return self._answer_to_one(url)

    def _answer_to_one(self, url: str) -> requests.Response:
        response = self._connection.session.get(
            url, timeout=network.PATIENCE, allow_redirects=False
        )
        self._status = response.status_code
        judge(response, PRIVILEGES, self._connection)
        return response

    def _account(self) -> Finding:
        connection = self._connection
        try:
            found = account.ask(connection.session, connection.api_url, network.PATIENCE)
        except LimitReachedError:
            return skipped("account", "the quota of requests is used up")
        except FatalAPIError as error:
            return Finding("account", Verdict.ERROR, str(error))
        bearer = connection.authenticator
        if isinstance(bearer, RefreshTokenAuthenticator) and found:
            bearer.keep(account=found)
        if found is not None and found.is_known:
            return well("account", f"The account is {found}.")
        return Finding("account", Verdict.WARNING, f"The account is {described(found)}.")

    def _allowed(self, needs: Sequence[Need], forbidden: Verdict) -> Iterator[Finding]:
        """Tell of each selected stream what is missing."""
        allowed = 0
        for need in needs:
            verdict = self._rights.verdict(need)
            if verdict == "yes":
                allowed += 1
                continue
            is_known = not self._rights.allow(need)
            yield Finding(
                "rights",
                forbidden if is_known else Verdict.WARNING,
                f"{need.stream}: {verdict}.",
                SIGN_IN_WITH_RIGHTS if is_known else "",
            )
        if allowed:
            yield well("rights", f"The token may read {allowed} of {len(needs)} selected streams.")

    def _quota(self) -> Finding:
        left, terms = self._connection.left_today, self._connection.permits.terms
        text = f"{left:,} of {terms.a_day:,} requests are left today, until 00:00 UTC."
        if left < 1:
            return Finding("quota", Verdict.ERROR, text, "Run again then with the last state.")
        if left < FEW:
            return Finding("quota", Verdict.WARNING, text, "A run may end early, and resume then.")
        return well("quota", text)
