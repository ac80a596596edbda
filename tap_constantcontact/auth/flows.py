"""The two OAuth 2.0 flows for signing in.

- With a browser on this machine: authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252).
- With a code, entered in a browser on any machine: the device flow (RFC 8628).

Authlib implements the protocol. The alternative, requests-oauthlib, is smaller, but has had no
release since March 2024, refuses a redirect to this machine over plain HTTP, and logs tokens.
"""

from __future__ import annotations

import secrets
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

import click
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from tap_constantcontact.auth.loopback import Loopback, Outcome

PRIVATE = (
    "A new application is private: until Constant Contact's support approves it, only the user who "
    "created it can sign in to it."
)
"""(Source: the vendor's release note of July 2026.)"""

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

INTERVAL = 5.0
"""Seconds between two requests for the tokens, unless the server sets them; `slow_down` adds these.

(Source: RFC 8628, sections 3.2 and 3.5.)
"""

VERIFIER_LENGTH = 64

Token = Mapping[str, Any]
Keep = Callable[[Token], None]


class SignInError(click.ClickException):
    """A sign-in that failed, with a plain line for the user."""


REASONS = {
    "access_denied": f"Access was denied in the browser. Nothing was stored. {PRIVATE}",
    "expired_token": "The code expired before anybody entered it. Run the command again.",
    "invalid_client": "Constant Contact does not know the application (invalid_client): check the "
    "client_id and the client_secret. A PKCE or device application has no secret.",
    "invalid_grant": "Constant Contact refused the code (invalid_grant): it was used before, or is "
    "older than five minutes. Run the command again.",
    "invalid_scope": "Constant Contact does not know one of the scopes (invalid_scope): check "
    "--scopes.",
    "unauthorized_client": "The application may not sign in this way (unauthorized_client): "
    "check its type in the developer portal, or try the other of --browser and --device. "
    f"{PRIVATE}",
}


