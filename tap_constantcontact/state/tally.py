"""Tallies: what was counted at one instant, as a short text that a state can hold."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

BUCKETS = 96
"""Number of sums in a tally, which takes 128 characters."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of many parents, such as the opens of campaigns, as sums of one byte each.

    Each parent's count is added to the sum of the bucket that its key falls into. If a count moves,
    so does the sum, and all parents in its bucket count as moved. A growth by exactly a multiple of
    256 goes unnoticed.

    Attributes:
        sums: The sum of each bucket, modulo 256.
        moved: By how much each sum had grown, modulo 256, when the sweep under way began; None for
            a sum that may have grown by any number. Empty if no sweep is under way.

    Example:
        >>> before, after = Tally.of({"a": 7, "b": 2}), Tally.of({"a": 8, "b": 2})
        >>> after.growth_of("a", before), after.growth_of("b", before)
        (1, 0)
        >>> kept = after.since(before)
        >>> Tally.parse(str(kept)) == kept
        True
        >>> Tally.of({"a": 10, "b": 2}).growth_of("a", kept)
        3
    """

    sums: bytes
    moved: tuple[int | None, ...] = ()

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
        sums, colon, moved = text.partition(":")
        return cls(_decoded(sums, BUCKETS), _parsed_growth(moved) if colon else ())

    def __str__(self) -> str:
        return _encoded(self.sums) + (f":{_growth_text(self.moved)}" if self.moved else "")

    def growth_of(self, parent_id: str, before: Tally | None) -> int | None:
        """Return by how much the sum of a parent's bucket grew, modulo 256; None if unknown."""
        return self._growth(bucket_of(parent_id), before)

    def since(self, before: Tally | None) -> Tally:
        """Return this tally with the growth since another one, or since before that one's sweep."""
        return replace(self, moved=tuple(self._growth(n, before) for n in range(BUCKETS)))

    def flagged(self) -> Tally:
        """Return this tally with which sums grew, not by how much: in 16 characters, not 128."""
        return replace(self, moved=tuple(None if growth else growth for growth in self.moved))

    def _growth(self, bucket: int, before: Tally | None) -> int | None:
        if before is None:
            return None
        earlier = before.moved[bucket] if before.moved else 0
        return (
            None if earlier is None else (earlier + self.sums[bucket] - before.sums[bucket]) % 256
        )


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


def _growth_text(moved: Sequence[int | None]) -> str:
    """Return a byte for each number if all are known, or else a bit each for what moved."""
    known = [growth for growth in moved if growth is not None]
    if len(known) == BUCKETS and any(known):
        return _encoded(bytes(known))
    bits = sum((growth != 0) << bucket for bucket, growth in enumerate(moved))
    return _encoded(bits.to_bytes(BUCKETS // 8, "big"))


def _parsed_growth(text: str) -> tuple[int | None, ...]:
    if len(text) > len(_encoded(bytes(BUCKETS // 8))):
        return tuple(_decoded(text, BUCKETS))
    bits = int.from_bytes(_decoded(text, BUCKETS // 8), "big")
    return tuple(None if bits >> bucket & 1 else 0 for bucket in range(BUCKETS))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str, size: int) -> bytes:
    data = base64.b64decode(text, validate=True)
    if len(data) != size:
        raise ValueError("not a tally")
    return data
