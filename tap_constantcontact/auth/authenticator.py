"""Bearer tokens: their source, their renewal and their use in requests.

Constant Contact's access tokens are valid for 24 hours. (Source: the vendor's developer forum,
staff answers.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import requests
from singer_sdk.authenticators import APIAuthenticatorBase, BearerTokenAuthenticator

from tap_constantcontact.auth.account import Account
from tap_constantcontact.auth.answers import GrantedTokens
from tap_constantcontact.auth.permissions import scopes_of
from tap_constantcontact.auth.token_file import FILE_REMEDY, SIGN_IN, TokenFile
from tap_constantcontact.auth.token_request import AuthorizationServer
from tap_constantcontact.auth.token_writer import TokenWriter
from tap_constantcontact.auth.tokens import IDLE_DAYS, Tokens, fingerprint
from tap_constantcontact.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    RefusedError,
    refused,
)

EXPIRY_MARGIN = 300.0
"""Seconds before its expiry to renew a token, or a tenth of its lifetime if that is less."""

IDLE_WARNING = 150
"""Days without use after which to warn that a refresh token will expire."""

LONG_LIVED = (
    "choose long lived refresh tokens in the application's settings and sign in again, or set "
    "token_file to a file on a disk that stays"
)


class RefreshTokenAuthenticator(APIAuthenticatorBase):
    """Bearer tokens from a refresh token, shared by all processes that use the same token file.

    Attributes:
        why_not_kept: Why new tokens cannot be stored in the file; None if they can.
        tokens: The current tokens.
    """

    can_renew = True

    def __init__(self, config: Mapping[str, Any], file: TokenFile) -> None:
        super().__init__()
        self._server = AuthorizationServer(config)
        self._renewal = threading.Lock()
        self.file = file
        self._writer = TokenWriter(file, self._stored)
        self._seed = config.get("refresh_token")
        self.why_not_kept = file.why_not_kept()
        self.tokens = self._stored()
        if self.why_not_kept and config.get("token_file") and self.tokens.rotates is not False:
            raise refused(
                f"token_file {str(file.path)!r} cannot be written ({self.why_not_kept}): rotating "
                f"tokens would be lost; {FILE_REMEDY}"
            )
        if (idle := self.tokens.idle_days) > IDLE_WARNING:
            self.logger.warning(
                "The refresh token was last used %d days ago, and it expires after %d days "
                "without use: run more often, or sign in again with tap-constantcontact-login",
                idle,
                IDLE_DAYS,
            )

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes of the current access token, or None if they are not known."""
        return scopes_of(self.tokens.access_token, self.tokens.scope)

    @property
    def holder(self) -> str:
        """Identifies the account; while that is not known, the tokens."""
        if self.tokens.account and self.tokens.account.is_known:
            return self.tokens.account.fingerprint
        return (self.tokens.seed or fingerprint(str(self.file.path)))[:16]

    def _stored(self) -> Tokens:
        """Return the file's tokens, or those of a configured refresh token that is new."""
        client_id = self._server.client_id
        tokens = self.file.read()
        if tokens and tokens.client_id != client_id:
            tokens = None
        if self._seed is not None and (tokens is None or tokens.seed != fingerprint(self._seed)):
            last_read = tokens.last_read if tokens else None
            return Tokens(client_id, fingerprint(self._seed), self._seed, last_read=last_read)
        if tokens is None:
            raise refused(
                f"refresh_token is missing, and {str(self.file.path)!r} contains none of this "
                "client_id: sign in with tap-constantcontact-login"
            )
        return tokens

    def account(self, ask: Callable[[], Account | None]) -> Account | None:
        """Return the tokens' account; `ask` for it if the file can keep it and has none yet."""
        if self.tokens.account is None and not self.why_not_kept and (account := ask()):
            self.keep(account=account)
        return self.tokens.account

    def keep(self, **learnt: Any) -> None:
        """Store facts about the current tokens, unless the file has newer ones."""
        with self._renewal:
            access_token = self.tokens.access_token
            self.tokens = replace(self.tokens, **learnt)
            if self.why_not_kept:
                return
            with suppress(OSError, ConfigValidationError, FatalAPIError), self.file.lock:
                if (newest := self._writer.newest()).access_token == access_token:
                    self._writer.write(replace(newest, **learnt))

    def finish(self) -> str | None:
        """Write at the end of a run what could not be written before; return what is lost."""
        with self._renewal:
            return self._writer.finish()

    def is_token_valid(self) -> bool:
        """Return whether the current access token is not about to expire."""
        return _is_valid(self.tokens)

    def renew(self, rejected: str | None) -> str | None:
        """Replace an access token that the API rejected, or one that is about to expire.

        Returns:
            The new token if one was fetched; None if another one was already available.

        Raises:
            FatalAPIError: The server refused, or could not be reached for minutes.
        """
        with self._renewal:
            if _is_valid(self.tokens, rejected):
                return None
            if self.why_not_kept:
                self.tokens = self._refresh(self.tokens)
                self._warn_of_loss(self.why_not_kept)
                return self.tokens.access_token
            with self.file.lock:
                newest = self._writer.newest()
                self._check_account(newest)
                is_there = _is_valid(newest, rejected)
                self.tokens = newest if is_there else self._writer.replace(newest, self._refresh)
            if self.file.vanishes:
                self._warn_of_loss("it is in a container, and is lost with it")
            return None if is_there else self.tokens.access_token

    def _check_account(self, tokens: Tokens) -> None:
        """Refuse the tokens of another account that somebody signed in to during this run."""
        ours = self.tokens.account
        if ours is not None and ours.differs_from(tokens.account):
            raise FatalAPIError(
                f"Somebody signed in to another account during this run: {str(self.file.path)!r} "
                f"contained the tokens of {ours} and now contains those of {tokens.account}. Give "
                "each account its own token_file, then run again with the last state."
            )

    def _warn_of_loss(self, reason: str) -> None:
        if self.tokens.rotates:
            self.logger.warning(
                "The refresh token was replaced by a new one, which %s cannot keep (%s): the next "
                "run may need a new sign-in. To avoid that, %s",
                self.file.path,
                reason,
                LONG_LIVED,
            )

    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add a valid bearer token to a request."""
        if not self.is_token_valid():
            self.renew(None)
        request.headers["Authorization"] = f"Bearer {self.tokens.access_token}"
        return request

    def _refresh(self, tokens: Tokens) -> Tokens:
        self.tokens = tokens
        self.logger.debug("Requesting a new access token")
        asked_at = time.time()
        granted = self._exchanged(tokens.refresh_token)
        refresh_token = granted.refresh_token or tokens.refresh_token
        return replace(
            tokens,
            refresh_token=refresh_token,
            rotates=refresh_token != tokens.refresh_token,
            access_token=granted.access_token,
            expires_at=asked_at + granted.lifetime,
            refreshed_at=asked_at,
            scope=granted.scope or tokens.scope,
        )

    def _exchanged(self, refresh_token: str) -> GrantedTokens:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        try:
            return self._server.grant(form)
        except RefusedError as refusal:
            if refusal.error != "invalid_grant":
                raise
            remedy = ", and remove refresh_token from the configuration" if self._seed else ""
            raise FatalAPIError(
                "Constant Contact refused the refresh token (invalid_grant): it was used "
                f"before, replaced, or idle for more than {IDLE_DAYS} days. To go on, {SIGN_IN}"
                f"{remedy}."
            ) from None


def _is_valid(tokens: Tokens, rejected: str | None = None) -> bool:
    if tokens.access_token in (None, rejected):
        return False
    margin = min(EXPIRY_MARGIN, (tokens.expires_at - tokens.refreshed_at) / 10)
    return time.time() < tokens.expires_at - margin


class AccessTokenAuthenticator(BearerTokenAuthenticator):
    """A bearer token that is used as is and cannot be renewed."""

    can_renew = False

    def __init__(self, token: str) -> None:
        super().__init__(token=token)
        self.holder = fingerprint(token)[:16]
        self.scopes = scopes_of(token, "")

    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the bearer token to a request."""
        request.headers.update(self.auth_headers)
        return request

    def is_token_valid(self) -> bool:
        """Return True, as it is not known when the token expires."""
        return True

    def renew(self, rejected: str | None) -> str | None:  # noqa: ARG002
        """Return None, as there is no other token."""
        return None

    def finish(self) -> str | None:
        """Return None, as no token has to be written."""
        return None


def authenticator(
    config: Mapping[str, Any],
) -> RefreshTokenAuthenticator | AccessTokenAuthenticator:
    """Return the authenticator for an access token, or else a refresh token.

    Raises:
        ConfigValidationError: There is no token to start from, or no place to store new ones.
    """
    if token := config.get("access_token"):
        return AccessTokenAuthenticator(token=token)
    return RefreshTokenAuthenticator(config, TokenFile.of(config))
