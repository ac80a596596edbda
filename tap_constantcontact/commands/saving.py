"""The settings that a configuration lacks after a sign-in, and the file that they are saved in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.config.settings import SETTINGS
from tap_constantcontact.exceptions import SignInError, reason
from tap_constantcontact.output.system import write_whole

NEEDED = ("client_id", "client_secret", "token_file", "api_url", "auth_url")
"""Names of the settings that the tap needs in order to find and use the stored tokens."""


def lacking(
    settings: Mapping[str, Any], written: Mapping[str, Any], file: TokenFile
) -> dict[str, Any]:
    """Return the settings of a sign-in that a configuration lacks, or has otherwise."""
    defaults = {name: SETTINGS["properties"][name].get("default") for name in NEEDED}
    found = {
        name: settings[name]
        for name in NEEDED
        if settings[name] and settings[name] != written.get(name, defaults[name])
    }
    if TokenFile.of({**written, **found}).path != file.path:
        found["token_file"] = str(file.path)
    return found


def saved_in(path: Path) -> dict[str, Any]:
    """Return the settings in a file, which are none if there is no such file yet.

    Raises:
        ConfigValidationError: It cannot be read, or is not one JSON object.
        SignInError: No file can be written there.
    """
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise SignInError(
            f"{path} cannot be written: name a file in a folder that you can write to."
        )
    return json_object(path, "configuration") if path.exists() else {}


def save(settings: Mapping[str, Any], path: Path) -> None:
    """Write settings into a file, which only its owner can read from then on.

    Its other settings stay. If the path is a link, the file that it leads to is replaced.

    Raises:
        ConfigValidationError: It cannot be read, or is not one JSON object.
        SignInError: It cannot be written; it is as it was.
    """
    text = json.dumps({**saved_in(path), **settings}, indent=2, ensure_ascii=False)
    place = path.resolve()
    draft = place.with_name(f".{place.name}.new")
    try:
        write_whole(f"{text}\n".encode(), draft, place, 0o600)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SignInError(
            f"The tokens are stored, but {path} cannot be written ({reason(error)}). Correct that, "
            "and run the command again."
        ) from error
