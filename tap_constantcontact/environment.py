"""Settings given as text: in the environment, or by a runner that passes text on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from dotenv import find_dotenv, load_dotenv

ENVIRONMENT = "TAP_CONSTANTCONTACT_"
"""Prefix of the environment variable of each setting."""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def from_environment(names: Collection[str]) -> dict[str, str]:
    """Return those of the named settings that the environment sets.

    A file `.env` in the working directory, or else in the nearest folder above it, is loaded into
    the environment first; variables that are already set win over it.
    """
    load_dotenv(find_dotenv(usecwd=True))
    variables = {name: f"{ENVIRONMENT}{name.upper()}" for name in names}
    return {
        name: os.environ[variable] for name, variable in variables.items() if variable in os.environ
    }


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
        return _spelt(text, kinds) if text else None
    if isinstance(value, Decimal):  # the SDK reads a fraction in a file as one
        return float(value)
    return str(value) if type(value) is int and "string" in kinds else value


def _spelt(text: str, kinds: Collection[str]) -> Any:
    """Convert a text to one of these JSON types, or return it unchanged if that is impossible."""
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text.strip().lower(), text)
    if "array" in kinds and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        return json.loads(text) if {"array", "object"} & {*kinds} else _number(text)
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


def batches(config: Mapping[str, Any]) -> bool:
    """Return whether records are to be written in batch files, that is, whether an encoding is set.

    A runner may send a `batch_config` of defaults without an encoding, which means no batches.
    (Source: singer-sdk 0.55, which does the same; 0.54 fails.)
    """
    batch_config = config.get("batch_config")
    return not isinstance(batch_config, dict) or bool(batch_config.get("encoding"))
