"""The command: its options, and the order of the examination."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import requests

from tap_constantcontact.auth.permissions import Permission
from tap_constantcontact.commands.doctor import access, machine
from tap_constantcontact.commands.doctor.assumptions import MOST_REQUESTS, assumptions
from tap_constantcontact.commands.doctor.findings import DoctorReport, Verdict
from tap_constantcontact.commands.doctor.settings import Settings, examine_selection
from tap_constantcontact.commands.record import writing
from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.exceptions import ConfigValidationError, plain
from tap_constantcontact.output.singer import PlainCommand
from tap_constantcontact.run import for_connection
from tap_constantcontact.transport.session import Connection


def _examine(
    report: DoctorReport,
    sources: Sequence[str],
    client_id: str | None,
    catalog_file: Path | None,
    *,
    verify: bool,
) -> tuple[list[Permission], int]:
    """Examine all that a run relies on, with at most three requests to the API.

    With `verify`, check the assumptions about the API as well.

    Returns:
        Whether the token may read the selected streams, and the number of those requests.
    """
    try:
        settings = Settings(sources, client_id)
        catalog = json_object(catalog_file, "catalog") if catalog_file else None
    except ConfigValidationError as fault:
        machine.installation(report, ())
        report.error("settings", plain(fault), "Correct the file.")
        return [], 0
    machine.installation(report, settings.extras)
    settings.examine(report)
    if not settings.usable:
        return [], 0
    try:
        config = for_connection(settings.config)
    except ConfigValidationError as fault:
        report.error("settings", plain(fault))
        return [], 0
    needs = [] if settings.faults else examine_selection(report, settings.config, catalog)
    response = machine.reach(report, "auth_url", config["auth_url"])
    if not report.has_errors_in("settings", "selection"):
        with report.errors_in("token"):
            access.token(report, config)
        with report.errors_in("limits store"):
            access.limits_store(report, config)
    if report.has_errors_in("settings", "selection", "token", "limits store"):
        return [], _without_token(report, config, response)
    # It ends where a run would wait, and only a check of the assumptions has a budget.
    budget = min(MOST_REQUESTS, config.get("request_budget") or MOST_REQUESTS) if verify else None
    connection = Connection({**config, "on_daily_limit": "stop", "request_budget": budget})
    streams = access.use(
        report,
        connection,
        needs,
        forbidden=Verdict.WARNING if config["skip_forbidden_streams"] else Verdict.ERROR,
        can_renew=response is not None,
    )
    if verify and not report.has_errors_in("network", "token", "account"):
        assumptions(report, connection, streams)
    return streams, connection.sent


def _without_token(
    report: DoctorReport, config: Mapping[str, Any], response: requests.Response | None
) -> int:
    """Examine the way to the API and the clock, and return the number of requests to the API."""
    answer = machine.reach(report, "api_url", config["api_url"])
    if (dated := answer if answer is not None else response) is not None:
        machine.clock(report, dated)
    for subject in ("account", "rights", "quota"):
        report.skipped(subject, "first correct the errors above")
    return int(answer is not None)


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """Log and warn of nothing in this context: what is printed has it all."""
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
    verify: bool = False,
    is_json: bool = False,
) -> int:
    """Print what is found, and return the exit code."""
    report = DoctorReport((lambda _: None) if is_json else click.echo)
    with _nothing_logged():
        found = _examine(report, sources, client_id, catalog, verify=verify)
    click.echo(report.as_json(*found) if is_json else report.conclusion(*found))
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
@click.option(
    "--verify",
    is_flag=True,
    help="Check on this account what the tap assumes about the API, with at most "
    f"{MOST_REQUESTS} requests.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--record",
    "recording",
    type=click.Path(path_type=Path),
    help="Folder to write the account's answers to, with every value replaced, for a bug report.",
)
@click.option("--yes", "agreed", is_flag=True, help="Write the recording without asking.")
@click.version_option(package_name="tap-constantcontact")
@click.pass_context
def main(  # noqa: PLR0913 - the options of a command
    context: click.Context,
    *,
    sources: tuple[str, ...],
    catalog: Path | None,
    verify: bool,
    is_json: bool,
    recording: Path | None,
    agreed: bool,
) -> None:
    """Examine whether a run of tap-constantcontact can read the account, and say what to do.

    Without --verify, it sends at most three requests to the API. All count like those of a run. The
    exit code is 1 if there is an error, and 0 if there are at most warnings.

    A recording takes at most 60 requests more.
    """
    if recording:
        writing.check_folder(recording, agreed=agreed)
    exit_code = examine(sources, catalog=catalog, verify=verify, is_json=is_json)
    if recording:
        with _nothing_logged():
            writing.record(Settings(sources, None).config, recording, agreed=agreed)
    context.exit(exit_code)
