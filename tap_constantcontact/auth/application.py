"""The application, as the sign-in command is told of it: its key, its secret, its token file."""

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
"""The tap's settings that a sign-in has to do with."""


def read(config: Path | None) -> dict[str, Any]:
    """Return what a configuration file holds, nothing where none is named.

    Raises:
        SignInError: It is not a JSON object.
    """
    if config is None:
        return {}
    try:
        written = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SignInError(f"{config} cannot be read as JSON ({error}).") from error
    if not isinstance(written, dict):
        raise SignInError(f"{config} holds no JSON object.")
    return written


def settings_of(written: Mapping[str, Any], client_id: str | None) -> dict[str, Any]:
    """Put together what the command line, the environment and the configuration say.

    Raises:
        SignInError: None of them names the application.
    """
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


def timeout_of(settings: Mapping[str, Any]) -> float:
    """Return the seconds without a byte after which a request fails.

    Raises:
        SignInError: The setting is not a number.
    """
    try:
        return float(settings["request_timeout"])
    except ValueError as error:
        raise SignInError(
            f"request_timeout {settings['request_timeout']!r} is not a number of seconds."
        ) from error
