"""The settings of the sign-in command: the application's key, its secret, its token file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap_constantcontact.auth.flows import SignInError
from tap_constantcontact.environment import ENVIRONMENT
from tap_constantcontact.settings import SETTINGS

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
        SignInError: The file is not a JSON object.
    """
    if config is None:
        return {}
    try:
        written = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SignInError(f"{config} cannot be read as JSON ({error}).") from error
    if not isinstance(written, dict):
        raise SignInError(f"{config} does not contain a JSON object.")
    return written


def settings_of(written: Mapping[str, Any], client_id: str | None) -> dict[str, Any]:
    """Combine the command line, the environment and the configuration; the first of them wins.

    Raises:
        SignInError: None of them gives the client_id.
    """
    settings = {name: SETTINGS["properties"][name].get("default") for name in OF_INTEREST}
    settings |= {name: written[name] for name in OF_INTEREST if written.get(name) is not None}
    for name in OF_INTEREST:
        if (value := os.environ.get(f"{ENVIRONMENT}{name.upper()}")) is not None:
            settings[name] = value
    settings["client_id"] = client_id or settings["client_id"]
    if not settings["client_id"]:
        raise SignInError(
            "The application's API key is missing: give it with --client-id, with "
            f"{ENVIRONMENT}CLIENT_ID or as client_id in a --config file."
        )
    return settings


def timeout_of(settings: Mapping[str, Any]) -> float:
    """Return the seconds without receiving a byte before a request fails.

    Raises:
        SignInError: The setting is not a number.
    """
    try:
        return float(settings["request_timeout"])
    except ValueError as error:
        raise SignInError(
            f"request_timeout {settings['request_timeout']!r} is not a number of seconds."
        ) from error
