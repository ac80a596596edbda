"""The token, the limits of the key, and what the token may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tap_constantcontact.auth import account
from tap_constantcontact.auth.authenticator import (
    IDLE_WARNING,
    RefreshTokenAuthenticator,
    authenticator,
)
from tap_constantcontact.auth.permissions import (
    PATH,
    REMEDY,
    Need,
    Permission,
    forbidden_streams,
    forbids,
    permissions,
    privileges_in,
)
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.tokens import IDLE_DAYS, Tokens
from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.commands.doctor import machine
from tap_constantcontact.commands.doctor.findings import (
    Finding,
    Verdict,
    error,
    ok,
    skipped,
    warning,
)
from tap_constantcontact.exceptions import (
    FatalAPIError,
    LimitReachedError,
    RetriableAPIError,
    ThrottledError,
    TokenRenewedError,
    plain,
)
from tap_constantcontact.limits import permits
from tap_constantcontact.limits.ledger import Asker
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.limits.stores.file import FileStore
from tap_constantcontact.limits.stores.store import StoreError
from tap_constantcontact.limits.terms import Terms
from tap_constantcontact.transport.session import Connection
from tap_constantcontact.transport.status import Endpoint, judge

UNKNOWN_ACCOUNT = Asker("", "")

SIGN_IN = "Sign in with tap-constantcontact-login."

LOWER = "Another program uses the key: set a lower requests_per_second in the tap or there."

EXPLAINED = (FatalAPIError, LimitReachedError, RetriableAPIError, requests.RequestException)
"""The failures of a request that findings explain."""

REFUSED = {requests.codes.unauthorized: "token", requests.codes.forbidden: "rights"}
"""What is wrong, by the status of a response; for any other, it is the address."""

PRIVILEGES = Endpoint("the privileges of the user", "account_read", "account:read")

FEW = 100
"""Number of requests left today below which to warn."""


def token(config: Mapping[str, Any]) -> Finding:
    """Examine the token that a run would use, without using it.

    Raises:
        ConfigValidationError: There is none, or the token file cannot be used.
    """
    if config["sandbox"]:
        return ok("token", "The built-in sandbox needs none.")
    bearer = authenticator(config)
    if not isinstance(bearer, RefreshTokenAuthenticator):
        return warning(
            "token",
            "The access_token of the settings ends a day after it was issued.",
            "For runs of many days, leave it out and sign in with tap-constantcontact-login.",
        )
    file, tokens = bearer.file, bearer.tokens
    if bearer.why_not_kept and tokens.rotates is not False:
        return error(
            "token",
            f"{file.path} cannot be written ({bearer.why_not_kept}), and a rotating token would be "
            "lost.",
            "Set token_file to a file in a folder that the tap may write to.",
        )
    if not tokens.refreshed_at:
        return ok("token", "The refresh_token of the settings was not used before.")
    return _used_token(file, tokens)


def _used_token(file: TokenFile, tokens: Tokens) -> Finding:
    mode = f" (mode {stat.S_IMODE(file.path.stat().st_mode):04o})" if os.name == "posix" else ""
    text = (
        f"The token in {file.path}{mode} is {tokens.kind}. It was last used "
        f"{tokens.idle_days:.0f} days ago, and {IDLE_DAYS - tokens.idle_days:.0f} of {IDLE_DAYS} "
        "idle days are left."
    )
    if folder := open_folder(file.path):
        return warning("token", text, _closing(folder))
    if file.vanishes and tokens.rotates:
        advice = "It is lost with this container: keep it on a volume, or use a long lived token."
        return warning("token", text, advice)
    if tokens.idle_days > IDLE_WARNING:
        return warning("token", text, f"Run more often, or {SIGN_IN.lower()}")
    return ok("token", text)


def limits_store(config: Mapping[str, Any]) -> Finding:
    """Examine the store in which the runs of the key count their requests.

    Raises:
        ConfigValidationError: The setting is not valid.
    """
    store = store_for(config, SYSTEM)
    terms = Terms(
        config["requests_per_second"], config["daily_request_limit"], config.get("daily_share")
    )
    try:
        left = store.change(lambda ledger, now: ledger.left_today(UNKNOWN_ACCOUNT, terms, now))
    except StoreError as failure:
        return (error if config["limits_store_required"] else warning)(
            "limits store",
            f"Requests cannot be counted in {store} ({failure}).",
            f"{permits.REMEDY[0].upper()}{permits.REMEDY[1:]}.",
        )
    text = f"Requests are counted in {store}, and {left:,} are left today."
    if isinstance(store, FileStore) and (folder := open_folder(store.path)):
        return warning("limits store", text, _closing(folder))
    return ok("limits store", text)


def open_folder(file: Path) -> Path | None:
    """Return the nearest folder above a file whose entries other users can replace, or None.

    Other users are its group and all users, unless the folder is sticky, as those for temporary
    files are: then each can replace only what is their own. The folder's owner can always do so.
    """
    if os.name != "posix":
        return None
    for folder in Path(os.path.realpath(file)).parents:
        status = folder.stat()
        is_open = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if is_open or status.st_uid not in (0, os.geteuid()):
            return folder
    return None


def _closing(folder: Path) -> str:
    return f"Other users can replace what is in {folder}: use a folder that only you can write to."


class Access:
    """The use of a token: a request for the user's privileges, and one for the account.

    Args:
        connection: The connection to the API, whose limits must not wait.
        can_renew: Whether the authorization server responds.

    Attributes:
        streams: Whether the token may read the selected streams; empty before it was used.
    """

    def __init__(self, connection: Connection, *, can_renew: bool) -> None:
        self.streams: list[Permission] = []
        self._connection = connection
        self._can_renew = can_renew
        self._privileges: frozenset[str] | None = None
        self._status = 0

    def examine(self, needs: Sequence[Need], *, if_forbidden: Verdict) -> Iterator[Finding]:
        """Use the token.

        Args:
            needs: What the selected streams need.
            if_forbidden: The verdict if some of them are forbidden.
        """
        url = f"{self._connection.api_url}{PATH}"
        try:
            yield from self._first_request(url)
        except EXPLAINED as failure:
            yield self._explained(failure, url)
        if self._status != requests.codes.ok:
            for subject in ("account", "rights"):
                yield skipped(subject, "the API did not accept a request")
        else:
            yield self._account()
            scopes = self._connection.authenticator.scopes
            self.streams = permissions(needs, scopes, self._privileges)
            yield from _rights(self.streams, if_forbidden)
        yield self._quota()
        if lost := self._connection.authenticator.finish():
            yield error("token", lost)

    def _first_request(self, url: str) -> Iterator[Finding]:
        """Renew the token if that is due, and request the user's privileges."""
        bearer = self._connection.authenticator
        if isinstance(bearer, RefreshTokenAuthenticator) and not bearer.is_token_valid():
            if not self._can_renew:
                text = "The access token has expired, and auth_url does not respond."
                yield error("token", text, "First make auth_url reachable.")
                return
            self._status = requests.codes.unauthorized
            bearer.update_access_token()
        try:
            response = self._answer(url)
        except TokenRenewedError:
            response = self._answer(url)
        yield machine.reached("api_url", url)
        yield machine.clock(response)
        self._privileges = privileges_in(response)

    def _answer(self, url: str) -> requests.Response:
        response = self._connection.session.get(url, timeout=machine.PATIENCE)
        self._status = response.status_code
        judge(response, PRIVILEGES, self._connection)
        return response

    def _explained(self, failure: Exception, url: str) -> Finding:
        """Return the finding that there is no answer to the first request, with the reason."""
        if isinstance(failure, LimitReachedError):
            return skipped("network", "the quota of requests is used up")
        if isinstance(failure, requests.RequestException):
            return machine.unreachable("api_url", url, failure)
        if isinstance(failure, TokenRenewedError):
            return error("token", "The API refuses even a new token.", SIGN_IN)
        if isinstance(failure, ThrottledError):
            return warning("network", "The API throttled a request.", LOWER)
        if isinstance(failure, RetriableAPIError):
            text = f"api_url: {machine.host(url)} responds with {failure}."
            return error("network", text, "Try again later.")
        return error(REFUSED.get(self._status, "network"), plain(failure))

    def _account(self) -> Finding:
        connection = self._connection
        try:
            found = account.ask(connection.session, connection.api_url, machine.PATIENCE)
        except LimitReachedError:
            return skipped("account", "the quota of requests is used up")
        except FatalAPIError as failure:
            return error("account", str(failure))
        bearer = connection.authenticator
        if isinstance(bearer, RefreshTokenAuthenticator) and found:
            bearer.keep(account=found)
        is_known = found is not None and found.is_known
        return (ok if is_known else warning)(
            "account", f"The account is {account.described(found)}."
        )

    def _quota(self) -> Finding:
        left, terms = self._connection.left_today, self._connection.permits.terms
        text = f"{left:,} of {terms.a_day:,} requests are left today, until 00:00 UTC."
        if left < 1:
            return error("quota", text, "Run again then with the last state.")
        if left < FEW:
            return warning("quota", text, "A run may end early, and resume then.")
        return ok("quota", text)


def _rights(streams: Sequence[Permission], if_forbidden: Verdict) -> Iterator[Finding]:
    """Sum up the table of what the token may read."""
    if forbidden := forbidden_streams(streams):
        yield Finding("rights", if_forbidden, forbids(forbidden), REMEDY)
    if unknown := [one.stream for one in streams if one.allowed.startswith("not known:")]:
        yield warning("rights", f"It is not known whether {', '.join(unknown)} may be read.")
    if allowed := len(streams) - len(forbidden) - len(unknown):
        yield ok("rights", f"The token may read {allowed} of {len(streams)} selected streams.")
