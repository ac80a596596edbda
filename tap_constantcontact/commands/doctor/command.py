"""The command: its options, and the order of the examination."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import requests

from tap_constantcontact.auth.permissions import Permission
from tap_constantcontact.commands.doctor import access, machine
from tap_constantcontact.commands.doctor.findings import Finding, Report, Verdict, error, skipped
from tap_constantcontact.commands.doctor.settings import (
    Settings,
    examine_selection,
    selected_needs,
)
from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError, plain
from tap_constantcontact.output.singer import PlainCommand
from tap_constantcontact.run import for_connection
from tap_constantcontact.transport.session import Connection

NEVER_WAIT = {"on_daily_limit": "stop", "request_budget": None}
"""Settings with which an examination ends where a run would wait, or spend its budget."""


class Examination:
    """An examination of all that a run relies on, with at most three requests to the API.

    Args:
        sources: Where the settings are, as on the tap's command line.
        client_id: The application's key, if it is given on the command line.
        catalog: The file with the catalog, if one is used.

    Attributes:
        requests: Number of requests sent to the API.
        streams: Whether the token may read the selected streams.
    """

    def __init__(self, sources: Sequence[str], client_id: str | None, catalog: Path | None) -> None:
        self.requests = 0
        self.streams: Sequence[Permission] = ()
        self._sources = sources
        self._client_id = client_id
        self._catalog = catalog

    def findings(self) -> Iterator[Finding]:
        """Examine one subject after the other."""
        try:
            settings = Settings(self._sources, self._client_id)
            catalog = json_object(self._catalog, "catalog") if self._catalog else None
        except ConfigValidationError as fault:
            yield from machine.installation(())
            yield error("settings", plain(fault), "Correct the file.")
            return
        yield from machine.installation(settings.extras)
        yield from settings.examine()
        if not settings.usable:
            return
        try:
            config = for_connection(settings.config)
        except ConfigValidationError as fault:
            yield error("settings", plain(fault))
            return
        found = [] if settings.faults else [*examine_selection(settings.config, catalog)]
        yield from found
        way, response = machine.reach("auth_url", config["auth_url"])
        yield way
        can_start = not settings.faults and not _has_error(found)
        if can_start:
            found = [
                _finding("token", access.token, config),
                _finding("limits store", access.limits_store, config),
            ]
            yield from found
            can_start = not _has_error(found)
        if can_start:
            yield from self._with_token(config, catalog, can_renew=response is not None)
        else:
            yield from self._without_token(config, response)

    def _without_token(
        self, config: Mapping[str, Any], response: requests.Response | None
    ) -> Iterator[Finding]:
        """Examine the way to the API and the clock, where a run would not begin."""
        found, answer = machine.reach("api_url", config["api_url"])
        self.requests += answer is not None
        yield found
        if (dated := answer if answer is not None else response) is not None:
            yield machine.clock(dated)
        for subject in ("account", "rights", "quota"):
            yield skipped(subject, "first correct the errors above")

    def _with_token(
        self, config: Mapping[str, Any], catalog: Mapping[str, Any] | None, *, can_renew: bool
    ) -> Iterator[Finding]:
        connection = Connection({**config, **NEVER_WAIT})
        using = access.Access(connection, can_renew=can_renew)
        needs = selected_needs(config, catalog)
        if_forbidden = Verdict.WARNING if config["skip_forbidden_streams"] else Verdict.ERROR
        yield from using.examine(needs, if_forbidden=if_forbidden)
        self.requests += connection.sent
        self.streams = using.streams


def _finding(
    subject: str, examine: Callable[[Mapping[str, Any]], Finding], config: Mapping[str, Any]
) -> Finding:
    try:
        return examine(config)
    except (ConfigValidationError, FatalAPIError) as fault:  # such as: a lock is not released
        return error(subject, plain(fault))


def _has_error(findings: Sequence[Finding]) -> bool:
    return any(finding.verdict is Verdict.ERROR for finding in findings)


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """Log and warn of nothing in this context: the findings have it all."""
    logging.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def examine(
    sources: Sequence[str],
    *,
    client_id: str | None = None,
    catalog: Path | None = None,
    is_json: bool = False,
) -> int:
    """Print what is found, and return the exit code."""
    examination = Examination(sources, client_id, catalog)
    findings = []
    with _nothing_logged():
        for finding in examination.findings():
            findings.append(finding)
            if not is_json:
                click.echo(finding.line)
    report = Report(findings, examination.streams, examination.requests)
    click.echo(report.as_json() if is_json else report.conclusion())
    return report.exit_code


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
    context.exit(examine(sources, catalog=catalog, is_json=is_json))
