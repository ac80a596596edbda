"""The counts of events of each parent, which show whose events are new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.reading.parents import Parents
from tap_constantcontact.run import Run
from tap_constantcontact.state.tally import Tally

WATCHED = 300
"""Number of parents whose counts each run compares: those that changed last."""


class EventCounts:
    """The counts of parents, each requested once a run, from a report's `stats`."""

    def __init__(self, run: Run, stats: type[BatchedReport]) -> None:
        self._stats = run.once(stats)
        self._parents = run.once(Parents, stats.parents)
        self._known: dict[str, Mapping[str, int | None]] = {}
        self._tallies: dict[tuple[str, ...], Tally] = {}

    def request(self, parent_ids: Iterable[str]) -> None:
        """Request the counts of those parents whose counts are not known yet, many at a time."""
        if missing := [parent_id for parent_id in parent_ids if parent_id not in self._known]:
            rows = self._stats.rows_about(missing)
            told = {str(row[self._stats.parents.key]): row.get("stats") or {} for row in rows}
            self._known |= {key: {} for key in missing} | told

    def of(self, parent_id: str, names: Sequence[str]) -> int | None:
        """Return the sum of counts such as `em_opens_all`, or None if none is known."""
        stats = self._known.get(parent_id, {})
        known = [count for name in names if (count := stats.get(name)) is not None]
        return sum(known) if known else None

    @cached_property
    def watched(self) -> frozenset[str]:
        """The keys of the parents that changed last."""
        self._parents.all()
        return frozenset(self._parents.changed_last(WATCHED))

    def tally(self, names: tuple[str, ...]) -> Tally:
        """Return the tally of the sums of some counts of the watched parents."""
        if names not in self._tallies:
            watched = sorted(self.watched)
            self.request(watched)
            counts = {parent_id: self.of(parent_id, names) or 0 for parent_id in watched}
            self._tallies[names] = Tally.of(counts)
        return self._tallies[names]
