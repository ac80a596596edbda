"""The shape of a report on many parents per request, with their ids in the path."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import Plan, added, pages
from tap_constantcontact.reading.parents import Parents, ParentType
from tap_constantcontact.reading.parts import PartType
from tap_constantcontact.records.rows import Record
from tap_constantcontact.state.bookmarks import START, Place
from tap_constantcontact.transport.workers import in_order


class BatchedReport(ConstantContactStream):
    """A report on many parents per request.

    A single malformed id makes the API respond with 404 for the whole request. (Contract.) The ids
    are then split in half and requested again, until the bad id is alone; it is skipped. For an
    unknown id there is no row, but an entry under `errors`. (Contract.)

    Assumption: `unknown-campaigns-are-told`.

    Attributes that a stream may set:
        parents: The type of the parents.
        parts: The type of their parts, if the report is on these and not on the parents.
        ids: Name of the path's placeholder for the ids, which are joined by commas.
        ids_a_request: Maximum number of ids a request.
    """

    parents: ClassVar[ParentType]
    parts: ClassVar[PartType | None] = None
    ids: ClassVar[str]
    ids_a_request: ClassVar[int]

    @classmethod
    @override
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        if stream := cls.parents.stream:
            yield stream

    @override
    def read(self) -> Iterator[Record]:
        parents = self.run.once(Parents, self.parents)
        if not self.is_sampled:
            yield from self._rows_for(parents.after(START))
            return
        places = parents.sample()
        while some := [*itertools.islice(places, self.ids_a_request)]:
            yield from self._rows_for(some)

    def _rows_for(self, places: Sequence[Place]) -> Iterator[Record]:
        ids = [place.parent_id for place in places]
        if self.parts is not None:
            ids = self._parts_of(ids)
        known = 0
        for row in self.rows_about(ids):
            known += 1
            yield row
        self.run.progress.skip(len(ids) - known)

    def _parts_of(self, parent_ids: Sequence[str]) -> list[str]:
        connection = self.run.connection
        found = in_order(
            self._parts_of_one,
            parent_ids,
            connection.turns,
            connection.ahead,
            connection.concurrency.most,
        )
        tracked = self.run.progress.track(self.name, found, self.parents.unit, len(parent_ids))
        return [key for _, keys in tracked for key in keys]

    def _parts_of_one(self, parent_id: str) -> list[str]:
        assert self.parts is not None  # noqa: S101 - only called if there are parts
        try:
            return self.parts.keys(self.run, parent_id)
        except NotFoundError:
            return []

    def rows_about(self, parent_ids: Sequence[str]) -> Iterator[Record]:
        """Yield the rows of some parents; those that the API does not know have none."""
        for batch in _batches(parent_ids, self.ids_a_request):
            yield from self._rows_of(batch)

    @override
    def plan(self) -> Plan:
        listing = self.run.once(Parents, self.parents).plan(START)
        requests = pages(listing.rows or 0, self.ids_a_request, shrinks=False)
        details = 0 if self.parts is None else listing.rows
        return Plan(listing.rows, added(listing.requests, details, requests))

    def _rows_of(self, parent_ids: Sequence[str]) -> Iterator[Record]:
        try:
            records = [*self.all_rows({self.ids: parent_ids})]
        except NotFoundError:
            if len(parent_ids) == 1:
                return
            for half in _batches(parent_ids, -(-len(parent_ids) // 2)):
                yield from self._rows_of(half)
        else:
            yield from records


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    remaining = iter(ids)
    while batch := [*itertools.islice(remaining, size)]:
        yield batch
