"""Which parents a report reads: all, those that changed, or those whose counts moved."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.config.dates import BEGINNING, parse_instant, rfc3339
from tap_constantcontact.config.windows import Window
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.reading.counts import EventCounts
from tap_constantcontact.reading.incremental import is_long_ago
from tap_constantcontact.reading.parents import Batch, Parents, ParentType
from tap_constantcontact.reading.sweeps import Sweeps
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Place, Sweep
from tap_constantcontact.state.tally import Tally, joined, parsed


class All:
    """All parents.

    Attributes:
        most_ahead: Maximum number of parents read ahead.
        settings: Names of the settings that decide which parents are read.
    """

    most_ahead: ClassVar[int] = sys.maxsize
    settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parents: ParentType) -> None:
        self.parents = parents

    def window(self, sweeps: Sweeps) -> Window:
        """Return the window of the rows to read."""
        return sweeps.window()

    def begin(self, sweeps: Sweeps) -> None:
        """Note in the bookmark what has to be known when the sweep is over."""

    def batches(self, sweeps: Sweeps, sweep: Sweep) -> Iterator[Batch]:
        """Yield the parents that the sweep has still to read, in order, some at a time."""
        return sweeps.run.once(Parents, self.parents).batches(sweep)

    def sample(self, run: Run) -> Iterator[Place]:
        """Yield parents in any order, each requested when it is needed."""
        return run.once(Parents, self.parents).sample()

    def finish(self, sweeps: Sweeps) -> None:
        """Note in the bookmark what the next sweep has to know."""

    def listing(self, sweeps: Sweeps) -> Plan:
        """Return the number of parents to read, and of requests to learn which these are."""
        return sweeps.run.once(Parents, self.parents).plan(sweeps.current)

    def is_full(self, sweeps: Sweeps) -> bool:  # noqa: ARG002
        """Return whether a sweep does without the counts that an earlier one left."""
        return True

    def counts(self, sweeps: Sweeps) -> list[dict[str, int | None]] | None:  # noqa: ARG002
        """Return the counts of events to read of each parent, or None if they are not known."""
        return None

    def fields(self, run: Run, parent_id: str) -> Record:  # noqa: ARG002
        """Return the fields of a parent that each of its rows gets."""
        return {}

    def compare(self, sweeps: Sweeps, parent_id: str, rows: int) -> None:
        """Warn if a parent has fewer rows than its counts tell, where these are known."""


class Changed(All):
    """The parents that changed in the window; each row gets the date of its parent's change."""

    @override
    def batches(self, sweeps: Sweeps, sweep: Sweep) -> Iterator[Batch]:
        start = self.window(sweeps).start
        parents = sweeps.run.once(Parents, self.parents)
        yield Batch.of(sweep.rest(parents.changed_since(start)))

    @override
    def listing(self, sweeps: Sweeps) -> Plan:
        (batch,) = self.batches(sweeps, sweeps.current)
        return Plan(batch.number, super().listing(sweeps).requests)

    @override
    def fields(self, run: Run, parent_id: str) -> Record:
        return run.once(Parents, self.parents).change_of(parent_id)


