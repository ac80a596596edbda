"""Settings as they are given: in files, in the environment, and as text that a runner passes on."""

from __future__ import annotations

import io
import math
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dotenv import dotenv_values

from tap_constantcontact.config.json_files import LARGEST_FILE, from_json, opened
from tap_constantcontact.config.settings import SETTINGS
from tap_constantcontact.exceptions import nearest, reason

PREFIX = "TAP_CONSTANTCONTACT_"
"""With what the environment variable of each setting begins."""

DOTENV = Path(".env")

MELTANO = "MELTANO_EXTRACTOR_NAME"
"""A variable that Meltano sets for each command of an extractor. (Source: Meltano 4.4.)"""

_KNOWN = SETTINGS["properties"]
"""The JSON schema of each setting."""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


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


def gathered(config: Mapping[str, Any], *, with_environment: bool) -> Given:
    """Gather the settings in configuration files and, if that is wanted, in the environment.

    The environment, with the file `.env`, wins over files. A setting that is not known is a fault.
    Meltano may pass one that another version of the tap knew, and programs may set variables that
    only begin like the tap's: then it is a warning.
    """
    faults = [
        f"{name[:100]!r} is not a setting that the tap knows{nearest(name, _KNOWN)}"
        for name in config
        if name not in _KNOWN
    ]
    warnings: list[str] = []
    if MELTANO in os.environ:
        faults, warnings = [], [f"{fault}, and is ignored" for fault in faults]
    settings = {name: value for name, value in config.items() if name in _KNOWN}
    notes: list[str] = []
    if with_environment:
        variables, passed_over, notes = _variables()
        names = {name.upper(): name for name in _KNOWN}
        found = {names[name]: text for name, text in variables.items() if name in names}
        settings |= found
        warnings += passed_over
        warnings += (
            f"{(PREFIX + name)[:100]!r} is not the variable of a setting"
            f"{nearest(name, names, PREFIX)}, and is ignored"
            for name in sorted(variables.keys() - names)
            if not _is_of_another_program(name)
        )
        if found:
            notes.append(f"Read from the environment: {', '.join(found)}")
    return Given(typed(settings), faults, warnings, notes)


# The environment


def _is_of_another_program(name: str) -> bool:
    """Return whether the SDK reads a variable, or Meltano sets it.

    Meltano sets one for each part of an object, and for each of its extras, as `__SELECT`.
    """
    parts = (f"{one.upper()}_" for one, setting in _KNOWN.items() if "object" in setting["type"])
    is_extra = name.startswith("_") and name.strip("_").lower() not in _KNOWN
    return is_extra or name.startswith(("LOGLEVEL", *parts))


def _variables() -> tuple[dict[str, str], list[str], list[str]]:
    """Return the tap's variables without their prefix, with warnings and notes of the file `.env`.

    That file is read in the working directory alone, and only if no other user can write it, as it
    may say where tokens are sent. The environment wins over it, and is not changed.
    """
    in_file: dict[str, str | None] = {}
    warnings = []
    file = f"file {str(DOTENV.absolute())!r}"
    try:
        if DOTENV.is_file():
            in_file = _of_the_tap(dotenv_values(stream=io.StringIO(_content(DOTENV))))
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        warnings.append(f"The {file} is not used: {why}")
    warnings += (
        f"{(PREFIX + name)[:100]!r} has no = and no value in the {file}, and is ignored"
        for name, text in in_file.items()
        if text is None
    )
    notes = [f"Reading settings from the {file}"] if in_file else []
    found = {**in_file, **_of_the_tap(os.environ)}
    return {name: text for name, text in found.items() if text is not None}, warnings, notes


def _of_the_tap(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    return {
        name.removeprefix(PREFIX): text
        for name, text in variables.items()
        if name.startswith(PREFIX)
    }


def _content(path: Path) -> str:
    """Return the text of a file that nobody else can write.

    Raises:
        OSError: It cannot be read, or another user can write it.
        UnicodeDecodeError: It is not UTF-8.
    """
    with opened(path) as file:
        if os.name == "posix":
            status = os.fstat(file.fileno())
            if not {status.st_uid, path.lstat().st_uid} <= {os.geteuid(), 0}:
                raise PermissionError(0, "it, or the link to it, belongs to another user")
            if status.st_mode & 0o022:
                mode = stat.S_IMODE(status.st_mode)
                raise PermissionError(
                    0, f"other users can write it (mode {mode:04o}): run chmod go-w on it"
                )
        return file.read(LARGEST_FILE).decode("utf-8-sig")


# Values


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return known settings without empty ones, each text converted to the type in the schema.

    The environment contains only text, and runners such as Meltano pass it on. A text that cannot
    be converted stays as it is, and the schema refuses it later.

    Example:
        >>> typed({"contact_ids": "a, b", "sandbox": "yes"})
        {'contact_ids': ['a', 'b'], 'sandbox': True}
    """
    values = {name: _read(value, _KNOWN[name]["type"]) for name, value in settings.items()}
    return {name: value for name, value in values.items() if value is not None}


def _read(value: Any, kinds: Collection[str]) -> Any:
    if isinstance(value, str):
        text = value.strip()
        return _from_text(text, kinds) if text else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if type(value) is int and "string" in kinds else value


def _from_text(text: str, kinds: Collection[str]) -> Any:
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
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number
