"""A report on parents: a request or more for each, in a sweep over as many runs as it takes.

The SDK's child streams would keep one bookmark per parent. Here a report goes through the parents
itself, and its state holds only where an unfinished sweep stands. When the sweep finishes, the
bookmark becomes the instant at which it began, so that nothing that happened meanwhile is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from pendulum import DateTime
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.config.windows import DateSettings, ReportDateSettings, Window
from tap_constantcontact.exceptions import LimitReachedError, NotFoundError
from tap_constantcontact.limits.plan import Plan, added, pages
from tap_constantcontact.reading.parents import Batch
from tap_constantcontact.reading.rows import TYPE, Events, Keyed
from tap_constantcontact.reading.sweeps import Sweeps
from tap_constantcontact.reading.targets import Keys, PerParent
from tap_constantcontact.reading.visits import All
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Place

Keep = Callable[[Iterable[Record]], Iterable[Record]]
"""Returns the rows of a parent to keep; all requests that it needs are sent before it returns."""

ParentRows = tuple[list[tuple[str | None, Iterable[Record]]], LimitReachedError | None]
"""The rows of each complete list of a parent, with its part, if any, and the limit reached then."""


class Report(ConstantContactStream):
    """A report on parents.

    A stream answers three questions, beside what every stream sets:
        visits: Which parents does a run read? `All(parents)`, `Changed(parents)`, or those whose
            counts of events moved: `Moved(stats, groups)`.
        requests: What is requested for each? One list of rows, `PerParent()`, or one for each of
            its parts, `PerPart(parts)`. `path` contains the keys of what is requested.
        rows: What are its rows? `Keyed()`, or `Events()`, which have no keys of their own.

    And it may say how far a sweep reaches:
        lookback_days: Number of days before its bookmark that an incremental run reads again.
        date_settings: The settings that decide the window.
        filters: Names of further settings that decide which rows are kept.
        page_size: Number of rows to request per page; None for what the API chooses.

    If requests need query parameters, a stream returns them from `parameters`.
    """

    visits: ClassVar[All]
    requests: ClassVar[PerParent] = PerParent()
    rows: ClassVar[Keyed | Events] = Keyed()
    lookback_days: ClassVar[int] = 0
    date_settings: ClassVar[type[DateSettings]] = DateSettings
    filters: ClassVar[tuple[str, ...]] = ()
    page_size: ClassVar[int | None] = None

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.sweeps = Sweeps(
            self,
            self.date_settings.of(run.config),
            self.lookback_days,
            filters=(*self.visits.parents.filters, *self.filters),
            others=self.visits.settings,
        )

    @classmethod
    @override
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        if stream := cls.visits.parents.stream:
            yield stream

    def parameters(self, window: Window) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the query parameters for the first page, for rows in a window."""
        return {"limit": self.page_size} if self.page_size else {}

    @override
    def order(self) -> tuple[int, str]:
        return self.sweeps.order()

    @override
    def reading_began(self) -> DateTime:
        return self.sweeps.current.began

    @override
    def plan(self) -> Plan:
        listing = self.visits.listing(self.sweeps)
        counts = self.visits.counts(self.sweeps)
        if counts is None:
            return listing + Plan(0, listing.rows and listing.rows * self.requests.requests)
        reads_all = self.visits.is_full(self.sweeps) or not self.rows.newest_first
        requests = len(counts) + sum(
            pages(count or 0, self.page_size or 1, shrinks=False) if reads_all else 1
            for of_parent in counts
            for count in of_parent.values()
        )
        return Plan(listing.rows, added(listing.requests, requests))

    @override
    def read(self) -> Iterator[Record]:
        yield from self.sweep(lambda rows: rows)

    def sweep(self, keep: Keep) -> Iterator[Record]:
        """Yield those rows of the parents that are to be kept, and move the bookmark."""
        self.sweeps.begin()
        if self.is_sampled:
            yield from self._sample()
            return
        parents = self.visits.parents
        if parents.stream is None and not self.config.get(parents.given_by or ""):
            self.logger.warning(
                "%s has nothing to read: %s is not set", self.name, parents.given_by
            )
        quota = self.run.connection.quota
        spent, kept = quota.spent, self.bookmark["sweep"]
        try:
            yield from self._rows_of_all(keep)
        except LimitReachedError:
            if quota.spent > spent and self.bookmark["sweep"] == kept:
                self.logger.warning(
                    "The remaining requests were too few to finish one list of %s: each run "
                    "needs more",
                    self.name,
                )
            raise
        self.visits.finish(self.sweeps)
        self.sweeps.finish()

    def _rows_of_all(self, keep: Keep) -> Iterator[Record]:
        sweep = self.sweeps.current
        self.visits.begin(self.sweeps)
        window = self.visits.window(self.sweeps)
        batches = self.visits.batches(self.sweeps, sweep)
        first = next(batches, Batch.of([]))
        self._tell_if_long(first.number * self.requests.requests)
        read = partial(self._read, window=window, keep=keep, after=sweep.part)
        unit = self.visits.parents.unit
        with closing(self._read_batches(read, chain([first], batches))) as parents:
            tracked = self.run.progress.track(self.name, parents, unit, first.total)
            for place, (lists, limit) in tracked:
                number = 0
                for part, rows in lists:
                    for row in rows:
                        yield row
                        number += 1
                    if part:
                        self.sweeps.part_is_out(part)
                if limit:
                    raise limit
                if not self.filters and not sweep.part:
                    self.visits.compare(self.sweeps, place.parent_id, number)
                self.sweeps.move_on(place)

    def _read_batches(
        self, read: Callable[[Place], ParentRows], batches: Iterable[Batch]
    ) -> Generator[tuple[Place, ParentRows], None, None]:
        is_prepared = False
        for batch in batches:
            if batch.due and not is_prepared:
                self.prepare()
                is_prepared = True
            yield from self.in_order(read, batch.due, self.visits.most_ahead)
            if batch.end:
                self.sweeps.move_on(batch.end)

    def _tell_if_long(self, requests: int) -> None:
        """Log that a sweep takes more requests than are left today; this sends none to know it."""
        left = self.run.connection.left_today
        if requests <= left:
            return
        is_dear = self.date_settings is ReportDateSettings and (
            self.config["report_source"] == "contacts"
        )
        self.logger.info(
            "%s takes %s requests or more, and %s are left today: it cannot be finished today.%s",
            self.name,
            f"{requests:,}",
            f"{left:,}",
            " With report_source campaigns, it takes a request per 500 events instead: --estimate "
            "tells how many" * is_dear,
            extra={"stream_name": self.name, "requests": requests, "left_today": left},
        )

    def prepare(self) -> None:
        """Read what is needed before the first parent; nothing by default."""

    def _sample(self) -> Iterator[Record]:
        window = self.visits.window(self.sweeps)
        for place in self.visits.sample(self.run):
            lists, limit = self._read(place, window, lambda rows: rows)
            for _, rows in lists:
                yield from rows
            if limit:
                raise limit

    # One parent

    def _read(
        self, place: Place, window: Window, keep: Keep, after: str | None = None
    ) -> ParentRows:
        """Read the rows of a parent; those that come after a part, if it has that part.

        Raises:
            LimitReachedError: The limit was reached before one list was complete.
        """
        parent = {self.visits.parents.key: place.parent_id}
        lists: list[tuple[str | None, Iterable[Record]]] = []
        limit = None
        try:
            for keys in self.requests.lists(self.run, parent, after):
                try:
                    rows = self.rows_of(keys, window)
                except NotFoundError:
                    self.run.progress.skip()
                    continue
                lists.append((self.requests.part(keys), self._kept(rows, place, window, keep)))
        except LimitReachedError as error:
            if not lists:
                raise
            limit = error
        return lists, limit

    def _kept(
        self, rows: Iterable[Record], place: Place, window: Window, keep: Keep
    ) -> Iterable[Record]:
        fields = self.visits.fields(self.run, place.parent_id)
        kept = keep(row for row in rows if self._is_in(window, row))
        return ({**row, **fields} for row in kept) if fields else kept

    def rows_of(self, keys: Keys, window: Window) -> Iterable[Record]:
        """Return the rows of what some keys name, each row with the keys that it lacks.

        Raises:
            NotFoundError: The API does not know what the keys name.
        """
        named = {name: value for name, value in keys.items() if f"{{{name}}}" in self.path}
        labels = {name: value for name, value in named.items() if name not in self.sent_keys}
        if self.rows.activity_type:
            labels[TYPE] = self.rows.activity_type
        known = {name: keys[name] for name in keys if name in self.schema["properties"]}
        context = {**named, **self.parameters(window)}
        rows = self.rows.read(self, context, labels, window.start)
        return ({**known, **row} for row in rows)

    def _is_in(self, window: Window, row: Record) -> bool:
        instant = instant_of(row.get(self.replication_key or ""))
        return instant is None or instant in window
