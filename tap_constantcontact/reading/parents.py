"""The parents of reports, such as contacts: listed once a run, in the order of a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import pendulum
from pendulum import DateTime

from tap_constantcontact.config.dates import date_parameter, instant_of
from tap_constantcontact.limits.plan import Plan, in_all
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import OVERLAP, Change, Creation, Query
from tap_constantcontact.reading.spool import Spool
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Place, Sweep

SAMPLE = 2
"""Number of parents to read in test mode."""

EVERYTHING = (-math.inf, math.inf)
"""The instants between which all parents were created."""


@dataclass(frozen=True)
class ParentType:
    """A type of parent, such as contacts, and how to list them.

    Attributes:
        key: Name of their key, in the collection's rows and in the report's path and records.
        stream: The collection that lists them; None if only a setting gives their ids.
        filters: Names of the settings that restrict which parents are listed.
        given_by: Name of the setting that gives their ids, so that they need not be listed.
        changed: How the collection tells and filters when a parent last changed.
        leaves_out: Query parameters of the collection that listing parents does not need.
        is_wanted: Returns whether a listed row is a parent of the reports, given the settings.
        counted_by: Converts a query into one whose total counts only such parents.
    """

    key: str
    stream: type[Collection] | None = None
    filters: tuple[str, ...] = ()
    given_by: str | None = None
    changed: Change | None = None
    leaves_out: tuple[str, ...] = ()
    is_wanted: Callable[[Record, Mapping[str, Any]], bool] = lambda *_: True
    counted_by: Callable[[Query, Mapping[str, Any]], Query] = lambda query, _: query

    @property
    def unit(self) -> str:
        """What they are called in the progress of a report."""
        return self.stream.name if self.stream else self.given_by or self.key


class Batch(NamedTuple):
    """Parents that a sweep reads next.

    Attributes:
        due: The parents, in order.
        end: The place that the sweep has reached after them; None at its end.
        number: Minimum number of parents that the sweep has still to read in all.
    """

    due: Sequence[Place]
    end: Place | None
    number: int

    @property
    def total(self) -> int | None:
        """That number, if it is known; else None."""
        return self.number if self.end is None or self.number > len(self.due) else None

    @classmethod
    def of(cls, due: Sequence[Place]) -> Batch:
        """Return the only batch of a sweep."""
        return cls(due, None, len(due))


class Parents:
    """The parents of one type, listed as far as the reports have needed so far.

    Parents whose ids a setting gives are not listed, unless other filters are set as well.
    """

    def __init__(self, run: Run, of: ParentType) -> None:
        self._of = of
        self._run = run
        self._config = run.config
        self._created = of.stream.creation if of.stream else Creation()
        self._known: dict[str, Place] = {}
        self._top = self._bottom = -math.inf
        self._left = 0
        self._sizes: dict[float, Plan] = {}
        self._changed: dict[str, str] = {}
        self._since: dict[DateTime, list[Place]] = {}
        self._named = set(self._config.get(of.given_by or "") or ())
        filters = {*of.filters} - {of.given_by}
        is_filtered = any(self._config.get(name) for name in filters)
        self._are_given = not of.stream or (bool(self._named) and not is_filtered)
        if self._are_given:
            self._known = {parent_id: Place(0.0, parent_id) for parent_id in self._named}
            self._bottom, self._top = EVERYTHING

    @cached_property
    def _collection(self) -> Collection:
        assert self._of.stream is not None  # noqa: S101 - otherwise the parents are given
        return self._run.once(self._of.stream)

    @property
    def _change(self) -> Change:
        assert self._of.changed is not None  # noqa: S101 - or no report asks for changed ones
        return self._of.changed

    def all(self) -> Sequence[Place]:
        """Return all parents, listing those that are not known yet."""
        if (self._bottom, self._top) != EVERYTHING:
            self._known = {place.parent_id: place for place in self._listed({})}
            self._bottom, self._top = EVERYTHING
        return [*self._known.values()]

    @cached_property
    def keys(self) -> Spool[str]:
        """The keys of all parents, which take no memory; listed unless the parents are known."""
        are_known = (self._bottom, self._top) == EVERYTHING
        spool: Spool[str] = Spool(key=str)
        spool.add(found.parent_id for found in (self.all() if are_known else self._listed({})))
        return spool

    def batches(self, sweep: Sweep) -> Iterator[Batch]:
        """Yield the parents that a sweep has still to read.

        No more are listed at a time than the run can still read, so that any number of requests
        gets it somewhere.
        """
        if not self._may_be_cut:
            yield Batch.of(sweep.rest(self.all()))
            return
        top = sweep.place.created_at if sweep.place else math.inf
        if sweep.place is None or top <= sweep.settled:
            yield from self._down(sweep, top, -math.inf, sweep.settled)
            top = math.inf
        yield from self._down(sweep, top, sweep.settled, math.inf)

    def _down(self, sweep: Sweep, top: float, low: float, high: float) -> Iterator[Batch]:
        """Yield the parents from `top` down that were created after `low`, and not after `high`."""
        bottom = math.inf
        while bottom > low:
            bottom = max(low, self._know(top, low, high))
            due = sweep.rest(
                place for place in self._known.values() if bottom < place.created_at <= high
            )
            end = Place(bottom, "") if bottom > low else None
            yield Batch(due, end, max(len(due), self._left if end else 0))
            sweep = replace(sweep, place=end or sweep.place)
            top = bottom

    def _know(self, top: float, low: float, high: float) -> float:
        """Know the parents from `top` down to an instant, and return that instant."""
        if self._bottom < top <= self._top:
            return self._bottom
        stop = self._top if low < self._top < top else low
        found, bottom = self._listed_down(top, stop, high)
        if top == self._bottom:
            self._bottom = bottom
        elif bottom == self._top:
            self._top = top
        elif low < self._top or not self._known:
            self._known.clear()
            self._bottom, self._top = bottom, top
        self._known |= found
        return bottom

    def _listed_down(self, top: float, stop: float, high: float) -> tuple[dict[str, Place], float]:
        """Return parents from `top` down, and the instant after which they are all there are.

        A list that does not come newest first is read to its end.
        """
        (query,) = self._queries(self._bounds(top, stop))
        count = {"include_count": "true"} if query.has_total else {}
        context = {**query.parameters, "limit": self._collection.page_size, **count}
        found: dict[str, Place] = {}
        last, descends, rows, total = math.inf, True, 0, 0
        quota = self._run.connection.quota
        most_pages = quota.left / 2
        for number, page in enumerate(self._collection.pages(context), 1):
            total = total or page.total or 0
            found |= {place.parent_id: place for place in self._chosen(page.rows)}
            rows += len(page.rows)
            for row in page.rows:
                created = Place.of(row.get(self._created.at), "").created_at
                descends &= created <= last
                last = created
            is_enough = len(found) >= quota.left or number >= most_pages
            if page.next_link and is_enough and descends and last <= high and last < top:
                self._left = total * len(found) // rows
                whole = sum(last < place.created_at <= high for place in found.values())
                if whole >= quota.left or number >= most_pages:
                    return found, last
        self._collection.converter.report(self._collection.logger)
        return found, stop

    @property
    def _may_be_cut(self) -> bool:
        """Whether the list can be read down from an instant, and no row leaves it meanwhile."""
        if self._are_given or not self._created.before:
            return False
        queries = [*self._queries({})]
        return len(queries) == 1 and queries[0].takes_dates and not queries[0].shrinks

    def changed_since(self, start: DateTime) -> Sequence[Place]:
        """Return the parents that have changed since an instant."""
        if start not in self._since:
            bounds = {self._change.parameter: date_parameter(start - OVERLAP)}
            self._since[start] = [
                found
                for found in self._listed(bounds)
                if (instant_of(self._changed[found.parent_id]) or start) >= start
            ]
        return self._since[start]

    def change_of(self, parent_id: str) -> Mapping[str, str | None]:
        """Return the date of a listed parent's last change, by its name."""
        return {self._change.path: self._changed.get(parent_id) or None}

    def changed_last(self, number: int) -> Sequence[str]:
        """Return the keys of those up to `number` listed parents that changed last."""
        return sorted(self._changed, key=lambda key: (self._changed[key], key))[-number:]

    def sample(self) -> Iterator[Place]:
        """Yield the parents in any order, each page requested when it is needed; two in a test."""
        places = self._known.values() if self._are_given else self._one_by_one()
        return islice(places, SAMPLE if self._run.limit is None else None)

    def _one_by_one(self) -> Iterator[Place]:
        for query in self._queries({}):
            context = {**query.parameters, "limit": self._collection.page_size}
            for page in self._collection.pages(context):
                yield from self._chosen(page.rows)

    def plan(self, sweep: Sweep | None = None) -> Plan:
        """Return how many parents a sweep has still to read, and the requests to list them.

        Parents whose listing is already planned cost nothing more. A short list that the API does
        not count is read.
        """
        if self._are_given:
            return Plan(self._number(sweep), 0)
        top = sweep.place.created_at if sweep and sweep.place else math.inf
        size = self._sizes.get(top) or self._size(top, sweep)
        is_listed = any(planned >= top for planned in self._sizes)
        self._sizes[top] = size
        return Plan(size.rows, 0 if is_listed else size.requests)

    def _size(self, top: float, sweep: Sweep | None) -> Plan:
        settled = sweep.settled if sweep else math.inf
        bottom = settled if settled < top < math.inf else -math.inf
        bounds = self._bounds(top, bottom, timedelta())
        queries = [self._of.counted_by(query, self._config) for query in self._queries(bounds)]
        size = in_all(map(self._collection.plan_of, queries))
        if size.rows is None and all(query.is_short for query in queries):
            return Plan(self._number(sweep), size.requests)
        return size

    def _number(self, sweep: Sweep | None) -> int:
        return len(sweep.rest(self.all()) if sweep else self.all())

    def _listed(self, bounds: Mapping[str, str]) -> Iterator[Place]:
        for query in self._queries(bounds):
            yield from self._chosen(filter(query.is_wanted, self._collection.collect(query)))
        self._collection.converter.report(self._collection.logger)

    def _queries(self, bounds: Mapping[str, str]) -> Iterator[Query]:
        for query in self._collection.queries():
            bare = query.without(*self._of.leaves_out)
            yield bare.dated(bounds) if bare.takes_dates else bare

    def _chosen(self, records: Iterable[Record]) -> Iterator[Place]:
        for record in records:
            parent_id = str(record[self._of.key])
            is_named = not self._named or parent_id in self._named
            if is_named and self._of.is_wanted(record, self._config):
                if self._of.changed:
                    self._changed[parent_id] = record.get(self._of.changed.path) or ""
                yield Place.of(record.get(self._created.at), parent_id)

    def _bounds(self, top: float, bottom: float, overlap: timedelta = OVERLAP) -> dict[str, str]:
        """Return the query parameters for the parents created from `top` down to `bottom`."""
        bounds: dict[str, str] = {}
        if self._created.before and top < math.inf:
            bounds[self._created.before] = date_parameter(pendulum.from_timestamp(top) + overlap)
        if self._created.after and bottom > -math.inf:
            bounds[self._created.after] = date_parameter(pendulum.from_timestamp(bottom) - overlap)
        return bounds
