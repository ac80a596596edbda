"""What an examination finds, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any, NamedTuple

import click
from tabulate import tabulate

from tap_constantcontact.auth.permissions import Permission, permissions_table
from tap_constantcontact.commands.verify.assumption import Verified
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError, plain
from tap_constantcontact.output.figures import counted


class Verdict(str, Enum):
    """Severity of a finding. Only errors stop a run, or make it read less than is selected."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


WIDTHS = (44, 20, 30)
"""Number of characters of each column of the table of assumptions."""

COLORS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red"}


class Finding(NamedTuple):
    """What was found about a subject, and what to do next, if anything: both as sentences."""

    subject: str
    verdict: Verdict
    text: str
    advice: str


class DoctorReport:
    """What an examination has found so far; `show` is called with each finding as a line."""

    def __init__(self, show: Callable[[str], object]) -> None:
        self.findings: list[Finding] = []
        self.verified: list[Verified] = []
        self._show = show

    def add(self, verdict: Verdict, subject: str, text: str, advice: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(subject, verdict, text, advice))
        colored = click.style(f"{verdict.value:<8}", fg=COLORS.get(verdict))
        self._show(f"{colored} {subject:<12}  {' '.join(filter(None, (text, advice)))}")

    def ok(self, subject: str, text: str) -> None:
        """Add the finding that all is well with a subject."""
        self.add(Verdict.OK, subject, text)

    def warning(self, subject: str, text: str, advice: str = "") -> None:
        """Add a finding that does not stop a run."""
        self.add(Verdict.WARNING, subject, text, advice)

    def error(self, subject: str, text: str, advice: str = "") -> None:
        """Add a finding that stops a run."""
        self.add(Verdict.ERROR, subject, text, advice)

    def skipped(self, subject: str, reason: str) -> None:
        """Add the finding that a subject could not be examined."""
        self.add(Verdict.SKIPPED, subject, f"Not examined: {reason}.")

    @contextmanager
    def errors_in(self, subject: str) -> Iterator[None]:
        """Make a failure in this context a finding."""
        try:
            yield
        except (ConfigValidationError, FatalAPIError) as failure:
            self.error(subject, plain(failure))

    def has_errors_in(self, *subjects: str) -> bool:
        """Return whether one of these subjects has an error."""
        return any(
            found.verdict is Verdict.ERROR for found in self.findings if found.subject in subjects
        )

    @property
    def exit_code(self) -> int:
        """1 if there is an error, or else 0."""
        return int(self._number(Verdict.ERROR) > 0)

    def _number(self, verdict: Verdict) -> int:
        return [finding.verdict for finding in self.findings].count(verdict)

    def conclusion(self, streams: Sequence[Permission], requests: int) -> str:
        """Return what is printed after the findings: the table of streams, and a sentence."""
        errors, warnings = self._number(Verdict.ERROR), self._number(Verdict.WARNING)
        if errors:
            also = f" and {counted(warnings, 'warning')}" * bool(warnings)
            found = f"{counted(errors, 'error')}{also}"
            result = f"Found {found}: a run would fail, or read less than is selected."
        elif warnings:
            result = f"Found {counted(warnings, 'warning')}: a run can read what is selected."
        else:
            result = "All is well."
        result = f"{result} This took {counted(requests, 'request')} to the API."
        tables = [permissions_table(streams)] if streams else []
        if self.verified:
            tables.append(self._assumptions_table())
        return "\n" * bool(tables) + "\n\n".join((*tables, result))

    def as_json(self, streams: Sequence[Permission], requests: int) -> str:
        """Return the report as JSON for programs."""
        report = {
            "well": self.exit_code == 0,
            "requests": requests,
            "findings": [finding._asdict() for finding in self.findings],
            "streams": [permission._asdict() for permission in streams],
            "assumptions": [_as_fields(one) for one in self.verified],
        }
        return json.dumps(report, indent=2)

    def _assumptions_table(self) -> str:
        rows = [
            (
                f"{assumption.name}\n{assumption.belief}",
                assumption.source,
                f"{outcome.value}\n{seen}",
            )
            for assumption, outcome, seen in self.verified
        ]
        return tabulate(
            rows,
            headers=("what the tap relies on", "source", "this account"),
            tablefmt="grid",
            maxcolwidths=[*WIDTHS],
            disable_numparse=True,
        )


def _as_fields(verified: Verified) -> dict[str, Any]:
    assumption, outcome, seen = verified
    return {
        "assumption": assumption.name,
        "outcome": outcome,
        "seen": seen,
        "belief": assumption.belief,
        "source": assumption.source,
        "loses_rows": assumption.loses_rows,
        "harm": assumption.harm,
        "remedy": assumption.remedy,
    }
