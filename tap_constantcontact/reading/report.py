"""The shape of a report that takes one request or more per parent: a sweep over all parents.

A sweep may take many runs and days. The SDK's child streams would keep one bookmark per parent and
write all of them whenever one moves. Here a report goes through the parents itself, and its state
holds only what an unfinished sweep needs to resume: when it began, the last parent whose records
are all written, and a fingerprint of the settings. When the sweep finishes, the bookmark becomes
the instant at which the sweep began, so that nothing that happened in the meantime is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from singer_sdk import Tap
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import BEGINNING
from tap_constantcontact.config.windows import DateSettings, Window
from tap_constantcontact.exceptions import LimitReachedError, NotFoundError
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.parents import SAMPLE, Parents, ParentType
from tap_constantcontact.reading.query import Record
from tap_constantcontact.reading.sweeps import Reach, Sweeps
from tap_constantcontact.records.conversion import instant_of
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Bookmark, Place, Sweep
from tap_constantcontact.state.short_bookmarks import ShortBookmark
from tap_constantcontact.transport.workers import in_order


class RequestsPerParent(ConstantContactStream):
    """A report that takes one request or more per parent, in a sweep over as many runs as it takes.

    Attributes that a stream may set:
        parents: The type of the parents. `path` and the records contain their key.
        lookback_days: Number of days before its bookmark that an incremental run reads again.
        date_settings: The settings that decide the window.
        page_size: Number of rows to request per page; None for what the API chooses.
        filters: Names of further settings that decide which rows are kept.
        constants: Values of some fields, which every record gets in place of the API's.
        row_keys: Names of the keys that the API sends in each row, without the parent's.

    Attributes of an instance:
        chosen: Returns the rows of a parent to keep; all by default.

    A stream whose requests need query parameters returns them from the method `parameters`. If the
    type of the parents has `changed_after`, the records get the date at which their parent changed.

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
    bookmark_type: ClassVar[type[Bookmark]] = ShortBookmark
    lookback_days: ClassVar[int] = 0
    date_settings: ClassVar[type[DateSettings]] = DateSettings
    page_size: ClassVar[int | None] = None
    filters: ClassVar[tuple[str, ...]] = ()
    constants: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, run)
        self.window = Window(BEGINNING, run.began)
        filters = (*self.parents.filters, *self.filters)
        self._sweeps = self.sweeps(Reach(self.lookback_days, self.date_settings, filters))
        self.chosen: Callable[[list[Record]], list[Record]] = lambda rows: rows

    def sweeps(self, reach: Reach) -> Sweeps:
        """Return the sweeps of the report, given how far they reach."""
        return Sweeps(self, reach)

    def parameters(self, window: Window) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the query parameters for the first page of a parent, for rows in a window."""
        return {"limit": self.page_size} if self.page_size else {}

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
        sweep = self._sweeps.current()
        listing: Plan = self.run.parents[self.parents].plan(sweep.place)
        if self.parents.changed_after:
            _, self.window = self._sweeps.begin()
            listing = Plan(len(self.places(sweep)), listing.requests)
        return Plan(listing.rows, listing.requests) + Plan(0, listing.rows)

    @override
    def read(self) -> Iterator[Record]:
        sweep, self.window = self._sweeps.begin()
        if self.ABORT_AT_RECORD_COUNT is not None:
            yield from self._sample()
            return
        given_by = self.parents.given_by
        if self.parents.stream is None and not self.config.get(given_by or ""):
            self.logger.warning("%s has nothing to read: %s is not set", self.name, given_by)
        quota = self.run.connection.quota
        before = quota.spent
        try:
            yield from self._visit(sweep)
        except LimitReachedError:
            if quota.spent > before and self._sweeps.under_way() in (None, sweep):
                self.logger.warning(
                    "The remaining requests were too few to finish one parent of %s: each run "
                    "needs more",
                    self.name,
                )
            raise
        self._sweeps.finish(sweep)

    def _visit(self, sweep: Sweep) -> Iterator[Record]:
        connection, progress = self.run.connection, self.run.progress
        places = self.places(sweep)
        reports = in_order(
            self._report, places, connection.turns, self.ahead, connection.concurrency.most
        )
        unit = self.parents.unit
        for place, rows in progress.track(self.name, reports, unit, len(places)):
            yield from rows or ()
            progress.skipped += rows is None
            self._sweeps.move_on(sweep, place)

    def places(self, sweep: Sweep) -> Sequence[Place]:
        """Return the parents that the sweep has still to visit, in order."""
        parents: Parents = self.run.parents[self.parents]
        if self.parents.changed_after:
            return parents.changed_since(self.window.start, sweep.place)
        return parents.after(sweep.place)

    def ahead(self) -> int:
        """Return how many parents may be read while the rows of one are written."""
        return self.run.connection.ahead()

    def _sample(self) -> Iterator[Record]:
        for place in self.run.parents[self.parents].first(SAMPLE):
            yield from self._report(place) or ()

    # One parent

    def _report(self, place: Place) -> list[Record] | None:
        """Return a parent's rows in the window, or None if the API does not know the parent."""
        try:
            rows = self.chosen(self.report_on({self.parents.key: place.parent_id}))
        except NotFoundError:
            return None
        parents: Parents = self.run.parents[self.parents]
        added = {**self.constants, **parents.change_of(place.parent_id)}
        return [{**row, **added} for row in rows] if added else rows

    def report_on(self, keys: Mapping[str, str]) -> list[Record]:
        """Return the rows in the window of what the keys name, each row with the keys it lacks.

        Raises:
            NotFoundError: The API does not know what the keys name.
        """
        lacking = {name: value for name, value in keys.items() if name not in self.sent_keys}
        rows = self.rows_of({**keys, **self.parameters(self.window)})
        return [{**row, **lacking} for row in rows if self.is_in_window(row)]

    def rows_of(self, context: Mapping[str, Any]) -> Iterable[Record]:
        """Return each row of a parent once."""
        keys = self.sent_keys
        rows = {tuple(row[key] for key in keys): row for row in self.request_records(dict(context))}
        return rows.values()

    def is_in_window(self, row: Record) -> bool:
        """Return whether a row is in the window; a row without a date always is."""
        instant = instant_of(row.get(self.replication_key or ""))
        return instant is None or instant in self.window
