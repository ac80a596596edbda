"""The settings as the tap would use them, and the streams that it would read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from singer_sdk.singerlib import Catalog
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_constantcontact import rules
from tap_constantcontact.auth.rights import Need
from tap_constantcontact.doctor.findings import Finding, Verdict, well
from tap_constantcontact.environment import from_environment
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.limits.stores import SERVERS
from tap_constantcontact.needs import needs_of
from tap_constantcontact.streams import FROM_CAMPAIGNS, STREAMS
from tap_constantcontact.tap import TapConstantContact

ENVIRONMENT = "ENV"
"""The `--config` that stands for the environment, as in the tap."""


class Settings:
    """The settings in files and, if it is named, in the environment.

    Args:
        sources: The files, and `ENV` for the environment, in the order of the command line.

    Attributes:
        given: The settings as they were given.
        config: The settings as the tap uses them, with the defaults of those that are not given.
        faults: A sentence for each fault.
        usable: Whether they have the types that the tap needs.

    Raises:
        ConfigValidationError: A file cannot be read.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self.given: dict[str, Any] = {}
        for source in sources:
            if source != ENVIRONMENT:
                self.given |= json_object(Path(source))
        if ENVIRONMENT in sources:
            TapConstantContact.append_builtin_config(TapConstantContact.config_jsonschema)
            self.given |= from_environment(TapConstantContact.config_jsonschema["properties"])
        tap = TapConstantContact(config=self.given, validate_config=False, setup_mapper=False)
        self.config: Mapping[str, Any] = tap.config
        self._schema = tap.config_jsonschema
        self.faults = [*self._type_faults()]
        self.usable = not self.faults
        if self.usable:
            self.faults = [*self._contradictions()]

    def _type_faults(self) -> Iterator[str]:
        for error in DEFAULT_JSONSCHEMA_VALIDATOR(self._schema).iter_errors(dict(self.config)):
            name = str(error.path[0]) if error.path else ""
            secret = self._schema["properties"].get(name, {}).get("secret")
            yield f"{name}: {'this secret is not a text' if secret else error.message}"

    def _contradictions(self) -> Iterator[str]:
        try:
            rules.check(self.config)
        except ConfigValidationError as error:
            yield from error.errors

    @property
    def extras(self) -> list[str]:
        """The extras of the tap that these settings need."""
        store = SERVERS.get(str(self.config.get("limits_store") or "").partition("://")[0])
        return [*(["sandbox"] if self.config["sandbox"] else []), *([store.extra] if store else [])]

    def examine(self) -> Iterator[Finding]:
        """Examine the settings."""
        advice = "" if self._sources else "Give the settings with --config FILE or --config=ENV."
        for fault in self.faults:
            yield Finding("settings", Verdict.ERROR, f"{fault.rstrip('.')}.", advice)
        unknown = sorted({*self.given} - {*self._schema["properties"]})
        if unknown:
            yield Finding(
                "settings",
                Verdict.WARNING,
                f"The tap does not know {', '.join(unknown)}.",
                "Compare the spelling with tap-constantcontact --about.",
            )
        elif not self.faults:
            names = ", ".join(sorted(self.given)) or "none"
            yield well("settings", f"The settings can be used (given: {names}).")


def json_object(file: Path) -> dict[str, Any]:
    """Read a file with a JSON object.

    Raises:
        ConfigValidationError: It cannot be read, or contains something else.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(file, error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise _unreadable(file, "it is not JSON") from error
    if not isinstance(content, dict):
        raise _unreadable(file, "it is not a JSON object")
    return content


def _unreadable(file: Path, reason: str) -> ConfigValidationError:
    return ConfigValidationError("Unreadable", errors=[f"{file} cannot be read: {reason}"])


def selected_needs(config: Mapping[str, Any], catalog: Mapping[str, Any] | None) -> list[Need]:
    """Return what each selected stream needs.

    Args:
        config: The settings.
        catalog: The content of a catalog; by default, the streams of the tap's own are selected.
    """
    selected = {stream.name for stream in STREAMS if stream.selected_by_default}
    if catalog is not None:
        entries = Catalog.from_dict(dict(catalog)).items()
        selected = {name for name, entry in entries if entry.metadata.resolve_selection()[()]}
    of_source = FROM_CAMPAIGNS if config["report_source"] == "campaigns" else {}
    return needs_of(of_source.get(stream, stream) for stream in STREAMS if stream.name in selected)
