"""Bearer tokens: where they come from, when they are renewed and where they are kept.

Constant Contact's access tokens live for 24 hours. A refresh token is either *long lived* (every
refresh gives the same one back) or *rotating* (it works once, and the answer holds its successor);
either dies after 180 idle days. (Source: the vendor's developer forum, staff answers.) A rotating
token that was spent and whose successor was not kept can only be replaced by a person who signs
in. So a refresh is a transaction on the token file: under its lock, and on disk before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import backoff
import platformdirs
import requests
from filelock import FileLock
from requests.auth import HTTPBasicAuth
from singer_sdk.authenticators import BearerTokenAuthenticator, OAuthAuthenticator
from singer_sdk.exceptions import ConfigValidationError, FatalAPIError, RetriableAPIError

EXPIRY_MARGIN = 300.0
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""

SIGN_IN = "sign in again to get a new refresh token, and put it into the configuration"


def fingerprint(secret: str) -> str:
    """Return what tells one secret from another and gives neither away."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token file holds.

    Attributes:
        client_id: The application that the tokens belong to.
        seed: Fingerprint of the configured refresh token that these grew from.
        refresh_token: The newest refresh token.
        access_token: The newest access token, if one was fetched.
        expires_at: When the access token ends, in seconds since the epoch.
        refreshed_at: When the refresh token was last used, in seconds since the epoch.
    """

    client_id: str
    seed: str
    refresh_token: str
    access_token: str | None = None
    expires_at: float = 0.0
    refreshed_at: float = 0.0


class TokenFile:
    """A JSON file, readable by its owner alone, that is replaced whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TokenFile:
        """Return the file that a configuration names, or else the one kept for its tokens."""
        if config.get("token_file"):
            return cls(Path(config["token_file"]).expanduser())
        parts = [config["client_id"]]
        if seed := config.get("refresh_token"):
            parts.append(fingerprint(seed)[:16])
        folder = platformdirs.user_state_path("tap-constantcontact", appauthor=False)
        return cls(folder / f"{'-'.join(parts)}.json")

    def check_writable(self) -> None:
        """Prove, before a token depends on it, that the file can be replaced.

        Raises:
            ConfigValidationError: It cannot.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent), self.lock:
                if self.path.exists():
                    self.path.open("r+b").close()
        except OSError as error:
            raise ConfigValidationError(
                "Config validation failed",
                errors=[
                    (
                        f"token_file {str(self.path)!r} cannot be written ({error.strerror}): "
                        "tokens that rotate would be lost; name a file in a folder that the tap "
                        "may write to"
                    )
                ],
            ) from error

    def read(self) -> Tokens | None:
        """Return what the file holds, or None where there is none yet.

        Raises:
            ConfigValidationError: The file exists and is not a token file.
        """
        try:
            return Tokens(**json.loads(self.path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ConfigValidationError(
                "Config validation failed",
                errors=[
                    f"token_file {str(self.path)!r} is no token file: remove it, then {SIGN_IN}"
                ],
            ) from error

    def write(self, tokens: Tokens) -> None:
        """Put the tokens on disk: when this returns they survive a crash of the machine."""
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(tokens), file)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
        with suppress(OSError):  # a folder cannot be opened on Windows, nor need it be
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


class RefreshTokenAuthenticator(OAuthAuthenticator):
    """Bearer tokens from a refresh token, shared with every process that uses the same file."""

    def __init__(self, config: Mapping[str, Any], file: TokenFile) -> None:
        super().__init__(
            auth_endpoint=f"{config['auth_url']}/token",
            client_id=config["client_id"],
            client_secret=config.get("client_secret"),
        )
        self._timeout = config["request_timeout"]
        self._user_agent = config.get("user_agent")
        self._renewal = threading.Lock()
        self._file = file
        file.check_writable()
        self._seed = config.get("refresh_token")
        self._tokens = self._stored()
        self.access_token = self._tokens.access_token

    def _stored(self) -> Tokens:
        """Return the file's tokens, unless the configured refresh token is newer than they are."""
        client_id = self.client_id or ""
        tokens = self._file.read()
        if tokens is None or tokens.client_id != client_id:
            tokens = None
        if self._seed is None:
            if tokens is None:
                raise ConfigValidationError(
                    "Config validation failed",
                    errors=[f"refresh_token is missing, and {str(self._file.path)!r} holds none"],
                )
            return tokens
        seed = fingerprint(self._seed)
        if tokens is None or tokens.seed != seed:
            return Tokens(client_id, seed, self._seed)
        return tokens

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

    def renew(self, rejected: str) -> bool:
        """Replace an access token that the API did not take.

        Args:
            rejected: The token as it was sent.

        Returns:
            True, as there is another one now.

        Raises:
            FatalAPIError: The server refused, or could not be reached for minutes.
        """
        self._renew(rejected)
        return True

    def _renew(self, rejected: str | None) -> None:
        with self._renewal:
            if self.is_token_valid() and self._tokens.access_token != rejected:
                return
            with self._file.lock:
                tokens = self._stored()
                if not self._valid(tokens) or tokens.access_token == rejected:
                    tokens = self._refresh(tokens)
                    self._file.write(tokens)
                self._tokens = tokens
                self.access_token = tokens.access_token

    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a valid bearer token on a request."""
        if not self.is_token_valid():
            self.update_access_token()
        request.headers["Authorization"] = f"Bearer {self._tokens.access_token}"
        return request

    @property
    def oauth_request_body(self) -> dict[str, str]:
        """Form of the refresh grant (RFC 6749, section 6); a public client names itself in it."""
        body = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh_token}
        return body if self.client_secret else {**body, "client_id": self.client_id or ""}

    def _refresh(self, tokens: Tokens) -> Tokens:
        self._tokens = tokens
        self.logger.debug("Requesting a new access token")
        asked_at = time.time()
        try:
            answer = self._ask()
        except (RetriableAPIError, requests.RequestException) as error:
            raise FatalAPIError(
                f"The authorization server at {self.auth_endpoint} cannot be reached "
                f"({_kind(error)}). Check auth_url and the network, then run again."
            ) from error
        return replace(
            tokens,
            refresh_token=answer.get("refresh_token") or tokens.refresh_token,
            access_token=answer["access_token"],
            expires_at=asked_at + float(answer.get("expires_in") or 86400),
            refreshed_at=asked_at,
        )

    @backoff.on_exception(
        backoff.expo,
        (RetriableAPIError, requests.ConnectionError, requests.Timeout),
        max_tries=6,
    )
    def _ask(self) -> dict[str, Any]:
        response = requests.post(
            self.auth_endpoint,
            data=self.oauth_request_body,
            auth=HTTPBasicAuth(self.client_id or "", self.client_secret)
            if self.client_secret
            else None,
            headers={"Accept": "application/json", "User-Agent": self._user_agent},
            timeout=self._timeout,
            allow_redirects=False,
        )
        status = response.status_code
        if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
            raise RetriableAPIError(f"HTTP {status}", response)
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            answer = {}
        if status == requests.codes.ok and "access_token" in answer:
            return dict(answer)
        raise FatalAPIError(self._refusal(status, answer))

    def _refusal(self, status: int, answer: Any) -> str:
        error = answer.get("error") if isinstance(answer, dict) else None
        if error == "invalid_grant":
            return (
                "Constant Contact refused the refresh token (invalid_grant): it was used before, "
                f"replaced, or idle for more than 180 days. To go on, {SIGN_IN}."
            )
        if error in ("invalid_client", "unauthorized_client"):
            return (
                f"Constant Contact refused the application ({error}): check client_id and "
                "client_secret, and leave the secret out for a PKCE or device application."
            )
        return (
            f"The authorization server at {self.auth_endpoint} gave no token "
            f"(HTTP {status}{f', {error}' if error else ''}). Check auth_url and the application."
        )


class AccessTokenAuthenticator(BearerTokenAuthenticator):
    """A bearer token used as it is, for as long as it lasts."""

    def renew(self, rejected: str) -> bool:  # noqa: ARG002
        """Replace an access token that the API did not take: here, never."""
        return False


def _kind(error: Exception) -> str:
    """Name an error without its details, which may quote an address with a secret in it."""
    return str(error) if isinstance(error, RetriableAPIError) else type(error).__name__


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
