"""What an examination finds, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import click

from tap_constantcontact.auth.permissions import Permission, table
from tap_constantcontact.output.figures import counted


class Verdict(str, Enum):
    """Severity of a finding. Only errors stop a run, or make it read less than is selected."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


COLORS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red"}


class Finding(NamedTuple):
    """What was found about a subject.

    Attributes:
        subject: What was examined, in a word or two.
        verdict: The severity.
        text: What was found, as a sentence.
        advice: What to do next, as a sentence; empty if nothing is to be done.
    """

    subject: str
    verdict: Verdict
    text: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The finding as a line, whose color a terminal shows."""
        verdict = click.style(f"{self.verdict.value:<8}", fg=COLORS.get(self.verdict))
        return f"{verdict} {self.subject:<12}  {' '.join(filter(None, (self.text, self.advice)))}"


def ok(subject: str, text: str) -> Finding:
    """Return the finding that all is well with a subject."""
    return Finding(subject, Verdict.OK, text)


def warning(subject: str, text: str, advice: str = "") -> Finding:
    """Return a finding that does not stop a run."""
    return Finding(subject, Verdict.WARNING, text, advice)


def error(subject: str, text: str, advice: str = "") -> Finding:
    """Return a finding that stops a run."""
    return Finding(subject, Verdict.ERROR, text, advice)


def skipped(subject: str, reason: str) -> Finding:
    """Return the finding that a subject could not be examined."""
    return Finding(subject, Verdict.SKIPPED, f"Not examined: {reason}.")


class Report(NamedTuple):
    """The result of an examination.

    Attributes:
        findings: What was found.
        streams: Whether the token may read the selected streams; empty if that was not examined.
        requests: Number of requests sent to the API.
    """

    findings: Sequence[Finding]
    streams: Sequence[Permission]
    requests: int

    @property
    def exit_code(self) -> int:
        """1 if there is an error, or else 0."""
        return int(self._number(Verdict.ERROR) > 0)

    def _number(self, verdict: Verdict) -> int:
        return [finding.verdict for finding in self.findings].count(verdict)

    def conclusion(self) -> str:
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
        result = f"{result} This took {counted(self.requests, 'request')} to the API."
        return f"\n{table(self.streams)}\n\n{result}" if self.streams else result

    def as_json(self) -> str:
        """Return the report as JSON for programs."""
        report = {
            "well": self.exit_code == 0,
            "requests": self.requests,
            "findings": [finding._asdict() for finding in self.findings],
            "streams": [permission._asdict() for permission in self.streams],
        }
        return json.dumps(report, indent=2)
