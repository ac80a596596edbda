"""An assumption about the API: a belief that the tap relies on, and how an account can show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, UntoldError


class Shown(str, Enum):
    """What an account shows of an assumption."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTOLD = "cannot be told"


class Verified(NamedTuple):
    """What an account shows of an assumption, without ids and without personal data."""

    assumption: Assumption
    outcome: Shown
    seen: str


@dataclass(frozen=True)
class Assumption:
    """A belief about the API that the tap relies on.

    Attributes:
        name: Its name, which never changes; docstrings of the package and warnings of a run use it.
        belief: What the tap relies on, as a sentence.
        source: Where the belief comes from.
        harm: What follows for the user's data if it does not hold.
        remedy: What to do then.
        check: Returns what was seen if it holds, or raises `ContradictedError` or `UntoldError`.
        loses_rows: Whether rows may be missing if it does not hold.
    """

    name: str
    belief: str
    source: str
    harm: str
    remedy: str
    check: Callable[[Probe], str]
    loses_rows: bool = False

    def verify(self, probe: Probe) -> Verified:
        """Return what an account shows of it.

        Raises:
            LimitReachedError: The requests ran out.
            FatalAPIError: The API can no longer be used, or the token.
        """
        try:
            return Verified(self, Shown.HOLDS, self.check(probe))
        except ContradictedError as contrary:
            return Verified(self, Shown.FAILS, str(contrary))
        except UntoldError as why:
            return Verified(self, Shown.UNTOLD, str(why))
        except (AttributeError, LookupError, TypeError, ValueError):
            return Verified(self, Shown.FAILS, "A response has not the form of the contract.")


REPORT_IT = "Open an issue with what --verify printed: no setting helps."

READ_ALL_AGAIN = "Set contacts_refresh_days to 1, so that all contacts are read again each day."
