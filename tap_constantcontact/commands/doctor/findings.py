"""What an examination finds, as lines for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import click

from tap_constantcontact.output.figures import counted


class Verdict(str, Enum):
    """How a finding is: only an error keeps a run from reading what is selected."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


SIGN_IN = "Sign in with tap-constantcontact-login."

COLORS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red"}


class Finding(NamedTuple):
    """What was found about a subject.

    Attributes:
        subject: What was examined, in a word or two.
        verdict: How it is.
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


def well(subject: str, text: str) -> Finding:
    """Return the finding that all is well with a subject."""
    return Finding(subject, Verdict.OK, text)


def skipped(subject: str, reason: str) -> Finding:
    """Return the finding that a subject could not be examined."""
    return Finding(subject, Verdict.SKIPPED, f"Not examined: {reason}.")


def conclusion(findings: Sequence[Finding], requests: int) -> str:
    """Return the sentence at the end of an examination."""
    errors, warnings = _number(findings, Verdict.ERROR), _number(findings, Verdict.WARNING)
    if errors:
        found = counted(errors, "error") + f" and {counted(warnings, 'warning')}" * bool(warnings)
        result = f"Found {found}: a run would fail, or read less than is selected."
    elif warnings:
        result = f"Found {counted(warnings, 'warning')}: a run can read what is selected."
    else:
        result = "All is well."
    return f"{result} This took {counted(requests, 'request')} to the API."


def as_json(findings: Sequence[Finding], requests: int) -> str:
    """Return the findings as JSON for programs."""
    listed: list[dict[str, Any]] = [
        {**finding._asdict(), "verdict": finding.verdict.value} for finding in findings
    ]
    report = {"well": exit_code(findings) == 0, "requests": requests, "findings": listed}
    return json.dumps(report, indent=2)


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if there is an error, or else 0."""
    return int(_number(findings, Verdict.ERROR) > 0)


def _number(findings: Sequence[Finding], verdict: Verdict) -> int:
    return [finding.verdict for finding in findings].count(verdict)
