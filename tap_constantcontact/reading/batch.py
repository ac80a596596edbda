"""The parents that a sweep reads next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tap_constantcontact.state.bookmarks import Place


class Batch(NamedTuple):
    """Parents that a sweep reads next.

    Attributes:
        due: The parents, in order.
        end: The place that the sweep has reached after them, though none of them may be due.
        number: Minimum number of parents that the sweep has still to read in all.
    """

    due: Sequence[Place]
    end: Place | None
    number: int

    @property
    def total(self) -> int | None:
        """Number of parents that the sweep has still to read in all; None if it is not known."""
        return self.number if self.end is None or self.number > len(self.due) else None

    @classmethod
    def of(cls, due: Sequence[Place]) -> Batch:
        """Return the only batch of a sweep."""
        return cls(due, None, len(due))
