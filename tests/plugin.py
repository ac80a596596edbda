"""The tap as a plugin of Meltano: what meltano.yml and its definition on MeltanoHub have alike.

Both list the settings of `tap-constantcontact --about`: the tap's own, and those that the SDK adds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from tap_constantcontact.config.settings import CHOICES, DAYS, INSTANTS, with_sdk_settings
from tap_constantcontact.tap import TapConstantContact

CATALOG = "$MELTANO_SYS_DIR_ROOT/run/$MELTANO_EXTRACTOR_NAME/tap.properties.json"
"""Where Meltano puts the catalog with the selected streams, before it runs a command."""

COMMANDS = {
    "login": {
        "description": "Sign in to Constant Contact in a browser on this machine.",
        "executable": "tap-constantcontact-login",
    },
    "login-device": {
        "args": "--device",
        "description": "Sign in with a code, in a browser on any machine.",
        "executable": "tap-constantcontact-login",
    },
    "check": {
        "args": "--check",
        "description": "Tell whether the stored token works, and which streams it may read.",
        "executable": "tap-constantcontact-login",
    },
    "doctor": {
        "args": f"--config=ENV --catalog={CATALOG}",
        "description": "Tell what keeps a run from reading the account, and what to do.",
        "executable": "tap-constantcontact-doctor",
    },
    "estimate": {
        "args": f"--config=ENV --catalog={CATALOG} --estimate",
        "description": "Tell what a first run of the selected streams would cost.",
        "executable": "tap-constantcontact",
    },
}

GROUPS = (
    ("client_id",),
    ("client_id", "refresh_token"),
    ("client_id", "client_secret", "refresh_token"),
    ("access_token",),
    ("sandbox",),
)
"""Settings that suffice to run. With the client ID alone, the command `login` stores the tokens."""

KINDS = {"number": "string"}
"""Meltano's kinds of settings, by JSON type, where they are not called the same.

From the environment, Meltano makes of a `decimal` what it cannot hand on as JSON.
"""

Setting = Mapping[str, Any]


def parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what meltano.yml and MeltanoHub tell of the tap, in the order in which Meltano writes.

    Args:
        settings: JSON schema of the tap's own settings.
    """
    about = with_sdk_settings(settings)
    return {
        "capabilities": sorted(capability.value for capability in TapConstantContact.capabilities),
        "settings_group_validation": [list(group) for group in GROUPS],
        "settings": [_setting(name, setting) for name, setting in _leaves(about)],
        "commands": COMMANDS,
    }


def selection(streams: Iterable[Any]) -> list[str]:
    """Return the patterns that select streams; without any, Meltano selects all."""
    return [f"{stream.name}.*" for stream in streams if stream.selected_by_default]


def type_of(setting: Setting) -> str:
    """Return the JSON type of a setting; of several, a list, or else text."""
    choices = setting.get("oneOf", (setting,))
    names = {name for choice in choices for name in _types(choice)} - {"null"}
    return next(iter(names)) if len(names) == 1 else "array" if "array" in names else "string"


def described(setting: Setting) -> str:
    """Return the description of a setting, with the values that a list may hold."""
    meaning, *default = setting["description"].partition(" Default: ")
    if choices := setting.get("items", {}).get("enum"):
        meaning += f" One or more of {code(choices)}."
    return "".join((meaning, *default))


def code(names: Iterable[str]) -> str:
    """Return names as Markdown."""
    return ", ".join(f"`{name}`" for name in names)


def dumped(content: Any, *, sort_keys: bool, width: float) -> str:
    """Return content as YAML, with lines of a width; `math.inf` leaves all texts on one line."""
    return str(
        yaml.dump(content, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True, width=width)
    )


class _Dumper(yaml.SafeDumper):
    """A writer that keeps the lines of a text, and without a width quotes texts as Meltano does."""

    def text(self, data: str) -> yaml.ScalarNode:
        needs_quotes = data.startswith("'") or ": " in data
        is_double = "'" in data and needs_quotes and math.isinf(self.best_width)
        style = "|" if "\n" in data else '"' if is_double else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.text)


def _leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Setting]]:
    """Yield the settings of a schema, and in place of an object with known parts, its parts."""
    for name, setting in schema["properties"].items():
        if setting.get("properties") and not isinstance(setting["additionalProperties"], dict):
            yield from _leaves(setting, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting


def _setting(name: str, setting: Setting) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "kind": _kind(name, setting)}
    if "default" in setting:
        shown["value"] = setting["default"]
    shown |= {"label": setting["title"], "description": described(setting)}
    if "enum" in setting:
        labels = CHOICES.get(name) or {value: value for value in setting["enum"]}
        shown["options"] = [{"label": labels[value], "value": value} for value in setting["enum"]]
    if setting.get("secret"):
        shown["sensitive"] = True
    return shown


def _kind(name: str, setting: Setting) -> str:
    if name in (*INSTANTS, *DAYS):
        return "date_iso8601"
    return "options" if "enum" in setting else KINDS.get(type_of(setting), type_of(setting))


def _types(setting: Setting) -> list[str]:
    name: str | list[str] = setting["type"]
    return [name] if isinstance(name, str) else name
