"""The command `tap-constantcontact-login`: sign in once, and store the tokens for the tap."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from tap_constantcontact.auth.answers import GrantedTokens, is_visible
from tap_constantcontact.auth.sign_in.flows import SignIn
from tap_constantcontact.auth.sign_in.storage import check_can_store, store, tokens_of
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.tokens import IDLE_DAYS
from tap_constantcontact.commands import saving
from tap_constantcontact.commands.doctor.command import examine
from tap_constantcontact.commands.modes import CommandOfModes
from tap_constantcontact.config import json_files, validation
from tap_constantcontact.config.environment import PREFIX, gathered
from tap_constantcontact.config.settings import SETTINGS
from tap_constantcontact.exceptions import SignInError, reason, refused
from tap_constantcontact.output.singer import PlainCommand

USED = (
    "client_id",
    "client_secret",
    "refresh_token",
    "access_token",
    "token_file",
    "api_url",
    "auth_url",
    "request_timeout",
    "user_agent",
    "sandbox",
)
"""Names of the tap's settings that a sign-in uses."""

WHOSE = {"--client-id", "--config"}

OF_A_SIGN_IN = {*WHOSE, "--scopes", "--replace", "--save", "--show"}


class LoginCommand(CommandOfModes, PlainCommand):
    """The command, of whose options some say what it is to do instead of a usual sign-in."""

    modes: ClassVar = {
        "--check": WHOSE,
        "--logout": WHOSE,
        "--browser": {*OF_A_SIGN_IN, "--port", "--timeout"},
        "--device": OF_A_SIGN_IN,
        "--save": {*OF_A_SIGN_IN, "--browser", "--device", "--port", "--timeout"} - {"--show"},
    }


@click.command("tap-constantcontact-login", cls=LoginCommand)
@click.option(
    "--client-id", help="The application's API key.  [env: TAP_CONSTANTCONTACT_CLIENT_ID]"
)
@click.option(
    "--config",
    "sources",
    multiple=True,
    help="The tap's configuration file; may be given more than once. The environment is read as "
    "well, with or without ENV.",
)
@click.option(
    "--browser", "way", flag_value="browser", help="Sign in with a browser on this machine."
)
@click.option(
    "--device", "way", flag_value="device", help="Sign in with a code, in a browser on any machine."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8912,
    show_default=True,
    help="Port of the redirect address for --browser: http://localhost:PORT/callback.",
)
@click.option(
    "--scopes",
    default="contact_data campaign_data account_read offline_access",
    show_default=True,
    help="OAuth scopes to request.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 86_400),
    default=300,
    show_default=True,
    help="Seconds to wait for the sign-in with --browser.",
)
@click.option(
    "--replace", "replace_other", is_flag=True, help="Replace another account's stored tokens."
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help="Write the settings that the tap needs into this configuration file.",
)
@click.option("--show", is_flag=True, help="Print the client secret and the refresh token.")
@click.option(
    "--check",
    "task",
    flag_value="check",
    help="Examine the token and what it may read, as tap-constantcontact-doctor does.",
)
@click.option("--logout", "task", flag_value="logout", help="Remove the stored token.")
@click.version_option(package_name="tap-constantcontact")
@click.pass_context
def main(  # noqa: PLR0913 - the options of a command
    context: click.Context,
    *,
    client_id: str | None,
    sources: tuple[str, ...],
    way: str | None,
    port: int,
    scopes: str,
    timeout: int,
    replace_other: bool,
    save: Path | None,
    show: bool,
    task: str | None,
) -> None:
    """Sign in to Constant Contact, and store the tokens where tap-constantcontact finds them.

    If the application has a secret, give it in the configuration file, in the environment variable
    TAP_CONSTANTCONTACT_CLIENT_SECRET or at the prompt.
    """
    if task == "check":
        context.exit(examine([*sources, json_files.ENVIRONMENT], client_id=client_id))
    stored: list[GrantedTokens] = []
    try:
        written = json_files.configuration(sources)
        settings = settings_of(written, client_id)
        if settings["sandbox"]:
            click.echo("The built-in sandbox needs no sign-in: run tap-constantcontact.")
            return
        if save:
            written = saving.saved_in(save)
        file = TokenFile.of(settings)
        if task == "logout":
            _log_out(file)
            return
        _ask_for_secret(settings, way)
        check_can_store(settings["client_id"], file)
        scopes = _scopes(scopes)
        sign_in = SignIn(settings, scopes)

        def keep(granted: GrantedTokens) -> None:
            store(tokens_of(granted, settings, scopes), file, replace_other=replace_other)
            stored.append(granted)

        if (way or _usual_way()) == "browser":
            sign_in.by_browser(port, timeout, keep)
        else:
            sign_in.by_device(keep)
        _name_lacking(stored[0], scopes)
        refresh_token = _tell(settings, file)
        lacking = saving.lacking(settings, written, file)
        if save:
            saving.save(lacking, save)
            click.echo(f"Saved its settings: run tap-constantcontact --config {save}", err=True)
        else:
            _print(lacking, refresh_token if show else None)
    except (KeyboardInterrupt, click.Abort):
        outcome = "The tokens are stored." if stored else "Nothing was stored."
        raise SignInError("Given up." if task else f"Given up. {outcome}") from None


