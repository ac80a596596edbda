"""The keys of rows that were read before."""

from __future__ import annotations

from collections.abc import Hashable

RECENT = 20_000
"""Number of keys after which older ones may be forgotten.

A row that joins a list pushes others onto the next page, where they appear again; so what appears
twice does so soon. All keys of a million contacts would take some 150 MB.
"""


class Seen:
    """Tells which rows are new: exactly for the last `RECENT` rows, and maybe for older ones.

    Example:
        >>> seen = Seen()
        >>> seen.add("a"), seen.add("a")
        (True, False)
    """

    def __init__(self) -> None:
        self._recent: set[Hashable] = set()
        self._older: set[Hashable] = set()

    def add(self, key: Hashable) -> bool:
        """Note a key, and return whether it is new."""
        if key in self._recent or key in self._older:
            return False
        if len(self._recent) == RECENT:
            self._older, self._recent = self._recent, set()
        self._recent.add(key)
        return True


class AllSeen(Seen):
    """Tells which rows are new, however long ago a row was read."""

    def add(self, key: Hashable) -> bool:
        """Note a key, and return whether it is new."""
        if key in self._recent:
            return False
        self._recent.add(key)
        return True
