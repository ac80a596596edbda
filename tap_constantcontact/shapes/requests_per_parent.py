"""One request or more for each parent, over days and runs.

The SDK's parent and child streams would keep a bookmark for every parent and write all of them
whenever one moves. Here a report is a stream of its own that goes through the parents itself, and
its state is what a sweep under way needs to go on: when it began, the last parent whose rows are
all out, and which settings shaped it. When it is finished, the instant at which it began becomes
the bookmark, so that nothing which happened meanwhile is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

import requests
from singer_sdk import Tap
from typing_extensions import override

from tap_constantcontact.bookmarks import Place, Sweep
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import LimitReachedError, NotFoundError
from tap_constantcontact.plan import Plan
from tap_constantcontact.records import instant_of
from tap_constantcontact.run import Run
from tap_constantcontact.shapes.parents import ParentType
from tap_constantcontact.shapes.queries import Record
from tap_constantcontact.shapes.sweeps import Sweeps
from tap_constantcontact.transport.concurrency import in_order
from tap_constantcontact.transport.pagination import NextLinkPaginator, ReachPaginator
from tap_constantcontact.transport.responses import rows_in
from tap_constantcontact.windows import BEGINNING, Window

SAMPLE = 2
"""Number of parents that are read in test mode."""


class RequestsPerParent(ConstantContactStream):
    """A report on one parent, for every parent: a sweep that any number of runs may take.

    Attributes that a stream may set:
        parents: The type of the parents. `path` and the records have their key.
        lookback_days: Number of days before its bookmark that an incremental run reads again.
        newest_first: Whether the API sends the newest rows first and has no date filter, so that
            older pages need not be requested.
        filters: Names of further settings that decide which rows come out.
        row_keys: Names of the keys that the API gives each row: those of the parent aside.

    A stream also says what to ask for, in the method `parameters`.

    Example:
        >>> class OpenRatesStream(RequestsPerParent):
        ...     name = "contact_open_rates"
        ...     path = "/reports/contact_reports/{contact_id}/open_rates"
        ...     records_key = "rates"
        ...     privilege = "ui:campaign:metrics"
        ...     primary_keys = ("contact_id", "year")
        ...     row_keys = ("year",)
        ...     parents = CONTACTS
        ...     cost = "1 per contact"
    """

    parents: ClassVar[ParentType]
    lookback_days: ClassVar[int] = 0
    newest_first: ClassVar[bool] = False
    filters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, run)
        self.window = Window(BEGINNING, run.began)
        self._sweeps = Sweeps(self, self.lookback_days, (*self.parents.filters, *self.filters))

    def parameters(self, window: Window) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the query parameters of a first page that covers a window."""
        return {}

    @property
    @override
    def turn(self) -> tuple[int, str]:  # type: ignore[override]
        return self._sweeps.turn

    @property
    @override
    def table_version(self) -> int:
        return int(self._sweeps.current().began.timestamp())

    @override
    def plan(self) -> Plan:
        listing = self.run.parents[self.parents.stream].plan(self._sweeps.current().place)
        return Plan(listing.rows, listing.requests) + Plan(0, listing.rows)

    @override
    def read(self) -> Iterator[Record]:
        return self._sweep() if self.ABORT_AT_RECORD_COUNT is None else self._sample()

    def _sweep(self) -> Iterator[Record]:
        """Yield the rows of every parent that is left of the sweep, and move it on."""
        sweep, self.window = self._sweeps.begin()
        quota = self.run.connection.quota
        before = quota.spent
        try:
            yield from self._visit(sweep)
        except LimitReachedError:
            if quota.spent > before and self._sweeps.under_way() in (None, sweep):
                self.logger.warning(
                    "The requests left were too few for one parent of %s: a run needs more",
                    self.name,
                )
            raise
        self._sweeps.finish(sweep)

    def _visit(self, sweep: Sweep) -> Iterator[Record]:
        connection, progress = self.run.connection, self.run.progress
        places = self.run.parents[self.parents.stream].after(sweep.place)
        reports = in_order(
            self._report, places, connection.turns, connection.ahead, connection.concurrency.most
        )
        unit = self.parents.stream
        for place, rows in progress.track(self.name, reports, unit, len(places)):
            yield from rows or ()
            progress.skipped += rows is None
            self._sweeps.move_on(sweep, place)

    def _sample(self) -> Iterator[Record]:
        _, self.window = self._sweeps.begin()
        for place in self.run.parents[self.parents.stream].first(SAMPLE):
            yield from self._report(place) or ()

    # One parent

    def _report(self, place: Place) -> list[Record] | None:
        """Return the wanted rows of a parent, or None for one that the API does not know."""
        parent = {self.parents.key: place.parent_id}
        try:
            rows = self.rows_of({**parent, **self.parameters(self.window)})
            return [
                row if self.parents.key in self.sent_keys else {**row, **parent}
                for row in rows
                if self._is_in_window(row)
            ]
        except NotFoundError:
            return None

    def rows_of(self, context: Mapping[str, Any]) -> Iterable[Record]:
        """Return once each row of a parent that the pages of interest hold."""
        keys = self.sent_keys
        rows = {tuple(row[key] for key in keys): row for row in self.request_records(dict(context))}
        return rows.values()

    def _is_in_window(self, row: Record) -> bool:
        """Return whether a row falls into the window; one without an instant does."""
        instant = instant_of(row.get(self.replication_key or ""))
        return instant is None or instant in self.window

    @override
    def get_new_paginator(self) -> NextLinkPaginator:
        if self.newest_first:
            return ReachPaginator(self.name, self._oldest, self.window.start)
        return NextLinkPaginator(self.name)

    def _oldest(self, response: requests.Response) -> datetime | None:
        rows = rows_in(response, self.records_key)
        key = self.replication_key or ""
        dated = (instant_of(row.get(key)) for row in rows if isinstance(row, dict))
        return min(filter(None, dated), default=None)
