"""The shape of a collection: a paged list of which every row is read once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, ClassVar

from pendulum import DateTime
from requests.exceptions import ChunkedEncodingError
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import date_parameter
from tap_constantcontact.config.windows import DateSettings
from tap_constantcontact.exceptions import (
    FatalAPIError,
    QuotaExceededError,
    RetriableAPIError,
    ThrottledError,
    cause,
)
from tap_constantcontact.limits.plan import Plan, in_all, pages
from tap_constantcontact.reading.incremental import RefreshedIncrement
from tap_constantcontact.reading.query import OVERLAP, Change, Creation, Query, is_since
from tap_constantcontact.reading.slices import WHOLE, Note, Slice, Slices, forget
from tap_constantcontact.records.rows import Record
from tap_constantcontact.transport.retries import FEWER_WAITS, RETRY_WAITS, retried
from tap_constantcontact.transport.workers import read_ahead

SMALLEST_PAGE = 20
"""Number of rows a page below which pages are not made smaller."""

SHRINKAGE = 5
"""Factor by which pages get smaller when one keeps failing."""

REMEMBERED = 20_000
"""Number of keys of rows after which older ones may be forgotten.

A row that joins a list pushes others onto the next page, where they appear again; so what appears
twice does so soon. All keys of a million contacts would take some 150 MB.
"""


class Collection(ConstantContactStream):
    """A paged list of which every row is read once.

    Attributes that a stream may set:
        page_size: Number of rows a page.
        all_queries: The queries whose responses together hold every row. If they depend on
            settings, override the method `queries` instead.
        changes: For an incremental stream, the API's date filters; the list is read once with each.
        dates: Paths of the dates that show a change, to choose among rows read without a filter.
        refresh_days: Name of the setting for the number of days after which all rows are read
            again.
        date_settings: The settings that decide from when on changes are read.
        creation: The date at which rows were created. If the API filters by it, a long list is read
            in slices.

    Example:
        >>> class EmailCampaignsStream(Collection):
        ...     name = "email_campaigns"
        ...     path = "/emails"
        ...     records_key = "campaigns"
        ...     scope = "campaign_data"
        ...     privilege = "campaign:read"
        ...     primary_keys = ("campaign_id",)
        ...     replication_key = "updated_at"
        ...     changes = (Change("after_date", "updated_at"),)
        ...     cost = "1 per 500 changed campaigns"
        ...     all_queries = (Query(has_total=False),)
    """

    page_size: int = 500
    all_queries: ClassVar[tuple[Query, ...]] = (Query(),)
    changes: ClassVar[tuple[Change, ...]] = ()
    dates: ClassVar[tuple[str, ...]] = ()
    refresh_days: ClassVar[str | None] = None
    date_settings: ClassVar[type[DateSettings]] = DateSettings
    creation: ClassVar[Creation] = Creation()

    _patience: Sequence[float] = RETRY_WAITS

    def queries(self) -> Iterable[Query]:
        """Return `all_queries`, or what the settings make of them."""
        return self.all_queries

    @override
    def read(self) -> Iterator[Record]:
        start = self.start()
        yield from self.read_since(start)
        self.increment_of(self).finish(start)

    @override
    def plan(self) -> Plan:
        start = self.start()
        parts = [one.bounds(self.creation) for one in self.left()] if start is None else [{}]
        queries = (query.dated(part) for query, _ in self._passes(start) for part in parts)
        return in_all(map(self.plan_of, queries))

    def increment_of(self, stream: ConstantContactStream) -> RefreshedIncrement:
        """Return the increment of a stream that reads the list: of this one or another."""
        return RefreshedIncrement(
            stream,
            self.date_settings.of(self.config),
            self.refresh_days,
            [*self.queries()],
            resumes=bool(self.creation.after),
        )

    def start(self) -> DateTime | None:
        """Return the instant from which changes are read, or None to read all rows."""
        return self.increment_of(self).start()

    def left(self) -> Sequence[Slice]:
        """Return what is left of a reading of all rows; by default the whole list."""
        return WHOLE

    def read_since(
        self, start: DateTime | None, left: Sequence[Slice] = WHOLE, note: Note = forget
    ) -> Iterator[Record]:
        """Yield every row that changed since an instant, or all rows in what is left of the list.

        In the latter case, `note` is called with what is left then, if the list is read in slices.
        """
        seen = Seen()
        oldest = start
        if start is None and self.changes:
            oldest = self.date_settings.of(self.config).start()
        key_of = itemgetter(*self.keys)
        passes = [*self._passes(start)]
        for query, dates in passes:
            for record in self.collect(query, left, note):
                if not (query.is_wanted(record) and is_since(record, dates, oldest)):
                    continue
                if len(passes) == 1 or seen.add(key_of(record)):
                    yield {**record, **query.labels} if query.labels else record

    def _passes(self, start: DateTime | None) -> Iterator[tuple[Query, tuple[str, ...]]]:
        """Yield each query to read, with the paths of the dates by which to choose its rows."""
        for query in self.queries():
            if start is None:
                yield query, self.dates if query.takes_dates else ()
            elif not query.takes_dates:
                yield query, self.dates
        if start is None:
            return
        since = date_parameter(start - OVERLAP)
        for change in self.changes:
            for query in self.queries():
                if query.takes_dates:
                    dated = query.dated({change.parameter: since}, shrinks=change.shrinks)
                    yield dated, (change.path,)

    # Pages

    def collect(
        self, query: Query, left: Sequence[Slice] = WHOLE, note: Note = forget
    ) -> Iterator[Record]:
        """Yield every row of a query's list once, or of what is left of it.

        Pages are numbered (seen in responses recorded from the live service). So a row that joins
        the list pushes others onto the next page, where they appear again, and a row that leaves
        pulls others onto a page that was already read. A list that rows may leave is read until a
        pass finds no new row, unless it fits on one page.
        """
        key_of = itemgetter(*self.keys)
        seen = Seen() if query.shrinks else Seen(REMEMBERED)
        known = 0
        limit = self.page_size
        while True:
            known_before, rows = known, 0
            pages = self._rows_by_page(query, limit, left, note)
            try:
                for page in self.run.progress.track(self.name, pages, self.name, size=len):
                    rows += len(page)
                    self._check_progress(rows, known)
                    for record in page:
                        if seen.add(key_of(record)):
                            self._patience = RETRY_WAITS
                            known += 1
                            yield record
            except (RetriableAPIError, ChunkedEncodingError) as error:
                limit = self._smaller(limit, error)
                left = pages.left if isinstance(pages, Slices) else left
                continue
            if isinstance(pages, Slices) and known < pages.total:
                self.run.doubt(
                    "pages-of-contacts",
                    self.name,
                    f"the API counts {pages.total:,} rows and sent {known:,}: some may be missing",
                )
            if not query.shrinks or rows <= limit or known == known_before:
                return

    def _rows_by_page(
        self, query: Query, limit: int, left: Sequence[Slice], note: Note
    ) -> Iterable[Sequence[Record]]:
        """Return the rows of each page, while the next ones are read."""
        parameters = {**query.parameters, "limit": limit}
        if self.is_sampled:
            return (page.rows for page in self.pages(parameters))
        creation = self.creation
        if not creation.after or not query.takes_dates or query.is_dated or query.shrinks:
            return (page.rows for page in read_ahead(self.pages(parameters)))
        return Slices(
            creation,
            limit,
            lambda bounds: self.pages({**parameters, "include_count": "true", **bounds}),
            self.run.connection.chains,
            left,
            note,
        )

    def _check_progress(self, rows: int, known: int) -> None:
        """Refuse a reading that brings far more rows than there are.

        Raises:
            FatalAPIError: The pages repeat themselves under ever new links.
        """
        if rows > 2 * (known + self.page_size):
            raise FatalAPIError(
                f"The API sends the same rows of {self.name} again and again. Run again later with "
                "the last state, and tell Constant Contact's support if it happens again."
            )

    def _smaller(self, limit: int, error: Exception) -> int:
        """Return a smaller number of rows a page, after a page kept failing.

        The gateway in front of the API probably cuts responses off at 10 MB and 29 s, as gateways
        of its make do. (Headers seen in the vendor's forum; not confirmed.)

        Raises:
            Exception: The given error, if smaller pages would not help.
        """
        smaller = limit // SHRINKAGE
        if isinstance(error, (ThrottledError, QuotaExceededError)) or smaller < SMALLEST_PAGE:
            raise error
        self._patience = FEWER_WAITS
        self.logger.warning(
            "A page of %d rows kept failing (%s). Reading %s again, with %d rows a page",
            limit,
            cause(error),
            self.name,
            smaller,
        )
        return smaller

    @override
    def request_decorator(self, func: Any) -> Any:
        return retried(func, self.run.connection.before_retry, lambda: self._patience)

    # The number of rows

    def plan_of(self, query: Query) -> Plan:
        """Return the rows and requests that `collect` would take; this costs one request."""
        if not query.has_total:
            return Plan(None, 1 if query.is_short else None)
        context = {**query.parameters, "limit": 1, "include_count": "true"}
        page = next(self.pages(context), None)
        if page is None or page.total is None:
            return Plan(None, None)
        return Plan(page.total, pages(page.total, self.page_size, shrinks=query.shrinks))


class Seen:
    """Tells which rows are new: exactly for the last `most` rows, and maybe for older ones.

    Example:
        >>> seen = Seen()
        >>> seen.add("a"), seen.add("a")
        (True, False)
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._recent: set[Hashable] = set()
        self._older: set[Hashable] = set()

    def add(self, key: Hashable) -> bool:
        """Note a key, and return whether it is new."""
        if key in self._recent or key in self._older:
            return False
        if len(self._recent) == self._most:
            self._older, self._recent = self._recent, set()
        self._recent.add(key)
        return True
