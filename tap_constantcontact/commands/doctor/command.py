"""The command: its options, and the order of the examination."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import requests

from tap_constantcontact.commands.doctor import installation, network, stored
from tap_constantcontact.commands.doctor.access import Access
from tap_constantcontact.commands.doctor.configuration import (
    Settings,
    examine_selection,
    selected_needs,
)
from tap_constantcontact.commands.doctor.findings import (
    Finding,
    Verdict,
    as_json,
    conclusion,
    exit_code,
    skipped,
)
from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError
from tap_constantcontact.output.singer import PlainCommand
from tap_constantcontact.run import for_connection
from tap_constantcontact.transport.session import Connection

NEVER_WAIT = {"on_daily_limit": "stop", "request_budget": None}
"""Settings with which an examination ends where a run would wait, or spend its budget."""

USING_THE_TOKEN = ("account", "rights", "quota")


class Examination:
    """An examination of all that a run relies on, with at most three requests to the API.

    Args:
        sources: Where the settings are, as on the tap's command line.
        catalog: The file with the catalog, if one is used.

    Attributes:
        requests: Number of requests sent to the API.
    """

    def __init__(self, sources: tuple[str, ...], catalog: Path | None) -> None:
        self.requests = 0
        self._sources = sources
        self._catalog = catalog

    def findings(self) -> Iterator[Finding]:
        """Examine one subject after the other."""
        try:
            settings = Settings(self._sources)
            catalog = json_object(self._catalog, "catalog") if self._catalog else None
        except ConfigValidationError as error:
            yield from installation.examine(())
            yield Finding("settings", Verdict.ERROR, f"{error.errors[0]}.", "Correct the file.")
            return
        yield from installation.examine(settings.extras)
        yield from settings.examine()
        if not settings.usable:
            return
        try:
            config = for_connection(settings.config)
        except ConfigValidationError as error:
            yield Finding("settings", Verdict.ERROR, f"{error.errors[0]}.")
            return
        selection = [] if settings.faults else [*examine_selection(settings.config, catalog)]
        yield from selection
        found, response = network.reach("auth_url", config["auth_url"])
        yield found
        if settings.faults or any(one.verdict is Verdict.ERROR for one in selection):
            yield from self._without_token(config, response)
            return
        try:
            token = stored.token(config)
        except ConfigValidationError as error:
            token = Finding("token", Verdict.ERROR, f"{error.errors[0]}.")
        except FatalAPIError as error:  # another process keeps the file's lock
            token = Finding("token", Verdict.ERROR, str(error))
        yield token
        try:
            store = stored.limits_store(config)
        except ConfigValidationError as error:
            store = Finding("limits store", Verdict.ERROR, f"{error.errors[0]}.")
        yield store
        if Verdict.ERROR in (token.verdict, store.verdict):
            yield from self._without_token(config, response)
            return
        yield from self._with_token(config, catalog, can_renew=response is not None)

    def _without_token(
        self, config: Mapping[str, Any], response: requests.Response | None
    ) -> Iterator[Finding]:
        """Examine the way to the API and the clock, where a run would not begin."""
        found, answer = network.reach("api_url", config["api_url"])
        self.requests += answer is not None
        yield found
        if (dated := answer if answer is not None else response) is not None:
            yield network.clock(dated)
        for subject in USING_THE_TOKEN:
            yield skipped(subject, "first correct the errors above")

    def _with_token(
        self, config: Mapping[str, Any], catalog: Mapping[str, Any] | None, *, can_renew: bool
    ) -> Iterator[Finding]:
        connection = Connection({**config, **NEVER_WAIT})
        forbidden = Verdict.WARNING if config["skip_forbidden_streams"] else Verdict.ERROR
        needs = selected_needs(config, catalog)
        using = Access(connection, can_renew=can_renew)
        yield from using.examine(needs, forbidden=forbidden)
        self.requests += connection.sent


@click.command("tap-constantcontact-doctor", cls=PlainCommand)
@click.option(
    "--config",
    "sources",
    multiple=True,
    help="The tap's configuration file, or ENV for the environment; may be given more than once.",
)
@click.option(
    "--catalog",
    type=click.Path(path_type=Path),
    help="The tap's catalog, whose selected streams are examined.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
@click.version_option(package_name="tap-constantcontact")
@click.pass_context
def main(
    context: click.Context, *, sources: tuple[str, ...], catalog: Path | None, is_json: bool
) -> None:
    """Examine whether a run of tap-constantcontact can read the account, and say what to do.

    It sends at most three requests to the API, which count like those of a run. The exit code is 1
    if there is an error, and 0 if there are at most warnings.
    """
    logging.disable()  # the findings tell it all
    warnings.simplefilter("ignore")
    examination = Examination(sources, catalog)
    findings = []
    for finding in examination.findings():
        findings.append(finding)
        if not is_json:
            click.echo(finding.line)
    report = as_json if is_json else conclusion
    click.echo(report(findings, examination.requests))
    context.exit(exit_code(findings))
