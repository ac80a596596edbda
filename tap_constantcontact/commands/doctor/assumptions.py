"""The check of the assumptions about the API, over as many calls as its requests take."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

import platformdirs

from tap_constantcontact.auth.permissions import Permission
from tap_constantcontact.auth.token_file import make_folder
from tap_constantcontact.commands.doctor.findings import DoctorReport, Verdict
from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.commands.verify.assumption import Shown, Verified
from tap_constantcontact.commands.verify.probe import Probe
from tap_constantcontact.exceptions import FatalAPIError, LimitReachedError
from tap_constantcontact.output.figures import counted
from tap_constantcontact.transport.session import Connection

MOST_REQUESTS = 60
"""Maximum number of requests of a check, with those of the examination before."""

KEPT_SECONDS = 7 * 86_400
"""Seconds for which an unfinished check is kept."""

SUBJECT = "assumptions"


class Check:
    """The check of the account that `holder` identifies, which goes on from an unfinished one.

    What was found so far is kept in a file without ids or personal data. Without a file that can be
    used, a check begins anew.
    """

    def __init__(self, holder: str) -> None:
        folder = platformdirs.user_state_path("tap-constantcontact", appauthor=False)
        self._path = folder / f"verify-{holder}.json"
        self._found: dict[str, Verified] = {}
        known = {assumption.name: assumption for assumption in ASSUMPTIONS}
        with suppress(OSError, ValueError, TypeError):
            if time.time() - self._path.stat().st_mtime < KEPT_SECONDS:
                for name, outcome, seen in json.loads(self._path.read_text("utf-8")):
                    if name in known:
                        self._found[name] = Verified(known[name], Shown(outcome), str(seen))

    @property
    def left(self) -> int:
        """Number of assumptions that are still to be checked."""
        return len(ASSUMPTIONS) - len(self._found)

    def verify(self, probe: Probe) -> Iterator[Verified]:
        """Yield what an account shows of each assumption.

        Raises:
            LimitReachedError: The requests ran out; another call goes on.
            FatalAPIError: The API can no longer be used, or the token.
        """
        for assumption in ASSUMPTIONS:
            if assumption.name not in self._found:
                self._found[assumption.name] = assumption.verify(probe)
                self._keep()
            yield self._found[assumption.name]
        with suppress(OSError):
            self._path.unlink()

    def _keep(self) -> None:
        rows = [(name, found.outcome, found.seen) for name, found in self._found.items()]
        with suppress(OSError):
            make_folder(self._path.parent)
            self._path.write_text(json.dumps(rows), "utf-8")


def assumptions(
    report: DoctorReport, connection: Connection, permissions: Iterable[Permission]
) -> None:
    """Check on this account what the tap assumes about the API.

    An assumption that does not hold is an error if rows may be missing for it.
    """
    check = Check(connection.authenticator.holder)
    before = check.left
    left = (connection.quota.budget or 0) - connection.sent
    report.ok(
        SUBJECT,
        f"{counted(before, 'assumption')} about the API are checked now, with at most "
        f"{left} more requests, which change nothing in the account.",
    )
    try:
        for one in check.verify(Probe(connection, permissions)):
            report.verified.append(one)
    except LimitReachedError as limit:
        advice = "Run the same command again: it goes on from here."
        if check.left == before:
            advice = "They were too few to check one: set a higher request_budget."
        text = f"{limit}, and {counted(check.left, 'assumption')} are still to be checked."
        report.warning(SUBJECT, text, advice)
    except FatalAPIError as failure:
        report.error(SUBJECT, str(failure))
    for assumption, outcome, seen in report.verified:
        if outcome is Shown.FAILS:
            verdict = Verdict.ERROR if assumption.loses_rows else Verdict.WARNING
            said = f"It does not hold: {assumption.belief} {seen} {assumption.harm}"
            report.add(verdict, assumption.name, said, assumption.remedy)
