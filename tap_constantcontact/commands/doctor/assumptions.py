"""The assumptions about the API, as findings of the doctor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tap_constantcontact.auth.permissions import Permission
from tap_constantcontact.commands.doctor.findings import DoctorReport, Verdict
from tap_constantcontact.commands.verify.probe import Probe
from tap_constantcontact.commands.verify.table import failed
from tap_constantcontact.commands.verify.unfinished import (
    MOST_REQUESTS,
    UnfinishedCheck,
    verified_by,
)
from tap_constantcontact.exceptions import FatalAPIError, LimitReachedError
from tap_constantcontact.output.figures import counted
from tap_constantcontact.transport.session import Connection

SUBJECT = "assumptions"


def budget_of(config: Mapping[str, Any]) -> int:
    """Return the maximum number of requests of a check, with those of the examination before."""
    return min(MOST_REQUESTS, config.get("request_budget") or MOST_REQUESTS)


def assumptions(
    report: DoctorReport, connection: Connection, permissions: Iterable[Permission]
) -> None:
    """Check on this account what the tap assumes about the API, going on from an unfinished check.

    An assumption that does not hold is an error if rows may be missing for it.
    """
    unfinished = UnfinishedCheck(connection.authenticator.holder)
    left = (connection.quota.budget or 0) - connection.sent
    report.ok(
        SUBJECT,
        f"{counted(unfinished.left, 'assumption')} about the API are checked now, with at most "
        f"{left} more requests, which change nothing in the account.",
    )
    before = unfinished.left
    try:
        for one in verified_by(Probe(connection, permissions), unfinished):
            report.verified.append(one)
    except LimitReachedError as limit:
        advice = "Run the same command again: it goes on from here."
        if unfinished.left == before:
            advice = "They were too few to check one: set a higher request_budget."
        text = f"{limit}, and {counted(unfinished.left, 'assumption')} are still to be checked."
        report.warning(SUBJECT, text, advice)
    except FatalAPIError as failure:
        report.error(SUBJECT, str(failure))
    for assumption, seen in failed(report.verified):
        verdict = Verdict.ERROR if assumption.loses_rows else Verdict.WARNING
        said = f"It does not hold: {assumption.belief} {seen} {assumption.harm}"
        report.add(verdict, assumption.name, said, assumption.remedy)
