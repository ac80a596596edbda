"""Settings that come as text: from the environment, or from a runner that passes text on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from dotenv import find_dotenv, load_dotenv

ENVIRONMENT = "TAP_CONSTANTCONTACT_"
"""What the environment variable of a setting begins with."""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def from_environment(names: Collection[str]) -> dict[str, str]:
    """Return those of the named settings that the environment holds.

    A file `.env` in the working directory, or in the nearest folder above it that has one, is part
    of the environment; a variable of the same name that is set already wins over it.
    """
    load_dotenv(find_dotenv(usecwd=True))
    variables = {name: f"{ENVIRONMENT}{name.upper()}" for name in names}
    return {
        name: os.environ[variable] for name, variable in variables.items() if variable in os.environ
    }


def typed(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with each text read as the type that the schema wants.

    The environment holds nothing but text, and runners such as Meltano hand it on. A text that
    spells no value of its type stays as it is, for the schema to refuse.

    Args:
        config: The settings as they were given; one that is null or empty counts as not given.
        schema: The JSON schema of the configuration.
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
    if isinstance(value, Decimal):  # what the SDK makes of a fraction in a file
        return float(value)
    return str(value) if type(value) is int and "string" in kinds else value


def _spelt(text: str, kinds: Collection[str]) -> Any:
    """Return the value of one of these JSON types that a text spells, or the text itself."""
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
    """Return the number that a text spells, an integer where it is whole.

    Raises:
        ValueError: It spells none.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def batches(config: Mapping[str, Any]) -> bool:
    """Return whether the records are to go out in batch files, which takes an encoding.

    A runner may send the rest of a `batch_config`, as defaults, to those who want no batches.
    (Source: singer-sdk 0.55, which reads it so; 0.54 ends in an error.)
    """
    batch_config = config.get("batch_config")
    return not isinstance(batch_config, dict) or bool(batch_config.get("encoding"))
