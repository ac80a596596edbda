"""Storage and removal of the tokens from a sign-in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from singer_sdk.authenticators import BearerTokenAuthenticator

from tap_constantcontact.auth.account import Account, ask
from tap_constantcontact.auth.answers import GrantedTokens
from tap_constantcontact.auth.session import BoundedSession
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.tokens import Tokens, fingerprint
from tap_constantcontact.config.environment import PREFIX
from tap_constantcontact.exceptions import ConfigValidationError, SignInError, reason


def check_can_store(client_id: str, file: TokenFile) -> None:
    """Refuse, before the user signs in, a file in which tokens cannot be stored."""
    if why := file.why_not_kept():
        raise SignInError(
            f"{file.path} cannot be written ({why}): set token_file, in a --config file or with "
            f"{PREFIX}TOKEN_FILE, to a file in a folder that you can write to."
        )
    stored = _replaced(file)
    if stored and stored.client_id != client_id:
        raise SignInError(
            f"{file.path} contains the tokens of another application ({stored.client_id}): set "
            "another token_file, or remove this one with --logout."
        )


def tokens_of(granted: GrantedTokens, settings: Mapping[str, Any], scopes: str) -> Tokens:
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
        account=_account(granted.access_token, settings),
        scope=granted.scope,
    )


def _account(access_token: str, settings: Mapping[str, Any]) -> Account | None:
    with BoundedSession(settings["api_url"], settings["user_agent"]) as session:
        session.auth = BearerTokenAuthenticator(token=access_token)
        return ask(session, settings["api_url"].rstrip("/"), float(settings["request_timeout"]))


def store(tokens: Tokens, file: TokenFile, *, replace_other: bool) -> None:
    """Write tokens to their file; with `replace_other`, over those of another account.

    Raises:
        SignInError: The file has the tokens of another account, or cannot be written.
    """
    try:
        with file.lock:
            if (stored := _replaced(file)) is not None:
                tokens = replace(tokens, last_read=stored.last_read)
                if not replace_other:
                    _refuse_other_account(tokens, stored, file)
            file.write(tokens)
    except OSError as error:
        raise SignInError(f"{file.path} cannot be written ({reason(error)}).") from error


def _replaced(file: TokenFile) -> Tokens | None:
    """Return the tokens that will be replaced, or None if the file has none or is damaged."""
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
