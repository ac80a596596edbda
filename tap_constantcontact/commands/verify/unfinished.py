"""The check of all assumptions, over as many calls of the command as the requests take."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import platformdirs

from tap_constantcontact.auth.token_file import make_folder
from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.commands.verify.assumption import Shown, Verified
from tap_constantcontact.commands.verify.probe import Probe

MOST_REQUESTS = 60
"""Maximum number of requests of the command that checks the assumptions."""

KEPT_SECONDS = 7 * 86_400
"""Seconds for which an unfinished check is kept."""


class UnfinishedCheck:
    """What an unfinished check of an account has found, in a file without ids or personal data.

    Without a file that can be used, a check begins anew.

    Args:
        holder: What identifies the account.
    """

    def __init__(self, holder: str) -> None:
        folder = platformdirs.user_state_path("tap-constantcontact", appauthor=False)
        self._path = folder / f"verify-{holder}.json"
        self.found: dict[str, Verified] = {}
        with suppress(OSError, ValueError, TypeError):
            if time.time() - self._path.stat().st_mtime < KEPT_SECONDS:
                for name, outcome, seen in json.loads(self._path.read_text("utf-8")):
                    self.found[name] = Verified(name, Shown(outcome), str(seen))

    def add(self, verified: Verified) -> None:
        """Keep what was found of an assumption."""
        self.found[verified.assumption] = verified
        with suppress(OSError):
            make_folder(self._path.parent)
            self._path.write_text(json.dumps([*self.found.values()]), "utf-8")

    def forget(self) -> None:
        """Remove the file, as the check is finished."""
        with suppress(OSError):
            self._path.unlink()

    @property
    def left(self) -> int:
        """Number of assumptions that are still to be checked."""
        return sum(assumption.name not in self.found for assumption in ASSUMPTIONS)


def verified_by(probe: Probe, unfinished: UnfinishedCheck) -> Iterator[Verified]:
    """Yield what an account shows of each assumption, going on from an unfinished check.

    Raises:
        LimitReachedError: The requests ran out; another call goes on.
        FatalAPIError: The API can no longer be used, or the token.
    """
    for assumption in ASSUMPTIONS:
        if assumption.name not in unfinished.found:
            unfinished.add(assumption.verify(probe))
        yield unfinished.found[assumption.name]
    unfinished.forget()
