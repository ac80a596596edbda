"""The settings of the sign-in command: the application's key, its secret, its token file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tap_constantcontact.auth.sign_in.flows import SignInError
from tap_constantcontact.config import validation
from tap_constantcontact.config.environment import PREFIX, gathered
from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.config.settings import SETTINGS
from tap_constantcontact.exceptions import refused

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
"""The tap's settings that the sign-in command uses."""


def read(config: Path | None) -> dict[str, Any]:
    """Read a configuration file, or return no settings if no file is given.

    Raises:
        ConfigValidationError: The file is not a JSON object.
    """
    return {} if config is None else json_object(config, "configuration")


def settings_of(written: Mapping[str, Any], client_id: str | None) -> dict[str, Any]:
    """Combine the command line, the environment and the configuration; the first of them wins.

    What is passed over, and a file of variables that is used, is told on stderr.

    Raises:
        ConfigValidationError: A setting is not known, or cannot be used.
        SignInError: None of them gives the client_id.
    """
    given = gathered(written, with_environment=True)
    for sentence in (*given.warnings, *given.notes):
        click.echo(f"{sentence}.", err=True)
    settings = {name: SETTINGS["properties"][name].get("default") for name in OF_INTEREST}
    settings |= {name: given.settings[name] for name in OF_INTEREST if name in given.settings}
    settings["client_id"] = client_id or settings["client_id"]
    known = {name: value for name, value in settings.items() if value is not None}
    faults = [*given.faults, *validation.type_faults(known)]
    if faults := faults or [*validation.text_faults(known)]:
        raise refused(*faults)
    if not settings["client_id"]:
        raise SignInError(
            "The application's API key is missing: give it with --client-id, with "
            f"{PREFIX}CLIENT_ID or as client_id in a --config file."
        )
    return settings


def timeout_of(settings: Mapping[str, Any]) -> float:
    """Return the seconds without receiving a byte before a request fails."""
    return float(settings["request_timeout"])
