"""What an account shows of the assumptions, as a table for people and as fields for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabulate import tabulate

from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.commands.verify.assumption import Assumption, Shown, Verified

ASSUMPTION_OF = {assumption.name: assumption for assumption in ASSUMPTIONS}

WIDTHS = (44, 20, 30)
"""Number of characters of each column of the table."""


def assumptions_table(verified: Iterable[Verified]) -> str:
    """Return what an account shows of the assumptions, as a table for people."""
    rows = [
        (
            f"{one.assumption}\n{ASSUMPTION_OF[one.assumption].belief}",
            ASSUMPTION_OF[one.assumption].source,
            f"{one.outcome.value}\n{one.seen}",
        )
        for one in verified
    ]
    return tabulate(
        rows,
        headers=("what the tap relies on", "source", "this account"),
        tablefmt="grid",
        maxcolwidths=[*WIDTHS],
        disable_numparse=True,
    )


def as_fields(verified: Verified) -> dict[str, Any]:
    """Return what an account shows of an assumption, and what follows if it does not hold."""
    assumption = ASSUMPTION_OF[verified.assumption]
    return {
        **verified._asdict(),
        "belief": assumption.belief,
        "source": assumption.source,
        "loses_rows": assumption.loses_rows,
        "harm": assumption.harm,
        "remedy": assumption.remedy,
    }


def failed(verified: Iterable[Verified]) -> list[tuple[Assumption, str]]:
    """Return the assumptions that do not hold, each with what was seen instead."""
    return [
        (ASSUMPTION_OF[one.assumption], one.seen) for one in verified if one.outcome is Shown.FAILS
    ]
