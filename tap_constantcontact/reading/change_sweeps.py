"""The sweeps of a report that reads a parent again only when its counts have moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_constantcontact.config.dates import days_before, parse_instant
from tap_constantcontact.config.windows import Window
from tap_constantcontact.reading.counts import Counts
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.sweeps import Reach, Sweeps
from tap_constantcontact.records.conversion import rfc3339
from tap_constantcontact.state.bookmarks import Sweep
from tap_constantcontact.state.tally import Tally, joined, parsed

if TYPE_CHECKING:
    from tap_constantcontact.client import ConstantContactStream


class ChangeSweeps(Sweeps):
    """The sweeps of a report that reads a parent again only when its counts have moved.

    The bookmark holds the tallies of the watched parents' counts, taken before the last finished
    sweep read any event. A parent is due if its tally differs now. Parents that are not watched are
    due in full readings: the first one, and one every `full_sweep_days`. A full reading skips the
    parents without any event.

    Args:
        stream: The report.
        reach: How far its sweeps reach.
        parents: The type of the parents.
        groups: Names of the counts to compare, in groups by name.
    """

    def __init__(
        self,
        stream: ConstantContactStream,
        reach: Reach,
        parents: ParentType,
        groups: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(stream, reach)
        self._parents = parents
        self._groups = groups
        self._shape = (*self._shape, self._run.config["full_sweep_days"])

    @property
    def _counts(self) -> Counts:
        counts: Counts = self._run.counts[self._parents]
        return counts

    @override
    def begin(self) -> tuple[Sweep, Window]:
        sweep, window = super().begin()
        self._bookmark.write_all_keys("full_read_at", "counts", "next_counts")
        last = self._bookmark["full_read_at"]
        if last and self.is_full(sweep):
            start = days_before(parse_instant(last), self._lookback_days).start_of("minute")
            window = Window(min(start, window.start), window.end)
        return sweep, window

    def is_full(self, sweep: Sweep) -> bool:
        """Return whether a sweep reads the parents that are not watched as well."""
        days = self._run.config["full_sweep_days"]
        last = self._bookmark["full_read_at"]
        if self._increment.value is None or self._fixed_window(sweep):
            return True
        return days > 0 and (not last or parse_instant(last) <= days_before(sweep.began, days))

    def due(self, sweep: Sweep, parent_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return the parents that a sweep reads, with the names of the groups that moved.

        Args:
            sweep: The sweep.
            parent_ids: Keys of the parents that it has still to visit.
        """
        now = {name: self._counts.tally(names) for name, names in self._groups.items()}
        if self.under_way() is None and self._keeps_counts(sweep):
            self._bookmark.update(next_counts=joined(now))
        return (
            self._with_events(parent_ids) if self.is_full(sweep) else self._moved(parent_ids, now)
        )

    def counted(self, parent_id: str, groups: Iterable[str]) -> dict[str, int | None]:
        """Return those counts of a parent in some groups that are not 0; None for unknown ones."""
        names = [name for group in groups for name in self._groups[group]]
        counts = {name: self._counts.of([parent_id], [name])[parent_id] for name in names}
        return {name: count for name, count in counts.items() if count != 0}

    def _moved(
        self, parent_ids: Sequence[str], now: Mapping[str, Tally]
    ) -> Mapping[str, frozenset[str]]:
        before = parsed(self._bookmark["counts"]) if self._bookmark["counts"] else {}
        moved = {
            parent_id: frozenset(
                name
                for name, tally in now.items()
                if name not in before or tally.differs_for(parent_id, before[name])
            )
            for parent_id in parent_ids
            if parent_id in self._counts.watched
        }
        return {parent_id: groups for parent_id, groups in moved.items() if groups}

    def _with_events(self, parent_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        due: dict[str, set[str]] = {}
        for group, names in self._groups.items():
            for parent_id, count in self._counts.of(parent_ids, names).items():
                if count != 0:
                    due.setdefault(parent_id, set()).add(group)
        return {
            parent_id: frozenset(due[parent_id]) for parent_id in parent_ids if parent_id in due
        }

    @override
    def finish(self, sweep: Sweep) -> None:
        was_full = self.is_full(sweep)
        super().finish(sweep)
        if self._keeps_counts(sweep):
            self._bookmark.update(counts=self._bookmark["next_counts"], next_counts=None)
            if was_full:
                self._bookmark.update(full_read_at=rfc3339(sweep.began))

    def _keeps_counts(self, sweep: Sweep) -> bool:
        return self._increment.is_wanted and self._fixed_window(sweep) is None
