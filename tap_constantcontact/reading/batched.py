"""The shape of a report on many parents per request, with their ids in the path."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from pendulum import DateTime
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.windows import DateSettings
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import Plan, added, pages
from tap_constantcontact.reading.parents import Parents, ParentType
from tap_constantcontact.reading.parts import PartType
from tap_constantcontact.reading.sweeps import Sweeps
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Place

DETAILS_AT_A_TIME = 500
"""Maximum number of parents whose details are requested before the report on their parts."""


class BatchedReport(ConstantContactStream):
    """A report on many parents per request, in a sweep over as many runs as it takes.

    A single malformed id makes the API respond with 404 for the whole request. (Contract.) The ids
    are then split in half and requested again, until the bad id is alone; it is skipped. For an
    unknown id there is no row, but an entry under `errors`. (Contract.)

    Assumption: `unknown-campaigns-are-told`.

    Attributes that a stream may set:
        parents: The type of the parents.
        parts: The type of their parts, if the report is on these.
        ids: Name of the path's placeholder for the ids, which are joined by commas.
        ids_a_request: Maximum number of ids a request.
    """

    parents: ClassVar[ParentType]
    parts: ClassVar[PartType | None] = None
    ids: ClassVar[str]
    ids_a_request: ClassVar[int]

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        settings = DateSettings.of(run.config)
        self.sweeps = Sweeps(self, settings, 0, filters=self.parents.filters, others=())

    @classmethod
    @override
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        if stream := cls.parents.stream:
            yield stream

    @override
    def order(self) -> tuple[int, str]:
        return self.sweeps.order() if self.parts else super().order()

    @override
    def reading_began(self) -> DateTime:
        return self.sweeps.current.began

    @override
    def read(self) -> Iterator[Record]:
        parents = self.run.once(Parents, self.parents)
        if self.is_sampled:
            places = parents.sample()
            while some := [*islice(places, self.ids_a_request)]:
                yield from self.rows_about([one for _, one in self._subjects(some)])
            return
        self.sweeps.begin()
        for place, rows in self._sweep(self.sweeps.current.rest(parents.all())):
            yield from rows
            if place:
                self.sweeps.move_on(place)
        self.sweeps.finish()

    def _sweep(self, places: Sequence[Place]) -> Iterator[tuple[Place | None, list[Record]]]:
        """Yield the rows of each request, with the last parent of which no rows are missing."""
        waiting: list[tuple[Place, str]] = []
        while places:
            number = self._payable()
            some, places = places[:number], places[number:]
            waiting += self._subjects(some)
            is_last = not places or self.run.connection.quota.is_scarce
            while len(waiting) >= self.ids_a_request or (waiting and is_last):
                asked, waiting = waiting[: self.ids_a_request], waiting[self.ids_a_request :]
                rows = [*self.rows_about([one for _, one in asked])]
                self.run.progress.skip(len(asked) - len(rows))
                unfinished = waiting[0][0] if waiting else None
                whole = [place for place, _ in asked if place != unfinished]
                yield (whole[-1] if whole else None), rows
            if not waiting:
                yield some[-1], []

    def _payable(self) -> int:
        """Return of how many parents the run can request the details and the report."""
        if self.parts is None:
            return sys.maxsize
        left = self.run.connection.quota.left * self.ids_a_request / (self.ids_a_request + 1)
        return max(1, int(min(left, DETAILS_AT_A_TIME)))

    def _subjects(self, places: Sequence[Place]) -> list[tuple[Place, str]]:
        """Return the ids to ask for, of the parents or of their parts, each with its parent."""
        parts = self.parts
        if parts is None:
            return [(place, place.parent_id) for place in places]
        found = self.in_order(lambda place: parts.keys(self.run, place.parent_id) or [], places)
        tracked = self.run.progress.track(self.name, found, self.parents.unit, len(places))
        return [(place, part_id) for place, part_ids in tracked for part_id in part_ids]

    def rows_about(self, ids: Sequence[str]) -> Iterator[Record]:
        """Yield the rows about some ids; those that the API does not know have none."""
        for first in range(0, len(ids), self.ids_a_request):
            yield from self._rows_of(ids[first : first + self.ids_a_request])

    @override
    def plan(self) -> Plan:
        listing = self.run.once(Parents, self.parents).plan(self.sweeps.under_way())
        requests = pages(listing.rows or 0, self.ids_a_request, shrinks=False)
        details = 0 if self.parts is None else listing.rows
        return Plan(listing.rows, added(listing.requests, details, requests))

    def _rows_of(self, ids: Sequence[str]) -> list[Record]:
        try:
            return [*self.all_rows({self.ids: ids})]
        except NotFoundError:
            if len(ids) == 1:
                return []
            middle = (len(ids) + 1) // 2
            return self._rows_of(ids[:middle]) + self._rows_of(ids[middle:])
