"""Storage, check and removal of the tokens from a sign-in."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import click
import requests
from singer_sdk.authenticators import BearerTokenAuthenticator

from tap_constantcontact.auth.account import Account, ask
from tap_constantcontact.auth.answers import Granted
from tap_constantcontact.auth.authenticator import RefreshTokenAuthenticator
from tap_constantcontact.auth.permissions import Need, Rights, ask_privileges, table
from tap_constantcontact.auth.session import BoundedSession
from tap_constantcontact.auth.sign_in.application import timeout_of
from tap_constantcontact.auth.sign_in.flows import SignInError
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.tokens import IDLE_DAYS, Tokens, fingerprint
from tap_constantcontact.config.environment import PREFIX
from tap_constantcontact.exceptions import ConfigValidationError, reason


def prepare(settings: Mapping[str, Any], file: TokenFile) -> None:
    """Check that tokens can be stored, before the user signs in.

    Raises:
        SignInError: They cannot be stored.
    """
    check_kept(file)
    stored = _stored(file)
    if stored and stored.client_id != settings["client_id"]:
        raise SignInError(
            f"{file.path} contains the tokens of another application ({stored.client_id}): set "
            "another token_file, or remove this one with --logout."
        )


def check_kept(file: TokenFile) -> None:
    """Check that a token file can be written.

    Raises:
        SignInError: It cannot be written.
    """
    if reason := file.why_not_kept():
        raise SignInError(
            f"{file.path} cannot be written ({reason}): set token_file, in a --config file or with "
            f"{PREFIX}TOKEN_FILE, to a file in a folder that you can write to."
        )


def tokens_of(granted: Granted, settings: Mapping[str, Any], scopes: str) -> Tokens:
    """Return the tokens that were granted, with the account that they belong to.

    Raises:
        SignInError: There is no refresh token.
        FatalAPIError: Something else than the API answers at api_url.
    """
    if not granted.refresh_token:
        remedy = (
            "allow refresh tokens in the application's settings at Constant Contact"
            if "offline_access" in scopes
            else "add offline_access to --scopes"
        )
        raise SignInError(
            "Constant Contact sent no refresh token, and without one the tap would be signed out "
            f"within a day: {remedy}, then run the command again."
        )
    now = time.time()
    seed = settings.get("refresh_token")
    return Tokens(
        client_id=settings["client_id"],
        seed=fingerprint(seed) if seed else "",
        refresh_token=granted.refresh_token,
        access_token=granted.access_token,
        expires_at=now + granted.lifetime,
        refreshed_at=now,
        account=ask_account(granted.access_token, settings),
        scope=granted.scope,
    )


def ask_account(access_token: str, settings: Mapping[str, Any]) -> Account | None:
    """Return the account of an access token, or None if the API does not respond for now."""
    with _session(access_token, settings) as session:
        return ask(session, settings["api_url"].rstrip("/"), timeout_of(settings))


def _session(access_token: str, settings: Mapping[str, Any]) -> requests.Session:
    session = BoundedSession(settings["api_url"], settings["user_agent"])
    session.auth = BearerTokenAuthenticator(token=access_token)
    return session


def keep_tokens(tokens: Tokens, file: TokenFile, *, replace_other: bool) -> None:
    """Write tokens to their file.

    Args:
        tokens: The tokens.
        file: The token file.
        replace_other: Whether to replace the tokens of another account.

    Raises:
        SignInError: The file has the tokens of another account, or cannot be written.
    """
    try:
        with file.lock:
            if (stored := _stored(file)) is not None:
                tokens = replace(tokens, last_read=stored.last_read)
                if not replace_other:
                    _refuse_other_account(tokens, stored, file)
            file.write(tokens)
    except OSError as error:
        raise SignInError(f"{file.path} cannot be written ({reason(error)}).") from error


def _stored(file: TokenFile) -> Tokens | None:
    """Return the stored tokens, or None if the file is damaged: it is about to be overwritten."""
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
            f"{PREFIX}TOKEN_FILE={own} (or token_file in a --config file), for the tap as "
            "well, and run the command again. To forget the first account, add --replace."
        )


def check(settings: Mapping[str, Any], file: TokenFile, needs: Sequence[Need]) -> None:
    """Use the stored refresh token once, and print what is known about it.

    Args:
        settings: The settings.
        file: The token file.
        needs: What each stream needs, to print whether the token allows it.

    Raises:
        SignInError: No token is stored.
        FatalAPIError: The token does not work.
    """
    stored = file.read()
    if stored is None:
        raise SignInError(f"There is no token file at {file.path}: sign in first.")
    if stored.rotates is not False:
        check_kept(file)
    application = {**settings, "request_timeout": timeout_of(settings)}
    authenticator = RefreshTokenAuthenticator(application, file)
    before = authenticator.tokens
    authenticator.renew(before.access_token or "")
    after = authenticator.tokens
    if account := ask_account(after.access_token or "", settings):
        authenticator.keep(account=account)
    if lost := authenticator.finish():
        raise SignInError(lost)
    click.echo(f"Token file  {file.path}")
    click.echo(f"Account     {described(account or after.account)}")
    click.echo("Works       yes, it was used just now")
    click.echo(f"Kind        {kind_of(after)}")
    if before.refreshed_at:
        used = datetime.fromtimestamp(before.refreshed_at, timezone.utc)
        left = IDLE_DAYS - before.idle_days
        click.echo(f"Last used   {used:%Y-%m-%d %H:%M} UTC, {before.idle_days:.0f} days ago")
        click.echo(f"Idle days   {left:.0f} of {IDLE_DAYS} were left; now {IDLE_DAYS} again")
    if needs:
        with _session(after.access_token or "", settings) as session:
            api_url = settings["api_url"].rstrip("/")
            privileges = ask_privileges(session, api_url, timeout_of(settings))
        click.echo(f"\n{table(needs, Rights(authenticator.scopes, privileges))}")


def kind_of(tokens: Tokens) -> str:
    """Describe the kind of a refresh token that was used before."""
    if tokens.rotates:
        return "rotating: each use replaces it, so the file must be kept"
    return "long lived: it stays the same, so copies of it work elsewhere too"


def described(account: Account | None) -> str:
    """Describe an account, or why it is not known."""
    if account is None:
        return "not known: the API did not respond, try again later"
    if not account.is_known:
        return (
            "not known: the token lacks the scope account_read, or its user lacks the privilege "
            "account:read"
        )
    return str(account)


def log_out(file: TokenFile) -> None:
    """Remove the stored tokens.

    Raises:
        SignInError: They cannot be removed.
    """
    try:
        existed = file.remove()
    except OSError as error:
        raise SignInError(f"{file.path} cannot be removed ({reason(error)}).") from error
    if not existed:
        click.echo(f"There is no token file at {file.path}.")
        return
    click.echo(f"Removed {file.path}.")
    click.echo(f"The refresh token itself expires after {IDLE_DAYS} days without use.")
