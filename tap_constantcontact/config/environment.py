"""Settings as they are given: by name, in the environment, and as text that a runner passes on."""

from __future__ import annotations

import io
import math
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dotenv import dotenv_values

from tap_constantcontact.config.json_files import LARGEST, from_json, opened
from tap_constantcontact.exceptions import nearest, reason

ENVIRONMENT = "TAP_CONSTANTCONTACT_"
"""Prefix of the environment variable of each setting."""

DOTENV = Path(".env")
"""The file of variables, in the working directory."""

NOT_SETTINGS = ("LOGLEVEL",)
"""Variables with the prefix that the SDK reads, which are not settings."""

MELTANO = "MELTANO_EXTRACTOR_NAME"
"""A variable that Meltano sets for each command of an extractor. (Source: Meltano 4.4.)"""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


# Names


class Given(NamedTuple):
    """The settings that a command was given.

    Attributes:
        settings: The known settings, each text converted to the type in the schema.
        faults: A sentence for each setting that is not known.
        warnings: A sentence for each thing that is passed over.
        notes: A sentence for each source other than the configuration files.
    """

    settings: dict[str, Any]
    faults: list[str]
    warnings: list[str]
    notes: list[str]


def gathered(
    config: Mapping[str, Any], schema: Mapping[str, Any], *, with_environment: bool
) -> Given:
    """Gather the settings in configuration files and, if that is wanted, in the environment.

    A setting that is not known is a fault. Meltano may pass one that another version of the tap
    knew, and programs may set variables that only begin like the tap's: then it is a warning.

    Args:
        config: The settings in files. They give way to those in the environment.
        schema: The JSON schema of the configuration.
        with_environment: Whether to read the environment and the file `.env`.
    """
    known = schema["properties"]
    faults = [
        f"{name[:100]!r} is not a setting that the tap knows{nearest(name, known)}"
        for name in config
        if name not in known
    ]
    warnings = []
    if MELTANO in os.environ:
        faults, warnings = [], [f"{fault}, and is ignored" for fault in faults]
    settings = {name: value for name, value in config.items() if name in known}
    notes = []
    if with_environment:
        found = from_environment(known)
        settings |= found.settings
        warnings += found.warnings
        if found.file:
            notes.append(f"Reading settings from the file {str(found.file)!r}")
        if found.settings:
            notes.append(f"Read from the environment: {', '.join(found.settings)}")
    return Given(typed(settings, schema), faults, warnings, notes)


# The environment


class Environment(NamedTuple):
    """The settings in the environment.

    Attributes:
        settings: The texts of the settings, by name.
        file: The file `.env` that some may come from; None if none is used.
        warnings: A sentence for each thing that is passed over.
    """

    settings: dict[str, str]
    file: Path | None
    warnings: list[str]


def from_environment(known: Mapping[str, Any]) -> Environment:
    """Return the settings in environment variables and in the file `.env`.

    That file is read in the working directory alone, and only if no other user can write it, as it
    may say where tokens are sent. The environment wins over it, and is not changed.

    Args:
        known: The JSON schema of each setting, by its name.
    """
    variables: dict[str, str] = {}
    file, warnings = None, []
    try:
        if DOTENV.is_file():
            variables = _variables(DOTENV)
            file = DOTENV.absolute() if variables else None
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        warnings.append(f"The file {str(DOTENV.absolute())!r} is not used: {why}")
    variables |= _of_the_tap(os.environ)
    names = {name.upper(): name for name in known}
    settings = {names[name]: text for name, text in variables.items() if name in names}
    # Meltano sets a variable for each part of an object, and for each of its extras, as __SELECT.
    parts = (f"{name.upper()}_" for name, setting in known.items() if "object" in setting["type"])
    others = (*NOT_SETTINGS, "_", *parts)
    warnings += (
        f"{(ENVIRONMENT + name)[:100]!r} is not the variable of a setting"
        f"{nearest(name, names, ENVIRONMENT)}, and is ignored"
        for name in sorted(variables.keys() - names)
        if not name.startswith(others)
    )
    return Environment(settings, file, warnings)


def _of_the_tap(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return those variables that begin with the tap's prefix, without it."""
    return {
        name.removeprefix(ENVIRONMENT): text
        for name, text in variables.items()
        if name.startswith(ENVIRONMENT) and text is not None
    }


def _variables(path: Path) -> dict[str, str]:
    """Return the tap's variables in a file, without their prefix.

    Raises:
        OSError: It cannot be read, or another user can write it.
        UnicodeDecodeError: It is not UTF-8.
    """
    with opened(path) as file:
        if os.name == "posix":
            trusted = (os.geteuid(), 0)
            status = os.fstat(file.fileno())
            if not {status.st_uid, path.lstat().st_uid} <= {*trusted}:
                raise PermissionError(0, "it, or the link to it, belongs to another user")
            if status.st_mode & 0o022:
                mode = stat.S_IMODE(status.st_mode)
                raise PermissionError(
                    0, f"other users can write it (mode {mode:04o}): run chmod go-w on it"
                )
        text = file.read(LARGEST).decode("utf-8-sig")
    return _of_the_tap(dotenv_values(stream=io.StringIO(text)))


# Values


def typed(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, with each text converted to the type in the schema.

    The environment contains only text, and runners such as Meltano pass it on. A text that cannot
    be converted stays as it is, and the schema refuses it later.

    Args:
        config: The settings as given; a null or empty setting counts as not given.
        schema: The JSON schema of the configuration.

    Example:
        >>> schema = {"properties": {"ids": {"type": "array"}, "sandbox": {"type": "boolean"}}}
        >>> typed({"ids": "a, b", "sandbox": "yes"}, schema)
        {'ids': ['a', 'b'], 'sandbox': True}
    """
    types = {
        name: setting.get("type", "string")
        for name, setting in schema.get("properties", {}).items()
    }
    values = {name: _read(value, types.get(name, "string")) for name, value in config.items()}
    return {name: value for name, value in values.items() if value is not None}


def _read(value: Any, kinds: Collection[str]) -> Any:
    if isinstance(value, str):
        text = value.strip()
        return _from_text(text, kinds) if text else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if type(value) is int and "string" in kinds else value


def _from_text(text: str, kinds: Collection[str]) -> Any:
    """Convert a text to one of these JSON types, or return it unchanged if that is impossible."""
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text.lower(), text)
    if "array" in kinds and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        return from_json(text) if {"array", "object"} & {*kinds} else _number(text)
    except ValueError:
        return text


def _number(text: str) -> float:
    """Convert a text to a number, an integer if it is whole.

    Raises:
        ValueError: The text is not a number.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def writes_batches(config: Mapping[str, Any]) -> bool:
    """Return whether records are to be written in batch files, that is, whether an encoding is set.

    A runner may send a `batch_config` of defaults without an encoding, which means no batches.
    (Source: singer-sdk 0.55, which does the same; 0.54 fails.) A misspelt encoding is no default.
    """
    batch_config = config.get("batch_config")
    defaults = ("storage", "batch_size")
    return not isinstance(batch_config, dict) or any(
        value for name, value in batch_config.items() if name not in defaults
    )
