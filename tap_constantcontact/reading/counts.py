"""The counts of events of each parent, which show whose events are new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from tap_constantcontact.reading.batched import ParentsPerRequest
from tap_constantcontact.reading.parents import Parents
from tap_constantcontact.state.bookmarks import START
from tap_constantcontact.state.tally import Tally

WATCHED = 300
"""Number of parents whose counts each run compares: those that changed last."""


class Counts:
    """The counts of the parents of one type, requested once a run.

    Args:
        stream: The report that tells the counts, under `stats`.
        parents: The parents.
    """

    def __init__(self, stream: ParentsPerRequest, parents: Parents) -> None:
        self._stream = stream
        self._parents = parents
        self._stats: dict[str, Mapping[str, int | None]] = {}

    def of(self, parent_ids: Iterable[str], names: Sequence[str]) -> dict[str, int | None]:
        """Return the sum of some counts of each parent, or None if the API tells none.

        Args:
            parent_ids: Keys of the parents.
            names: Names of the counts, such as `em_opens_all`.
        """
        wanted = [*parent_ids]
        if missing := [parent_id for parent_id in wanted if parent_id not in self._stats]:
            for row in self._stream.rows_about(missing):
                self._stats[str(row[self._parents.key])] = row.get("stats") or {}
            for parent_id in missing:
                self._stats.setdefault(parent_id, {})
        return {parent_id: _sum(self._stats[parent_id], names) for parent_id in wanted}

    @cached_property
    def watched(self) -> frozenset[str]:
        """The keys of the parents that changed last."""
        self._parents.after(START)
        return frozenset(self._parents.changed_last(WATCHED))

    def tally(self, names: Sequence[str]) -> Tally:
        """Return the tally of the sums of some counts of the watched parents."""
        counts = self.of(sorted(self.watched), names)
        return Tally.of({parent_id: count or 0 for parent_id, count in counts.items()})


def _sum(stats: Mapping[str, int | None], names: Sequence[str]) -> int | None:
    known = [count for name in names if (count := stats.get(name)) is not None]
    return sum(known) if known else None
