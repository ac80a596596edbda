"""The two OAuth 2.0 flows for signing in.

- With a browser on this machine: authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252).
- With a code, entered in a browser on any machine: the device flow (RFC 8628).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import click

from tap_constantcontact.auth.answers import INTERVAL, INTERVALS, Device, GrantedTokens
from tap_constantcontact.auth.error_texts import in_a_line, texts_in
from tap_constantcontact.auth.sign_in.loopback import Loopback, Outcome
from tap_constantcontact.auth.token_request import AuthorizationServer, log_retry
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import (
    ENDS_A_RUN,
    RefusedError,
    RetriableAPIError,
    SignInError,
    plain,
    reason,
)

PRIVATE = (
    "A new application is private: until Constant Contact's support approves it, only the user who "
    "created it can sign in to it."
)
"""(Source: the vendor's release note of July 2026.)"""

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

LEAST = 10.0
"""Seconds for the last request, even if the user came back at the last moment."""

REASONS = {
    "access_denied": f"Access was denied in the browser. Nothing was stored. {PRIVATE}",
    "expired_token": "The code expired before anybody entered it. Run the command again.",
    "invalid_grant": "Constant Contact refused the code (invalid_grant): it was used before, or is "
    "older than five minutes. Run the command again.",
    "invalid_scope": "Constant Contact does not know one of the scopes (invalid_scope): check "
    "--scopes.",
    "unauthorized_client": "The application may not sign in this way (unauthorized_client): "
    "check its type in the developer portal, or try the other of --browser and --device. "
    f"{PRIVATE}",
}
"""What the codes of a refusal mean during a sign-in."""


class SignIn:
    """A sign-in to an application, for some scopes, separated by spaces.

    One that fails is a `FatalAPIError`. `store` is called with the tokens, before the browser shows
    that the sign-in succeeded.
    """

    def __init__(self, config: Mapping[str, Any], scopes: str, clock: Clock = SYSTEM) -> None:
        self._server = AuthorizationServer(config, clock)
        self._scopes = scopes
        self._clock = clock

    def by_browser(self, port: int, timeout: float, store: Callable[[GrantedTokens], None]) -> None:
        """Sign in with a browser on this machine, and wait `timeout` seconds for the user.

        The browser's redirect is expected on `port`.
        """
        ends_at = self._clock.monotonic() + timeout
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        try:
            loopback = Loopback(port, state)
        except OSError as error:
            raise SignInError(
                f"Port {port} cannot be used ({reason(error)}): choose another with --port, and "
                "register its redirect address with the application."
            ) from error
        with loopback:
            self._open_browser(loopback.redirect_uri, state, verifier, timeout)
            answer = loopback.receive(ends_at - self._clock.monotonic())
            if answer is None:
                raise SignInError(
                    f"Nobody came back from the browser within {_minutes(timeout)}. Run the "
                    "command again, or use --device."
                )
            patience = max(ends_at - self._clock.monotonic(), LEAST)
            with _end_shown_in(loopback):
                store(self._exchanged(answer, loopback.redirect_uri, verifier, patience))

    def _open_browser(self, redirect_uri: str, state: str, verifier: str, timeout: float) -> None:
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._server.client_id,
                "redirect_uri": redirect_uri,
                "scope": self._scopes,
                "state": state,
                "code_challenge": challenge.decode(),
                "code_challenge_method": "S256",
            }
        )
        url = f"{self._server.url}/authorize?{query}"
        click.echo(f"Opening your browser. If it does not open, go to\n\n  {url}\n", err=True)
        click.echo(
            f"The application must be registered with the redirect address {redirect_uri}", err=True
        )
        _say_how_long(timeout)
        threading.Thread(target=_open, args=(url,), daemon=True).start()

    def _exchanged(
        self, answer: Mapping[str, str], redirect_uri: str, verifier: str, patience: float
    ) -> GrantedTokens:
        """Exchange the code in the browser's redirect for tokens."""
        code = answer.get("code", "")
        if error := answer.get("error"):
            told = ": ".join(in_a_line(texts_in(answer), (verifier, code))) or "without a reason"
            raise _failed(RefusedError(error, f"Constant Contact refused the sign-in ({told})."))
        if not code:
            raise SignInError("The browser returned without a code. Run the command again.")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        try:
            return self._server.grant(form, patience)
        except RefusedError as refusal:
            raise _failed(refusal) from None

    def by_device(self, store: Callable[[GrantedTokens], None]) -> None:
        """Show a code, and wait until the user has entered it in a browser on any machine."""
        device = self._ask_for_code()
        click.echo(f"\n  Open   {device.verification_uri}", err=True)
        click.echo(f"  Enter  {device.user_code}\n", err=True)
        if device.complete_uri:
            click.echo(f"or open {device.complete_uri}\n", err=True)
        _say_how_long(device.lifetime)
        store(self._entered(device))

    def _entered(self, device: Device) -> GrantedTokens:
        """Return the tokens for a code, once it is entered."""
        form = {"grant_type": DEVICE_GRANT, "device_code": device.device_code}
        interval = device.interval
        failure: RetriableAPIError | None = None
        ends_at = self._clock.monotonic() + device.lifetime
        while (left := ends_at - self._clock.monotonic()) > 0:
            self._clock.sleep(min(interval, left))
            left = max(ends_at - self._clock.monotonic(), LEAST)
            try:
                return self._server.grant_once(form, left)
            except RefusedError as refusal:
                failure = None
                if refusal.error == "slow_down":
                    interval += INTERVAL
                elif refusal.error != "authorization_pending":
                    raise _failed(refusal) from None
            except RetriableAPIError as error:
                failure = error
                interval = min(interval * 2, max(INTERVALS))  # as RFC 8628, section 3.5 asks
                log_retry(failure, interval)
        raise self._server.given_up(failure) if failure else SignInError(REASONS["expired_token"])

    def _ask_for_code(self) -> Device:
        form = {"client_id": self._server.client_id, "scope": self._scopes}
        try:
            answer = self._server.patiently(
                lambda left: self._server.ask("/device/authorize", form, left)
            )
            return Device.of(answer)
        except RefusedError as refusal:
            raise _failed(refusal) from None
        except ValueError as error:
            raise SignInError(
                f"{self._server} sent no {error} that can be used. Check auth_url, or use "
                "--browser."
            ) from None


def _failed(refusal: RefusedError) -> SignInError:
    return SignInError(REASONS.get(refusal.error, str(refusal)))


@contextmanager
def _end_shown_in(loopback: Loopback) -> Iterator[None]:
    """Show the browser how the sign-in ends in this context."""
    try:
        yield
    except BaseException as error:
        why = plain(error) if isinstance(error, ENDS_A_RUN) else "The command has ended."
        text = f"{why} You can close this window."
        loopback.show(Outcome("You are not signed in", text, HTTPStatus.BAD_REQUEST))
        raise
    text = "You can close this window and go back to the terminal."
    loopback.show(Outcome("You are signed in", text))


def _open(url: str) -> None:
    """Open an address in the user's browser, if there is one that works."""
    with suppress(OSError, ValueError, webbrowser.Error):  # ValueError: of a BROWSER in odd quotes
        webbrowser.open(url)


def _say_how_long(seconds: float) -> None:
    click.echo(
        f"Waiting for you, for up to {_minutes(seconds)}. Press Ctrl-C to give up.", err=True
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"  # noqa: PLR2004
