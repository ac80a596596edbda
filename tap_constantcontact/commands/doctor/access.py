"""The token, the limits of the key, and what the token may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
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
    PRIVILEGES_PATH,
    RIGHTS_REMEDY,
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
from tap_constantcontact.commands.doctor.findings import DoctorReport, Verdict
from tap_constantcontact.exceptions import (
    FatalAPIError,
    LimitReachedError,
    RetriableAPIError,
    ThrottledError,
    TokenRenewedError,
)
from tap_constantcontact.limits import permits
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.limits.stores.file import FileStore
from tap_constantcontact.limits.stores.store import StoreError
from tap_constantcontact.transport.session import Connection
from tap_constantcontact.transport.status import Endpoint, judge

UNKNOWN_ACCOUNT = Client("", "")

HOW_TO_SIGN_IN = "Sign in with tap-constantcontact-login."

LOWER = "Another program uses the key: set a lower requests_per_second in the tap or there."

REFUSED = {requests.codes.unauthorized: "token", requests.codes.forbidden: "rights"}
"""What is wrong, by the status of a response; for any other, it is the address."""

PRIVILEGES = Endpoint("the privileges of the user", "account_read", "account:read")

FEW = 100
"""Number of requests left today below which to warn."""


def token(report: DoctorReport, config: Mapping[str, Any]) -> None:
    """Examine the token that a run would use, without using it.

    Raises:
        ConfigValidationError: There is none, or the token file cannot be used.
    """
    if config["sandbox"]:
        report.ok("token", "The built-in sandbox needs no sign-in.")
        return
    bearer = authenticator(config)
    if not isinstance(bearer, RefreshTokenAuthenticator):
        report.warning(
            "token",
            "The access_token of the settings ends a day after it was issued.",
            "For runs of many days, leave it out and sign in with tap-constantcontact-login.",
        )
        return
    file, tokens = bearer.file, bearer.tokens
    if bearer.why_not_kept and tokens.rotates is not False:
        report.error(
            "token",
            f"{file.path} cannot be written ({bearer.why_not_kept}), and a rotating token would be "
            "lost.",
            "Set token_file to a file in a folder that the tap may write to.",
        )
    elif tokens.refreshed_at:
        _used_token(report, file, tokens)
    else:
        report.ok("token", "The refresh_token of the settings was not used before.")


def _used_token(report: DoctorReport, file: TokenFile, tokens: Tokens) -> None:
    mode = f" (mode {stat.S_IMODE(file.path.stat().st_mode):04o})" if os.name == "posix" else ""
    text = (
        f"The token in {file.path}{mode} is {tokens.kind}. It was last used "
        f"{tokens.idle_days:.0f} days ago, and {IDLE_DAYS - tokens.idle_days:.0f} of {IDLE_DAYS} "
        "idle days are left."
    )
    if folder := open_folder(file.path):
        report.warning("token", text, _closing(folder))
    elif file.vanishes and tokens.rotates:
        advice = "It is lost with this container: keep it on a volume, or use a long lived token."
        report.warning("token", text, advice)
    elif tokens.idle_days > IDLE_WARNING:
        report.warning("token", text, f"Run more often, or {HOW_TO_SIGN_IN.lower()}")
    else:
        report.ok("token", text)


def limits_store(report: DoctorReport, config: Mapping[str, Any]) -> None:
    """Examine the store in which the runs of the key count their requests.

    Raises:
        ConfigValidationError: The setting is not valid.
    """
    store = store_for(config, SYSTEM)
    limits = KeyLimits(
        config["requests_per_second"], config["daily_request_limit"], config.get("daily_share")
    )
    try:
        left = store.change(lambda ledger, now: ledger.left_today(UNKNOWN_ACCOUNT, limits, now))
    except StoreError as failure:
        report.add(
            Verdict.ERROR if config["limits_store_required"] else Verdict.WARNING,
            "limits store",
            f"Requests cannot be counted in {store} ({failure}).",
            f"{permits.STORE_REMEDY[0].upper()}{permits.STORE_REMEDY[1:]}.",
        )
        return
    text = f"Requests are counted in {store}, and {left:,} are left today."
    if isinstance(store, FileStore) and (folder := open_folder(store.path)):
        report.warning("limits store", text, _closing(folder))
    else:
        report.ok("limits store", text)


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


def use(
    report: DoctorReport,
    connection: Connection,
    needs: Sequence[Need],
    *,
    forbidden: Verdict,
    can_renew: bool,
) -> list[Permission]:
    """Use the token: request the user's privileges, and the account.

    Returns whether the token may read the selected streams; nothing if it could not be used.
    `forbidden` is the verdict if some of them are forbidden. The connection's limits must not wait.
    """
    bearer = connection.authenticator
    found: list[Permission] = []
    response = None
    if can_renew or bearer.is_token_valid():
        response = _first_response(report, connection)
    else:
        text = "The access token has expired, and auth_url does not respond."
        report.error("token", text, "First make auth_url reachable.")
    if response is None:
        for subject in ("account", "rights"):
            report.skipped(subject, "the API did not accept a request")
    else:
        machine.reached(report, "api_url", connection.api_url)
        machine.clock(report, response)
        _account(report, connection)
        found = permissions(needs, bearer.scopes, privileges_in(response))
        _rights(report, found, forbidden)
    _quota(report, connection)
    if lost := bearer.finish():
        report.error("token", lost)
    return found


def _first_response(report: DoctorReport, connection: Connection) -> requests.Response | None:
    """Renew the token if that is due, and request the user's privileges."""
    bearer, url = connection.authenticator, f"{connection.api_url}{PRIVILEGES_PATH}"
    status = 0

    def ask() -> requests.Response:
        nonlocal status
        response = connection.session.get(url, timeout=machine.SERVER_PATIENCE)
        status = response.status_code
        judge(response, PRIVILEGES, connection)
        return response

    try:
        if not bearer.is_token_valid():
            status = requests.codes.unauthorized
            bearer.renew(None)
        try:
            return ask()
        except TokenRenewedError:
            return ask()
    except LimitReachedError:
        report.skipped("network", "the quota of requests is used up")
    except requests.RequestException as failure:
        machine.unreachable(report, "api_url", url, failure)
    except TokenRenewedError:
        report.error("token", "The API refuses even a new token.", HOW_TO_SIGN_IN)
    except ThrottledError:
        report.warning("network", "The API throttled a request.", LOWER)
    except RetriableAPIError as failure:
        text = f"api_url: {machine.host(url)} responds with {failure}."
        report.error("network", text, "Try again later.")
    except FatalAPIError as failure:
        report.error(REFUSED.get(status, "network"), str(failure))
    return None