def settings_of(written: Mapping[str, Any], client_id: str | None) -> dict[str, Any]:
    """Combine the command line, the environment and the configuration; the first of them wins.

    What is ignored, and a file of variables that is used, is named on stderr.

    Raises:
        ConfigValidationError: A setting is not known, or cannot be used.
        SignInError: None of them gives the client_id.
    """
    given = gathered(written, with_environment=True)
    for sentence in (*given.warnings, *given.notes):
        click.echo(f"{sentence}.", err=True)
    defaults = SETTINGS["properties"]
    settings = {name: given.settings.get(name, defaults[name].get("default")) for name in USED}
    settings["client_id"] = client_id or settings["client_id"]
    known = {name: value for name, value in settings.items() if value is not None}
    faults = [*given.faults, *validation.type_faults(known)]
    if faults := faults or [*validation.text_faults(known)]:
        raise refused(*faults)
    if not settings["client_id"] and not settings["sandbox"]:
        raise SignInError(
            "The application's API key is missing: give it with --client-id, with "
            f"{PREFIX}CLIENT_ID or as client_id in a --config file."
        )
    return settings


def _log_out(file: TokenFile) -> None:
    try:
        existed = file.remove()
    except OSError as error:
        raise SignInError(f"{file.path} cannot be removed ({reason(error)}).") from error
    if not existed:
        click.echo(f"There is no token file at {file.path}.")
        return
    click.echo(f"Removed {file.path}.")
    click.echo(f"The refresh token itself expires after {IDLE_DAYS} days without use.")


def _scopes(written: str) -> str:
    """Return scopes with spaces between them, however they were separated.

    Raises:
        SignInError: They have characters that no scope has.
    """
    names = written.replace(",", " ").split()
    if not all(map(is_visible, names)):
        raise SignInError("--scopes has characters that no scope has: check it.")
    return " ".join(names)


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
    """Return `browser` if one can be opened, or else `device`, as in a session without a screen."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    )
    try:
        webbrowser.get()
    except (webbrowser.Error, ValueError):  # ValueError: of a BROWSER in odd quotes
        return "device"
    return "browser" if has_screen else "device"


def _name_lacking(granted: GrantedTokens, scopes: str) -> None:
    named = (granted.scope or scopes).split()
    if lacking := sorted({*scopes.split()} - {*named, "offline_access"}):
        click.echo(f"Not granted: {', '.join(lacking)}.", err=True)


def _tell(settings: Mapping[str, Any], file: TokenFile) -> str:
    """Tell of the sign-in, and return the refresh token."""
    tokens = file.read()
    account = tokens.account if tokens else None
    where = f" to {account}" if account and account.is_known else ""
    click.echo(f"Signed in{where}. The tap finds the tokens by itself, in {file.path}", err=True)
    if settings["access_token"]:
        click.echo(
            "Remove access_token from the configuration: it would be used instead.", err=True
        )
    return tokens.refresh_token if tokens else ""


def _print(lacking: Mapping[str, Any], refresh_token: str | None) -> None:
    """Print settings; the secret, and a refresh token, if that token is given."""
    shown = dict(lacking)
    if refresh_token:
        shown["refresh_token"] = refresh_token
    elif "client_secret" in shown:
        shown |= {"client_secret": "(the secret; --show prints it)"}
    if shown:
        click.echo("The tap's configuration still needs:", err=True)
        click.echo(json.dumps(shown, indent=2))
    if refresh_token:
        click.echo(
            "The refresh_token is only needed where the token file is not available. If it "
            "rotates, use it in one place only.",
            err=True,
        )


if __name__ == "__main__":
    main(prog_name="tap-constantcontact-login")
