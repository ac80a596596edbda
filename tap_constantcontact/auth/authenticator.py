"""Bearer tokens: where they come from and when they are renewed.

Constant Contact's access tokens live for 24 hours. (Source: the vendor's developer forum, staff
answers.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import requests
from singer_sdk.authenticators import BearerTokenAuthenticator, OAuthAuthenticator

from tap_constantcontact.auth.account import Account, Ask
from tap_constantcontact.auth.token_file import IDLE_DAYS, TokenFile, Tokens, fingerprint
from tap_constantcontact.auth.token_request import TokenEndpoint
from tap_constantcontact.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    refused,
)

LIFETIME = 86_400.0
"""Seconds that an access token lives. (Source: the vendor's developer forum, staff answers.)"""

EXPIRY_MARGIN = 300.0
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""

IDLE_WARNING = 150
"""Days without use after which a refresh token is in danger."""

LONG_LIVED = (
    "choose long lived refresh tokens in the application's settings and sign in again, or name a "
    "token_file on a disk that stays"
)


class RefreshTokenAuthenticator(OAuthAuthenticator):
    """Bearer tokens from a refresh token, shared with every process that uses the same file."""

    can_renew = True

    def __init__(self, config: Mapping[str, Any], file: TokenFile) -> None:
        super().__init__(
            auth_endpoint=f"{config['auth_url']}/token",
            client_id=config["client_id"],
            client_secret=config.get("client_secret"),
        )
        self._endpoint = TokenEndpoint(
            url=f"{config['auth_url']}/token",
            client_id=config["client_id"],
            client_secret=config.get("client_secret"),
            headers={
                "Accept": "application/json",
                **({"User-Agent": config["user_agent"]} if config.get("user_agent") else {}),
            },
            timeout=float(config["request_timeout"]),
        )
        self._renewal = threading.Lock()
        self._file = file
        self._seed = config.get("refresh_token")
        self._not_kept = file.why_not_kept()
        self._tokens = self._stored()
        self.access_token = self._tokens.access_token
        if self._not_kept and config.get("token_file") and self._tokens.rotates is not False:
            raise refused(
                f"token_file {str(file.path)!r} cannot be written ({self._not_kept}): tokens that "
                "rotate would be lost; name a file in a folder that the tap may write to"
            )
        if (idle := self._tokens.idle_days) > IDLE_WARNING:
            self.logger.warning(
                "The refresh token was last used %d days ago, and Constant Contact forgets it "
                "after %d: run more often, or sign in again with tap-constantcontact-login",
                idle,
                IDLE_DAYS,
            )

    @property
    def tokens(self) -> Tokens:
        """The tokens at hand."""
        return self._tokens

    def _stored(self) -> Tokens:
        """Return the file's tokens, unless the configured refresh token is newer than they are."""
        client_id = self.client_id or ""
        tokens = self._file.read()
        if tokens is None or tokens.client_id != client_id:
            tokens = None
        if self._seed is None:
            if tokens is None:
                raise refused(
                    f"refresh_token is missing, and {str(self._file.path)!r} holds none: sign in "
                    "with tap-constantcontact-login"
                )
            return tokens
        seed = fingerprint(self._seed)
        if tokens is None or tokens.seed != seed:
            last_read = tokens.last_read if tokens else None
            return Tokens(client_id, seed, self._seed, last_read=last_read)
        return tokens

    def account(self, ask: Ask) -> Account | None:
        """Return whose account the tokens open.

        Args:
            ask: Is called where the token file does not know and can keep the answer.

        Returns:
            None where that is not known yet.
        """
        if self._tokens.account is None and not self._not_kept and (account := ask()):
            self.keep(account=account)
        return self._tokens.account

    def keep(self, **learnt: Any) -> None:
        """Keep what was learnt by the tokens at hand, unless others have taken their place."""
        with self._renewal:
            access_token = self._tokens.access_token
            self._tokens = replace(self._tokens, **learnt)
            if self._not_kept:
                return
            with suppress(OSError, ConfigValidationError), self._file.lock:
                if (stored := self._stored()).access_token == access_token:
                    self._file.write(replace(stored, **learnt))

    def is_token_valid(self) -> bool:
        """Tell whether the access token at hand has a while to live."""
        return self._valid(self._tokens)

    @staticmethod
    def _valid(tokens: Tokens) -> bool:
        lifetime = tokens.expires_at - tokens.refreshed_at
        margin = min(EXPIRY_MARGIN, lifetime / 10)
        return tokens.access_token is not None and time.time() < tokens.expires_at - margin

    def update_access_token(self) -> None:
        """Get an access token that is valid, from the file or from the server.

        Raises:
            FatalAPIError: The server refused, or could not be reached for minutes.
        """
        self._renew(rejected=None)

    def renew(self, rejected: str) -> str | None:
        """Replace an access token that the API did not take.

        Args:
            rejected: The token as it was sent.

        Returns:
            The token that was fetched; None where another one was at hand already.

        Raises:
            FatalAPIError: The server refused, or could not be reached for minutes.
        """
        return self._renew(rejected)

    def _renew(self, rejected: str | None) -> str | None:
        with self._renewal:
            if self.is_token_valid() and self._tokens.access_token != rejected:
                return None
            fetched = None
            if self._not_kept:
                self._tokens = self._refresh(self._tokens)
                fetched = self._tokens.access_token
                self._warn_of_loss(self._not_kept)
            else:
                with self._file.lock:
                    tokens = self._stored()
                    self._check_account(tokens)
                    if not self._valid(tokens) or tokens.access_token == rejected:
                        tokens = self._refresh(tokens)
                        self._file.write(tokens)
                        fetched = tokens.access_token
                    self._tokens = tokens
                if self._file.vanishes:
                    self._warn_of_loss("it is in a container, and gone with that")
            self.access_token = self._tokens.access_token
            return fetched

    def _check_account(self, tokens: Tokens) -> None:
        """Refuse tokens of another account that a sign-in brought while this run goes on."""
        ours = self._tokens.account
        if ours is not None and ours.differs_from(tokens.account):
            raise FatalAPIError(
                f"Somebody signed in to another account during this run: {str(self._file.path)!r} "
                f"held the tokens of {ours} and now holds those of {tokens.account}. Name a "
                "token_file for each, then run again with the last state."
            )

    def _warn_of_loss(self, reason: str) -> None:
        if self._tokens.rotates:
            self.logger.warning(
                "The refresh token was replaced by a new one, which %s cannot keep (%s): the next "
                "run may have to sign in again. To avoid that, %s",
                self._file.path,
                reason,
                LONG_LIVED,
            )

    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a valid bearer token on a request."""
        if not self.is_token_valid():
            self.update_access_token()
        request.headers["Authorization"] = f"Bearer {self._tokens.access_token}"
        return request

    def _refresh(self, tokens: Tokens) -> Tokens:
        self._tokens = tokens
        self.logger.debug("Requesting a new access token")
        asked_at = time.time()
        remedy = ", and remove refresh_token from the configuration" if self._seed else ""
        answer = self._endpoint.exchange(tokens.refresh_token, remedy)
        refresh_token = answer.get("refresh_token")
        if not isinstance(refresh_token, str) or not refresh_token:
            refresh_token = tokens.refresh_token
        return replace(
            tokens,
            refresh_token=refresh_token,
            rotates=refresh_token != tokens.refresh_token,
            access_token=answer["access_token"],
            expires_at=asked_at + _seconds(answer.get("expires_in")),
            refreshed_at=asked_at,
        )


class AccessTokenAuthenticator(BearerTokenAuthenticator):
    """A bearer token used as it is, for as long as it lasts."""

    can_renew = False

    def renew(self, rejected: str) -> str | None:  # noqa: ARG002
        """Return None, as there is no other token."""
        return None


def _seconds(lifetime: Any) -> float:
    """Return how long an access token lives; a day where the answer does not say."""
    try:
        return float(lifetime) or LIFETIME
    except (TypeError, ValueError):
        return LIFETIME


def authenticator(
    config: Mapping[str, Any],
) -> RefreshTokenAuthenticator | AccessTokenAuthenticator:
    """Return the one authenticator that a configuration asks for.

    Raises:
        ConfigValidationError: There is no token to start from, or no place to keep the next.
    """
    if token := config.get("access_token"):
        return AccessTokenAuthenticator(token=token)
    return RefreshTokenAuthenticator(config, TokenFile.of(config))
