"""The settings as the tap would use them, and the streams that it would read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tap_constantcontact.auth.permissions import Need
from tap_constantcontact.commands.doctor.findings import DoctorReport
from tap_constantcontact.config import validation
from tap_constantcontact.config.catalog import checked
from tap_constantcontact.config.environment import gathered
from tap_constantcontact.config.json_files import ENVIRONMENT, configuration
from tap_constantcontact.config.stream_maps import names
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.limits.stores import SERVERS
from tap_constantcontact.streams import DECLARED, STREAMS
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact


class Settings:
    """The settings in files and, if `ENV` is named, in the environment.

    A `client_id` of the command line wins over both.

    Attributes:
        config: The settings as the tap uses them, with the defaults of those that are not given.
        usable: Whether they have the types that the tap needs.

    Raises:
        ConfigValidationError: A file cannot be read.
    """

    def __init__(self, sources: Sequence[str], client_id: str | None) -> None:
        self._sources = sources
        self._given = gathered(configuration(sources), with_environment=ENVIRONMENT in sources)
        settings = self._given.settings
        if client_id:
            settings["client_id"] = client_id
        misfits = [*validation.type_faults(settings)]
        self.usable = not misfits
        self.config: Mapping[str, Any] = TapConstantContact(
            config=settings if self.usable else {}, validate_config=False, setup_mapper=False
        ).config
        self.faults = [*self._given.faults, *misfits]
        if self.usable:
            self.faults += validation.faults(self.config)

    @property
    def extras(self) -> list[str]:
        """The extras of the tap that these settings need."""
        store = SERVERS.get(str(self.config.get("limits_store") or "").partition("://")[0])
        return [*(["sandbox"] if self.config["sandbox"] else []), *([store.extra] if store else [])]

    def examine(self, report: DoctorReport) -> None:
        """Add what is wrong with the settings, and where they come from."""
        advice = "" if self._sources else "Give the settings with --config FILE or --config=ENV."
        for fault in self.faults:
            report.error("settings", f"{fault.rstrip('.')}.", advice)
        doubts = [*self._given.warnings]
        if not self.faults and not self.config["sandbox"]:
            doubts += validation.warnings(self.config)
        for doubt in doubts:
            report.warning("settings", f"{doubt}.")
        if not self.faults:
            names = ", ".join(sorted(self._given.settings)) or "none"
            report.ok("settings", f"The settings can be used (given: {names}).")
        for note in self._given.notes:
            report.ok("settings", f"{note}.")


def examine_selection(
    report: DoctorReport, config: Mapping[str, Any], catalog: Mapping[str, Any] | None
) -> list[Need]:
    """Examine the catalog and the stream maps as the tap does, without a request.

    Returns what each selected stream needs; nothing if the tap would refuse the selection.
    """
    doubts: list[str] = []
    needs: list[Need] = []
    try:
        if catalog is not None:
            checked(catalog, DECLARED, doubts.append)
        elif config["custom_fields_by_name"]:
            catalog = _with_any_custom_field(config)
        tap = TapConstantContact(config=config, catalog=catalog, validate_config=False)
        tap.check_selection()
        schemas = {name: stream.schema for name, stream in tap.streams.items()}
        doubts += names.doubts(config.get("stream_maps") or {}, schemas)
        selected = {stream.name: stream for stream in tap.selected_streams}
        needs = needs_of(selected[one.name] for one in STREAMS if one.name in selected)
    except ConfigValidationError as refusal:
        for fault in refusal.errors:
            report.error("selection", f"{fault}.")
    for doubt in doubts:
        report.warning("selection", f"{doubt}.")
    return needs


def _with_any_custom_field(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the catalog with custom fields of any name: to discover them takes a request."""
    static = {**config, "custom_fields_by_name": False}
    tap = TapConstantContact(config=static, validate_config=False, setup_mapper=False)
    catalog: dict[str, Any] = tap.catalog_dict
    for entry in catalog["streams"]:
        entry["schema"] = DECLARED[entry["tap_stream_id"]].schema
    return catalog
