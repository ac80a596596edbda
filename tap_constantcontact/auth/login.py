"""The command that signs a person in, once, and keeps the tokens where the tap finds them."""

from __future__ import annotations

import json
import os
import sys
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import requests
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.exceptions import ConfigValidationError, FatalAPIError

from tap_constantcontact.auth.account import Account, ask
from tap_constantcontact.auth.authenticator import RefreshTokenAuthenticator
from tap_constantcontact.auth.flows import SignIn, SignInError, Token
from tap_constantcontact.auth.token_file import IDLE_DAYS, TokenFile, Tokens, fingerprint
from tap_constantcontact.settings import ENVIRONMENT, SETTINGS
from tap_constantcontact.terminal.output import PlainCommand

OF_INTEREST = (
    "client_id",
    "client_secret",
    "refresh_token",
    "access_token",
    "token_file",
    "api_url",
    "auth_url",
    "request_timeout",
    "user_agent",
)
"""The tap's settings that a sign-in has to do with."""

NEEDED = ("client_id", "client_secret", "token_file", "auth_url")
"""Those without which the tap would not find the tokens, or could not use them."""

SCOPES = "contact_data campaign_data account_read offline_access"

PORT = 8912


@click.command("tap-constantcontact-login", cls=PlainCommand)
@click.option(
    "--client-id", help="The application's API key.  [env: TAP_CONSTANTCONTACT_CLIENT_ID]"
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The tap's configuration file.",
)
@click.option("--browser", "way", flag_value="browser", help="Sign in in a browser here.")
@click.option("--device", "way", flag_value="device", help="Sign in in a browser anywhere.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Where --browser comes back to: http://localhost:PORT/callback.",
)
@click.option("--scopes", default=SCOPES, show_default=True, help="What to ask for.")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=300,
    show_default=True,
    help="Seconds to wait for the browser.",
)
@click.option(
    "--replace", "replace_other", is_flag=True, help="Replace another account's stored tokens."
)
@click.option("--show", is_flag=True, help="Print secrets, too.")
@click.option("--check", "task", flag_value="check", help="Use the stored token once, and report.")
@click.option("--logout", "task", flag_value="logout", help="Remove the stored token.")
@click.version_option(package_name="tap-constantcontact")
def main(  # noqa: PLR0913 - the options of a command
    *,
    client_id: str | None,
    config: Path | None,
    way: str | None,
    port: int,
    scopes: str,
    timeout: float,
    replace_other: bool,
    show: bool,
    task: str | None,
) -> None:
    """Sign in to Constant Contact and keep the tokens where tap-constantcontact finds them.

    The secret of an application that has one comes from the configuration, from the variable
    TAP_CONSTANTCONTACT_CLIENT_SECRET or from a prompt.
    """
    with _plain_faults():
        written = _read(config)
        settings = _settings(written, client_id)
        file = TokenFile.of(settings)
        if task == "logout":
            _log_out(file)
            return
        _ask_for_secret(settings, way)
        if task == "check":
            _check(settings, file)
            return
        _prepare(settings, file)
        scopes = " ".join(scopes.replace(",", " ").split())
        sign_in = SignIn(settings, scopes, _timeout(settings))

        def keep(token: Token) -> None:
            tokens = _tokens(token, settings, scopes)
            _keep(tokens, file, replace_other=replace_other)
            _name_lacking(token, scopes)

        if (way or _usual_way()) == "browser":
            sign_in.by_browser(port, timeout, keep)
        else:
            sign_in.by_device(keep)
        _report(settings, written, file, show=show)


# The application


