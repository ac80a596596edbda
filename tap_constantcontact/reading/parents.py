"""The parents of reports, such as contacts: listed once a run, in the order of a sweep."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import pendulum
from pendulum import DateTime

from tap_constantcontact.config.dates import date_parameter, instant_of
from tap_constantcontact.limits.plan import Plan, in_all
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import OVERLAP, Change, Creation, Query
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import UNKNOWN, Place

SAMPLE = 2
"""Number of parents to read in test mode."""


@dataclass(frozen=True)
class ParentType:
    """A type of parent, such as contacts, and how to list all parents of the type.

    Attributes:
        key: Name of their key, in the collection's rows and in the report's path and records.
        stream: The collection that lists them; None if only a setting gives their ids.
        filters: Names of the settings that restrict which parents are listed.
        given_by: Name of the setting that gives their ids, so that they need not be listed.
        changed: How the collection tells and filters when a parent last changed, for reports that
            do not read all parents.
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


class Parents:
    """The parents of one type, listed as far back as the reports have needed so far.

    Parents whose ids a setting gives are not listed, unless other filters are set as well.
    """

    def __init__(self, run: Run, of: ParentType) -> None:
        self._of = of
        self._listing = run.once(of.stream) if of.stream else None
        self._run = run
        self._config = run.config
        self._created = of.stream.creation if of.stream else Creation()
        self._places: list[Place] = []
        self._listed_from = math.inf
        self._sizes: dict[Place, Plan] = {}
        self._changed: dict[str, str] = {}
        self._since: dict[DateTime, list[Place]] = {}
        self._named = set(self._config.get(of.given_by or "") or ())
        if self._are_given:
            self._places = sorted(Place(0.0, parent_id) for parent_id in self._named)
            self._listed_from = -math.inf

    @property
    def _are_given(self) -> bool:
        filters = (name for name in self._of.filters if name != self._of.given_by)
        is_listed = self._listing is not None
        return not is_listed or (bool(self._named) and not any(map(self._config.get, filters)))

    @property
    def _collection(self) -> Collection:
        assert self._listing is not None  # noqa: S101 - otherwise the parents are given
        return self._listing

    @property
    def _change(self) -> Change:
        assert self._of.changed is not None  # noqa: S101 - or no report asks for changed ones
        return self._of.changed

    @property
    def key(self) -> str:
        """Name of the parents' key."""
        return self._of.key

    def after(self, place: Place) -> Sequence[Place]:
        """Return the parents after a place, listing those that are not known yet."""
        if place.created_at < self._listed_from:
            known = {found.parent_id: found for found in self._listed(self._bounds(place))}
            known |= {found.parent_id: found for found in self._places}
            self._places = sorted(known.values())
            self._listed_from = place.created_at
        return self._places[bisect_right(self._places, place) :]

    def changed_since(self, start: DateTime, place: Place) -> Sequence[Place]:
        """Return the parents after a place that have changed since an instant.

        Whether the API's date filter includes its bound is not documented, so it is set one second
        early.
        """
        if start not in self._since:
            bounds = {self._change.parameter: date_parameter(start.subtract(seconds=1))}
            self._since[start] = [
                found
                for found in sorted(self._listed(bounds))
                if (instant_of(self._changed[found.parent_id]) or start) >= start
            ]
        since = self._since[start]
        return since[bisect_right(since, place) :]

    def change_of(self, parent_id: str) -> Mapping[str, str | None]:
        """Return the date of a listed parent's last change, by its name."""
        return {self._change.path: self._changed.get(parent_id) or None}

    def changed_last(self, number: int) -> Sequence[str]:
        """Return the keys of those up to `number` listed parents that changed last."""
        return sorted(self._changed, key=lambda key: (self._changed[key], key))[-number:]

    def sample(self) -> Iterator[Place]:
        """Yield the parents in any order, each page requested when it is needed; two in a test."""
        return islice(self._one_by_one(), SAMPLE if self._run.limit is None else None)

    def _one_by_one(self) -> Iterator[Place]:
        if self._are_given:
            yield from self._places
            return
        for query in self._queries({}):
            context = {**query.parameters, "limit": self._collection.page_size}
            for page in self._collection.pages(context):
                yield from self._chosen(page.rows)

    def plan(self, place: Place) -> Plan:
        """Return how many parents come after a place, and the requests to list them.

        Parents whose listing is already planned cost nothing more. A short list that the API does
        not count is read.
        """
        if self._are_given:
            return Plan(len(self.after(place)), 0)
        size = self._sizes.get(place) or self._size(place)
        listed = [planned for planned in self._sizes if planned <= place]
        self._sizes[place] = size
        return Plan(size.rows, 0 if listed else size.requests)

    def _size(self, place: Place) -> Plan:
        bounds = self._bounds(place, overlap=timedelta())
        queries = [self._of.counted_by(query, self._config) for query in self._queries(bounds)]
        size = in_all(map(self._collection.plan_of, queries))
        if size.rows is None and all(query.is_short for query in queries):
            return Plan(len(self.after(place)), size.requests)
        return size

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

    def _bounds(self, place: Place, overlap: timedelta = OVERLAP) -> dict[str, str]:
        """Return the query parameters for the parents after a place that are not known yet."""
        bounds: dict[str, str] = {}
        if self._created.after and 0 < place.created_at < UNKNOWN:
            bounds[self._created.after] = _instant(place.created_at, -overlap)
        if self._created.before and self._listed_from < math.inf and overlap:
            bounds[self._created.before] = _instant(self._listed_from, overlap)
        return bounds


def _instant(seconds: float, margin: timedelta) -> str:
    return date_parameter(pendulum.from_timestamp(seconds) + margin)