def _account(report: DoctorReport, connection: Connection) -> None:
    with report.errors_in("account"):
        try:
            found = account.ask(connection.session, connection.api_url, machine.SERVER_PATIENCE)
        except LimitReachedError:
            report.skipped("account", "the quota of requests is used up")
            return
        bearer = connection.authenticator
        if isinstance(bearer, RefreshTokenAuthenticator) and found:
            bearer.keep(account=found)
        is_known = found is not None and found.is_known
        verdict = Verdict.OK if is_known else Verdict.WARNING
        report.add(verdict, "account", f"The account is {account.account_in_words(found)}.")


def _rights(report: DoctorReport, streams: Sequence[Permission], verdict: Verdict) -> None:
    """Sum up the table of what the token may read."""
    if forbidden := forbidden_streams(streams):
        report.add(verdict, "rights", forbids(forbidden), RIGHTS_REMEDY)
    unknown = [one.stream for one in streams if one.allowed.startswith("not known:")]
    if unknown:
        report.warning("rights", f"It is not known whether {', '.join(unknown)} may be read.")
    if allowed := len(streams) - len(forbidden) - len(unknown):
        of_all = f"{allowed} of {len(streams)} selected streams"
        report.ok("rights", f"The token may read {of_all}.")


def _quota(report: DoctorReport, connection: Connection) -> None:
    left, limits = connection.left_today, connection.permits.limits
    text = f"{left:,} of {limits.a_day:,} requests are left today, until 00:00 UTC."
    if left < 1:
        report.error("quota", text, "Run again then with the last state.")
    elif left < FEW:
        report.warning("quota", text, "A run may end early, and resume then.")
    else:
        report.ok("quota", text)
