"""Tallies: what was counted at one instant, as a short text that a state can hold."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS = 96
"""Number of sums in a tally, which takes 128 characters."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of many parents, such as the opens of campaigns, as sums of one byte each.

    Each parent's count is added to the sum of the bucket that its key falls into. If a count moves,
    so does the sum, and all parents in its bucket count as moved. A growth by exactly a multiple of
    256 goes unnoticed.

    Example:
        >>> before, after = Tally.of({"a": 7, "b": 2}), Tally.of({"a": 8, "b": 2})
        >>> after.growth_of("a", before), after.growth_of("b", before)
        (1, 0)
        >>> Tally.parse(str(after)) == after
        True
    """

    sums: bytes

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Tally:
        """Return the tally of some parents' counts, by the parents' keys."""
        sums = [0] * BUCKETS
        for parent_id, count in counts.items():
            sums[bucket_of(parent_id)] += count
        return cls(bytes(number % 256 for number in sums))

    @classmethod
    def parse(cls, text: str) -> Tally:
        """Return the tally of a text.

        Raises:
            ValueError: The text is not that of a tally.
        """
        sums = base64.b64decode(text, validate=True)
        if len(sums) != BUCKETS:
            raise ValueError("not a tally")
        return cls(sums)

    def __str__(self) -> str:
        return base64.b64encode(self.sums).decode()

    def growth_of(self, parent_id: str, other: Tally) -> int:
        """Return by how much the sum of a parent's bucket exceeds that in another, modulo 256."""
        bucket = bucket_of(parent_id)
        return (self.sums[bucket] - other.sums[bucket]) % 256


def bucket_of(parent_id: str) -> int:
    """Return the number of the bucket that a parent's key falls into."""
    return zlib.crc32(parent_id.encode()) % BUCKETS


def joined(tallies: Mapping[str, Tally]) -> str:
    """Return one text for several tallies by name.

    Example:
        >>> parsed(joined({"opens": Tally.of({"a": 7})})) == {"opens": Tally.of({"a": 7})}
        True
    """
    return " ".join(f"{name}={tally}" for name, tally in tallies.items())


def parsed(text: str) -> dict[str, Tally]:
    """Return the tallies of a text by name.

    Raises:
        ValueError: The text is not one of tallies.
    """
    pairs = (pair.split("=") for pair in text.split(" "))
    return {name: Tally.parse(tally) for name, tally in pairs}