def _read(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        written = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SignInError(f"{config} cannot be read as JSON ({error}).") from error
    if not isinstance(written, dict):
        raise SignInError(f"{config} holds no JSON object.")
    return written


def _settings(written: Mapping[str, Any], client_id: str | None) -> dict[str, Any]:
    """Put together what the command line, the environment and the configuration say."""
    settings = {name: SETTINGS["properties"][name].get("default") for name in OF_INTEREST}
    settings |= {name: written[name] for name in OF_INTEREST if written.get(name) is not None}
    for name in OF_INTEREST:
        if (value := os.environ.get(f"{ENVIRONMENT}{name.upper()}")) is not None:
            settings[name] = value
    settings["client_id"] = client_id or settings["client_id"]
    if not settings["client_id"]:
        raise SignInError(
            "The application is missing: name its API key with --client-id, with "
            f"{ENVIRONMENT}CLIENT_ID or as client_id in a --config."
        )
    return settings


def _timeout(settings: Mapping[str, Any]) -> float:
    try:
        return float(settings["request_timeout"])
    except ValueError as error:
        raise SignInError(
            f"request_timeout {settings['request_timeout']!r} is not a number of seconds."
        ) from error


def _ask_for_secret(settings: dict[str, Any], way: str | None) -> None:
    if settings["client_secret"] is None and way != "device" and sys.stdin.isatty():
        settings["client_secret"] = click.prompt(
            "Client secret (none for a PKCE or device application)",
            default="",
            show_default=False,
            hide_input=True,
            err=True,
        )


def _usual_way() -> str:
    """Return the browser where one can be opened: not in a session without a screen."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    )
    try:
        webbrowser.get()
    except webbrowser.Error:
        return "device"
    return "browser" if has_screen else "device"


# The tokens


def _prepare(settings: Mapping[str, Any], file: TokenFile) -> None:
    """See that tokens can be kept before anybody takes the trouble to get some."""
    _check_kept(file)
    stored = _stored(file)
    if stored and stored.client_id != settings["client_id"]:
        raise SignInError(
            f"{file.path} holds the tokens of another application ({stored.client_id}): name "
            "another token_file, or remove it with --logout."
        )


def _check_kept(file: TokenFile) -> None:
    if reason := file.why_not_kept():
        raise SignInError(
            f"{file.path} cannot be written ({reason}): name a token_file in a folder of yours, "
            f"in a --config or with {ENVIRONMENT}TOKEN_FILE."
        )


def _tokens(token: Token, settings: Mapping[str, Any], scopes: str) -> Tokens:
    refresh_token = token.get("refresh_token")
    if not refresh_token:
        remedy = (
            "allow refresh tokens in the application's settings at Constant Contact"
            if "offline_access" in scopes
            else "add offline_access to --scopes"
        )
        raise SignInError(
            "Constant Contact gave no refresh token, without which the tap would be signed out "
            f"within a day: {remedy}, then run the command again."
        )
    now = time.time()
    seed = settings.get("refresh_token")
    return Tokens(
        client_id=settings["client_id"],
        seed=fingerprint(seed) if seed else "",
        refresh_token=refresh_token,
        access_token=token["access_token"],
        expires_at=now + float(token.get("expires_in") or 0),
        refreshed_at=now,
        account=_ask_account(token["access_token"], settings),
    )


def _ask_account(access_token: str, settings: Mapping[str, Any]) -> Account | None:
    with requests.Session() as session:
        session.auth = BearerTokenAuthenticator(token=access_token)
        session.headers["Accept"] = "application/json"
        if settings["user_agent"]:
            session.headers["User-Agent"] = settings["user_agent"]
        api_url = settings["api_url"].rstrip("/")
        return ask(session, api_url, _timeout(settings))


def _keep(tokens: Tokens, file: TokenFile, *, replace_other: bool) -> None:
    try:
        with file.lock:
            if (stored := _stored(file)) is not None:
                tokens = replace(tokens, last_read=stored.last_read)
                if not replace_other:
                    _refuse_other_account(tokens, stored, file)
            file.write(tokens)
    except OSError as error:
        raise SignInError(f"{file.path} cannot be written ({error.strerror}).") from error


def _stored(file: TokenFile) -> Tokens | None:
    """Return the tokens that are stored; what is wrong with a file is mended by writing it anew."""
    try:
        return file.read()
    except ConfigValidationError:
        return None


def _refuse_other_account(tokens: Tokens, stored: Tokens, file: TokenFile) -> None:
    if tokens.account is not None and tokens.account.differs_from(stored.account):
        own = file.path.with_name(f"{tokens.client_id}-{tokens.account.fingerprint}.json")
        raise SignInError(
            f"{file.path} keeps the tokens of {stored.account}, and you signed in to "
            f"{tokens.account}, so nothing was stored. To read both, give each a token_file: set "
            f"{ENVIRONMENT}TOKEN_FILE={own} (or token_file in a --config, for the tap, too) and "
            "run the command again. To forget the first account, add --replace."
        )


def _name_lacking(token: Token, scopes: str) -> None:
    granted = str(token.get("scope") or scopes).split()
    if lacking := sorted({*scopes.split()} - {*granted, "offline_access"}):
        click.echo(f"Not granted: {', '.join(lacking)}.", err=True)


def _report(
    settings: Mapping[str, Any], written: Mapping[str, Any], file: TokenFile, *, show: bool
) -> None:
    tokens = file.read()
    account = tokens.account if tokens else None
    where = f" to {account}" if account and account.is_known else ""
    click.echo(f"Signed in{where}. The tap finds the tokens by itself, in {file.path}", err=True)
    if settings["access_token"]:
        click.echo(
            "Remove access_token from the configuration: it would be used instead.", err=True
        )
    defaults = {name: SETTINGS["properties"][name].get("default") for name in NEEDED}
    lines = {
        name: settings[name]
        for name in NEEDED
        if settings[name] and settings[name] not in (written.get(name), defaults[name])
    }
    if show:
        lines |= {"refresh_token": tokens.refresh_token} if tokens else {}
    elif "client_secret" in lines:
        lines |= {"client_secret": "(the secret; --show prints it)"}
    if lines:
        click.echo("The tap's configuration still needs:", err=True)
        click.echo(json.dumps(lines, indent=2))
    if show:
        click.echo(
            "The refresh_token is only needed where the token file is not. If it rotates, use it "
            "in one place.",
            err=True,
        )


def _check(settings: Mapping[str, Any], file: TokenFile) -> None:
    stored = file.read()
    if stored is None:
        raise SignInError(f"There is no token file at {file.path}: sign in first.")
    if stored.rotates is not False:
        _check_kept(file)
    application = {**settings, "request_timeout": _timeout(settings)}
    authenticator = RefreshTokenAuthenticator(application, file)
    before = authenticator.tokens
    authenticator.renew(before.access_token or "")
    after = authenticator.tokens
    kind = (
        "rotating: each use replaces it, so the file must be kept"
        if after.rotates
        else "long lived: it stays the same, so copies of it work elsewhere"
    )
    if account := _ask_account(after.access_token or "", settings):
        authenticator.keep(account=account)
    click.echo(f"Token file  {file.path}")
    click.echo(f"Account     {_described(account or after.account)}")
    click.echo("Works       yes, it was used just now")
    click.echo(f"Kind        {kind}")
    if before.refreshed_at:
        used = datetime.fromtimestamp(before.refreshed_at, timezone.utc)
        left = IDLE_DAYS - before.idle_days
        click.echo(f"Last used   {used:%Y-%m-%d %H:%M} UTC, {before.idle_days:.0f} days before")
        click.echo(f"Idle days   {left:.0f} of {IDLE_DAYS} were left, now it is {IDLE_DAYS} again")


def _described(account: Account | None) -> str:
    if account is None:
        return "not known: the API gave no answer for now"
    if not account.is_known:
        return "not known: the token lacks the scope account_read, or its user account:read"
    return str(account)


def _log_out(file: TokenFile) -> None:
    try:
        existed = file.remove()
    except OSError as error:
        raise SignInError(f"{file.path} cannot be removed ({error.strerror}).") from error
    if not existed:
        click.echo(f"There is no token file at {file.path}.")
        return
    click.echo(f"Removed {file.path}.")
    click.echo(f"Constant Contact forgets the token itself once it is idle for {IDLE_DAYS} days.")


@contextmanager
def _plain_faults() -> Iterator[None]:
    try:
        yield
    except ConfigValidationError as error:
        raise SignInError("; ".join(error.errors)) from error
    except FatalAPIError as error:
        raise SignInError(str(error)) from error
    except KeyboardInterrupt:
        raise SignInError("Given up. Nothing was stored.") from None


if __name__ == "__main__":
    main()