class SignIn:
    """A sign-in to an application.

    Args:
        config: The application: `client_id`, `auth_url`, and `client_secret` if it has one.
        scopes: The scopes to request, separated by spaces.
        timeout: Seconds without receiving a byte before a request fails.
        backoff: Seconds before the first retry of a request; each further wait is doubled.
        sleep: Waits between two requests for the tokens of a code.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        scopes: str,
        timeout: float,
        *,
        backoff: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._auth_url: str = config["auth_url"].rstrip("/")
        self._scopes = scopes
        self._session = OAuth2Session(
            config["client_id"],
            config.get("client_secret"),
            scope=scopes,
            code_challenge_method="S256",
            default_timeout=timeout,
        )
        # A code works only once, so a request that the server may have read is not retried.
        retries = Retry(
            total=5,
            read=0,
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=backoff,
            allowed_methods=None,
        )
        self._session.mount("https://", HTTPAdapter(max_retries=retries))
        self._session.mount("http://", HTTPAdapter(max_retries=retries))

    def by_browser(self, port: int, timeout: float, keep: Keep) -> None:
        """Sign in with a browser on this machine, and wait until the user has done so.

        Args:
            port: Port on which to listen for the browser's redirect.
            timeout: Seconds to wait for the user.
            keep: Stores the tokens; called before the browser shows that the sign-in succeeded.

        Raises:
            SignInError: The sign-in failed.
        """
        try:
            loopback = Loopback(port)
        except OSError as error:
            raise SignInError(
                f"Port {port} cannot be used ({error.strerror}): choose another with --port, and "
                "register its redirect address with the application."
            ) from error
        self._session.redirect_uri = loopback.redirect_uri
        verifier = generate_token(VERIFIER_LENGTH)
        url, state = self._session.create_authorization_url(
            f"{self._auth_url}/authorize", code_verifier=verifier
        )
        click.echo(f"Opening your browser. If it does not open, go to\n\n  {url}\n", err=True)
        click.echo(
            f"The application must be registered with the redirect address "
            f"{loopback.redirect_uri}\nWaiting for you, for up to {_minutes(timeout)}. "
            "Press Ctrl-C to give up.",
            err=True,
        )
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        result: Future[None] = Future()

        def decide(answer: dict[str, str]) -> Outcome:
            try:
                self._check(answer, state)
                keep(
                    self._fetch(
                        grant_type="authorization_code",
                        code=answer["code"],
                        code_verifier=verifier,
                    )
                )
            except SignInError as error:
                result.set_exception(error)
                text = f"{error.message} You can close this window."
                return Outcome("You are not signed in", text, HTTPStatus.BAD_REQUEST)
            result.set_result(None)
            return Outcome(
                "You are signed in", "You can close this window and go back to the terminal."
            )

        if not loopback.receive(decide, timeout):
            raise SignInError(
                f"Nobody came back from the browser within {_minutes(timeout)}. Run the command "
                "again, or use --device."
            )
        result.result()

    @staticmethod
    def _check(answer: Mapping[str, str], state: str) -> None:
        """Raise if a redirect belongs to another sign-in, reports an error, or has no code."""
        if not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise SignInError(
                "The browser returned from another sign-in (its state differs). Run the command "
                "again and use only the page that it opens."
            )
        if "error" in answer:
            raise _refused(answer["error"], answer.get("error_description"))
        if "code" not in answer:
            raise SignInError("The browser returned without a code. Run the command again.")

    def by_device(self, keep: Keep) -> None:
        """Show a code, and wait until the user has entered it in a browser on any machine.

        Args:
            keep: Stores the tokens.

        Raises:
            SignInError: The sign-in failed.
        """
        device = self._ask_for_code()
        click.echo(f"\n  Open   {device['verification_uri']}", err=True)
        click.echo(f"  Enter  {device['user_code']}\n", err=True)
        if complete := device.get("verification_uri_complete"):
            click.echo(f"or open {complete}\n", err=True)
        lifetime = float(device.get("expires_in") or 600)
        click.echo(
            f"Waiting for you, for up to {_minutes(lifetime)}. Press Ctrl-C to give up.", err=True
        )
        interval = float(device.get("interval") or INTERVAL)
        ends_at = time.monotonic() + lifetime
        while time.monotonic() < ends_at:
            self._sleep(interval)
            try:
                token = self._session.fetch_token(
                    f"{self._auth_url}/token",
                    grant_type=DEVICE_GRANT,
                    device_code=device["device_code"],
                )
            except OAuthError as error:
                if error.error == "slow_down":
                    interval += INTERVAL
                elif error.error != "authorization_pending":
                    raise _refused(error.error, error.description) from error
            except (requests.ConnectionError, requests.Timeout):
                interval *= 2  # as RFC 8628, section 3.5 asks
            except (requests.RequestException, ValueError) as error:
                raise self._unreachable(error) from error
            else:
                keep(token)
                return
        raise SignInError(REASONS["expired_token"])

    def _ask_for_code(self) -> dict[str, Any]:
        try:
            response = self._session.request(
                "POST",
                f"{self._auth_url}/device/authorize",
                data={"client_id": self._session.client_id, "scope": self._scopes},
                headers={"Accept": "application/json"},
                withhold_token=True,
            )
            answer: dict[str, Any] = response.json()
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(error) from error
        if not isinstance(answer, dict) or "error" in answer:
            raise _refused(answer.get("error"), answer.get("error_description"))
        if not answer.keys() >= {"device_code", "user_code", "verification_uri"}:
            raise SignInError(
                f"The authorization server sent no code (HTTP {response.status_code}). Check "
                "auth_url, or use --browser."
            )
        return answer

    def _fetch(self, **grant: Any) -> Token:
        try:
            token: Token = self._session.fetch_token(f"{self._auth_url}/token", **grant)
        except OAuthError as error:
            raise _refused(error.error, error.description) from error
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(error) from error
        return token

    def _unreachable(self, error: Exception) -> SignInError:
        return SignInError(
            f"The authorization server at {self._auth_url} cannot be reached or understood "
            f"({type(error).__name__}). Check auth_url and the network, then run the command again."
        )


def _refused(error: str | None, description: str | None) -> SignInError:
    if error in REASONS:
        return SignInError(REASONS[error])
    said = ": ".join(filter(None, (error, description)))
    printable = "".join(filter(str.isprintable, said))
    return SignInError(f"Constant Contact refused the sign-in ({printable}).")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"  # noqa: PLR2004
