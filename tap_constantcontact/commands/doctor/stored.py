"""What is stored between runs: the token, and the requests of the key."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap_constantcontact.auth.authenticator import IDLE_WARNING
from tap_constantcontact.auth.sign_in.keeping import kind_of
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.tokens import IDLE_DAYS, Tokens, fingerprint
from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.commands.doctor.findings import SIGN_IN, Finding, Verdict, well
from tap_constantcontact.limits.ledger import Asker
from tap_constantcontact.limits.permits import REMEDY
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.limits.stores.file import FileStore
from tap_constantcontact.limits.stores.store import StoreError
from tap_constantcontact.limits.terms import Terms

NOBODY = Asker("", "")
"""Who asks what is left today, before the account is known."""


def token(config: Mapping[str, Any]) -> Finding:
    """Examine the token that the settings lead to, without using it.

    Raises:
        ConfigValidationError: The token file cannot be used.
    """
    if config["sandbox"]:
        return well("token", "The built-in sandbox needs none.")
    if config.get("access_token"):
        return Finding(
            "token",
            Verdict.WARNING,
            "The access_token of the settings ends a day after it was issued.",
            "For runs of many days, leave it out and sign in with tap-constantcontact-login.",
        )
    file = TokenFile.of(config)
    tokens = file.read()
    reason = file.why_not_kept()
    if reason and (tokens is None or tokens.rotates is not False):
        return Finding(
            "token",
            Verdict.ERROR,
            f"{file.path} cannot be written ({reason}), and a rotating token would be lost.",
            "Set token_file to a file in a folder that the tap may write to.",
        )
    if (seed := config.get("refresh_token")) and (
        tokens is None or tokens.seed != fingerprint(seed)
    ):
        return well("token", "The refresh_token of the settings was not used before.")
    if tokens is None or tokens.client_id != config["client_id"]:
        whose = "no token" if tokens is None else "the token of another application"
        return Finding("token", Verdict.ERROR, f"There is {whose} in {file.path}.", SIGN_IN)
    return _known(file, tokens)


def _known(file: TokenFile, tokens: Tokens) -> Finding:
    mode = f" (mode {stat.S_IMODE(file.path.stat().st_mode):04o})" if os.name == "posix" else ""
    kind = "not used before" if tokens.rotates is None else kind_of(tokens)
    left = IDLE_DAYS - tokens.idle_days
    text = (
        f"The token in {file.path}{mode} is {kind}. It was last used {tokens.idle_days:.0f} days "
        f"ago, and {left:.0f} of {IDLE_DAYS} idle days are left."
    )
    if folder := open_folder(file.path):
        return Finding("token", Verdict.WARNING, text, _closing(folder))
    if file.vanishes and tokens.rotates:
        advice = "It is lost with this container: keep it on a volume, or use a long lived token."
        return Finding("token", Verdict.WARNING, text, advice)
    if tokens.idle_days > IDLE_WARNING:
        return Finding("token", Verdict.WARNING, text, f"Run more often, or {SIGN_IN.lower()}")
    return well("token", text)


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
        left = store.change(lambda ledger, now: ledger.left_today(NOBODY, terms, now))
    except StoreError as error:
        return Finding(
            "limits store",
            Verdict.ERROR if config["limits_store_required"] else Verdict.WARNING,
            f"Requests cannot be counted in {store} ({error}).",
            f"{REMEDY[0].upper()}{REMEDY[1:]}.",
        )
    text = f"Requests are counted in {store}, and {left:,} are left today."
    if isinstance(store, FileStore) and (folder := open_folder(store.path)):
        return Finding("limits store", Verdict.WARNING, text, _closing(folder))
    return well("limits store", text)


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