class Moved(All):
    """The parents whose counts of events moved.

    The bookmark holds the tallies of the watched parents' counts, taken when the last sweep began,
    and while that is under way, what had moved by then. A parent is due if its tally moved. Others
    are due in full readings: the first one, and one every `full_sweep_days`. These skip the parents
    without any event.

    Args:
        stats: The report on the parents that tells the counts.
        groups: Names of the counts that move when there are new events, in groups by name.
        keeps_growth: Whether a sweep that goes on has to know by how much a tally grew.
    """

    settings: ClassVar[tuple[str, ...]] = ("full_sweep_days",)
    most_ahead: ClassVar[int] = 2  # the events of one parent may take much room

    def __init__(
        self,
        stats: type[BatchedReport],
        groups: Mapping[str, tuple[str, ...]],
        *,
        keeps_growth: bool = False,
    ) -> None:
        super().__init__(stats.parents)
        self.stats = stats
        self.groups = groups
        self._keeps_growth = keeps_growth

    def _counts(self, sweeps: Sweeps) -> EventCounts:
        return sweeps.run.once(EventCounts, self.stats)

    @override
    def window(self, sweeps: Sweeps) -> Window:
        window = sweeps.window()
        last = sweeps.bookmark["full_read_at"]
        if last and self.is_full(sweeps):
            return Window(min(sweeps.reread_from(parse_instant(last)), window.start), window.end)
        return window

    @override
    def is_full(self, sweeps: Sweeps) -> bool:
        if sweeps.increment.value is None or sweeps.fixed_window:
            return True
        days = sweeps.run.config["full_sweep_days"]
        return is_long_ago(sweeps.bookmark["full_read_at"], days, sweeps.current.began)

    @override
    def begin(self, sweeps: Sweeps) -> None:
        sweeps.bookmark.ensure("full_read_at", "counts")
        if sweeps.under_way() is None and sweeps.moves_bookmark:
            before, now = self._kept(sweeps), self._tallies(sweeps)
            grown = {name: tally.since(before.get(name)) for name, tally in now.items()}
            if not self._keeps_growth:
                grown = {name: tally.flagged() for name, tally in grown.items()}
            sweeps.bookmark.update(counts=joined(grown), sweep=str(sweeps.current))

    @override
    def sample(self, run: Run) -> Iterator[Place]:
        places = super().sample(run)
        counts = run.once(EventCounts, self.stats)
        names = [*chain.from_iterable(self.groups.values())]
        while some := [*islice(places, self.stats.ids_a_request)]:
            counts.request(place.parent_id for place in some)
            yield from (place for place in some if counts.of(place.parent_id, names) != 0)

    @override
    def batches(self, sweeps: Sweeps, sweep: Sweep) -> Iterator[Batch]:
        """Yield the parents that are due.

        A full reading requests the counts of as many parents at a time as it can pay for, and none
        if that would leave it too few requests to read a parent.
        """
        counts = self._counts(sweeps)
        rest = sweep.rest(sweeps.run.once(Parents, self.parents).all())
        if not self.is_full(sweeps):
            rest = [place for place in rest if place.parent_id in counts.watched]
        payable = sweeps.run.connection.quota.left // 4
        size = int(min(max(1, payable) * self.stats.ids_a_request, len(rest) + 1))
        for first in range(0, len(rest), size):
            some = rest[first : first + size]
            if payable:
                counts.request(place.parent_id for place in some)
            due = [place for place in some if self._moved(sweeps, place.parent_id)]
            end = some[-1] if first + size < len(rest) else None
            yield Batch(due, end, len(due))

    def due(self, sweeps: Sweeps, sweep: Sweep) -> list[Place]:
        """Return all parents that are due."""
        return [place for batch in self.batches(sweeps, sweep) for place in batch.due]

    def _moved(self, sweeps: Sweeps, parent_id: str) -> list[str]:
        """Return the names of the groups in which a parent has new events."""
        if self.is_full(sweeps):
            counts = self._counts(sweeps)
            return [name for name, of in self.groups.items() if counts.of(parent_id, of) != 0]
        return [name for name, growth in self.growths(sweeps, parent_id).items() if growth != 0]

    def growths(self, sweeps: Sweeps, parent_id: str) -> dict[str, int | None]:
        """Return by how much each group's tally grew for a parent, modulo 256; None if unknown."""
        before, now = self._kept(sweeps), self._tallies(sweeps)
        return {name: now[name].growth_of(parent_id, before.get(name)) for name in now}

    def _kept(self, sweeps: Sweeps) -> Mapping[str, Tally]:
        kept = sweeps.bookmark["counts"]
        return parsed(kept) if kept else {}

    def _tallies(self, sweeps: Sweeps) -> Mapping[str, Tally]:
        counts = self._counts(sweeps)
        return {name: counts.tally(names) for name, names in self.groups.items()}

    def moved(self, sweeps: Sweeps, parent_id: str) -> dict[str, int | None]:
        """Return the counts of a parent in the groups that moved; None for unknown ones.

        Counts of 0 are left out: there are no such events to read.
        """
        counts = self._counts(sweeps)
        groups = self._moved(sweeps, parent_id)
        names = chain.from_iterable(self.groups[group] for group in groups)
        found = {name: counts.of(parent_id, [name]) for name in names}
        return {name: count for name, count in found.items() if count != 0}

    @override
    def compare(self, sweeps: Sweeps, parent_id: str, rows: int) -> None:
        counted = self._counts(sweeps).of(parent_id, [*chain.from_iterable(self.groups.values())])
        if self.window(sweeps).start == BEGINNING and rows < (counted or 0):
            sweeps.run.doubt(
                "counts-equal-rows",
                sweeps.stream.name,
                f"a list has {rows:,} rows and the counts tell {counted:,}, so rows may be missing",
            )

    @override
    def counts(self, sweeps: Sweeps) -> list[dict[str, int | None]]:
        return [self.moved(sweeps, place.parent_id) for place in self.due(sweeps, sweeps.current)]

    @override
    def listing(self, sweeps: Sweeps) -> Plan:
        listing = sweeps.run.once(Parents, self.parents).plan()
        return Plan(len(self.due(sweeps, sweeps.current)), listing.requests)

    @override
    def finish(self, sweeps: Sweeps) -> None:
        if sweeps.moves_bookmark:
            bookmark = sweeps.bookmark
            if self.is_full(sweeps):
                bookmark.update(full_read_at=rfc3339(sweeps.current.began))
            settled = {name: Tally(tally.sums) for name, tally in self._kept(sweeps).items()}
            bookmark.update(counts=joined(settled) or None)
