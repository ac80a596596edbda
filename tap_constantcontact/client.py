"""The SDK's stream on our transport, and every use of a private member of the SDK, with its reason.

A test checks that these private members still exist: `_increment_stream_state`, `_stream_version`
and `_write_activate_version_message`.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast
from urllib.parse import ParseResult
from weakref import WeakKeyDictionary

import requests
from pendulum import DateTime
from singer_sdk import metrics
from singer_sdk.helpers.types import Auth, RequestFunc
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams.rest import HTTPRequest, PageContext, RESTStream
from typing_extensions import override

from tap_constantcontact.auth.session import unchanged
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.output.record_lines import RecordLines, is_plain
from tap_constantcontact.records.rows import Record, Rows
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import Bookmark
from tap_constantcontact.transport.addresses import filled
from tap_constantcontact.transport.pagination import NextLinkPaginator
from tap_constantcontact.transport.responses import Page, page_in
from tap_constantcontact.transport.retries import retried
from tap_constantcontact.transport.status import Endpoint, judge
from tap_constantcontact.transport.workers import R, T, in_order


class ConstantContactStream(RESTStream[ParseResult | None]):
    """A stream of the v3 API.

    The values of a request are passed to the SDK as its context: those whose names are placeholders
    in `path` are filled in there, and the others become query parameters.

    The package `streams` says what a stream declares.
    """

    name: str
    path = ""
    primary_keys: Sequence[str] = ()
    schema: dict[str, Any]
    replication_key: str | None = None
    records_key: str | None = None
    row_key: str | None = None
    is_array = False
    row_schema: ClassVar[dict[str, Any] | None] = None
    left_out: ClassVar[tuple[str, ...]] = ()
    row_keys: Sequence[str] | None = None
    scope: str | None = "contact_data"
    privilege: str | None
    cost: str
    bookmark_name: str | None = None

    allow_redirects = False
    check_sorted = False

    def __init__(self, run: Run) -> None:
        super().__init__(run.tap)
        self.run = run
        self.ABORT_AT_RECORD_COUNT = run.limit
        self._counter: metrics.Counter | None = None
        self.bookmark = Bookmark(run.state, self.bookmark_name or self.name)
        self.endpoint = Endpoint(self.name, self.scope, self.privilege)
        self.keys = self.primary_keys  # by which rows are told apart; a catalog's are the target's
        self.sent_keys = self.keys if self.row_keys is None else self.row_keys
        self.converter = Rows(
            self.name, self.row_schema or self.schema, self.sent_keys, self.left_out
        )
        self._pages: WeakKeyDictionary[requests.Response, Page] = WeakKeyDictionary()

    @classmethod
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        """Yield the streams whose endpoints this one reads as well."""
        yield from ()

    def order(self) -> tuple[int, str]:
        """Return a sort key: streams with a lower one run first."""
        return 0, ""

    @property
    def is_sampled(self) -> bool:
        """Whether only some of the rows are read, so that nothing is read ahead."""
        return self.ABORT_AT_RECORD_COUNT is not None

    @abstractmethod
    def read(self) -> Iterable[Mapping[str, Any]]:
        """Yield the stream's records, and move its bookmark."""

    @abstractmethod
    def plan(self) -> Plan:
        """Return the number of rows and requests that a run would take."""

    @override
    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Read the stream's records.

        In a run, they are written here instead, unless the SDK has to change them first.
        """
        with self.run.reading(self.name, anew=self._begins_anew()) as reading:
            try:
                if self._counter and not self.is_sampled and is_plain(self):
                    lines = RecordLines(self, self.run.writer, self._stream_version, self.run.clock)
                    lines.write(self.read(), reading, self._counter)
                else:
                    rows = self.run.at_most(self.ABORT_AT_RECORD_COUNT, self.read())
                    for row in rows:
                        reading.rows += 1
                        yield dict(row)
                if self._stream_version is not None and not self.is_sampled:
                    super()._write_activate_version_message(self._stream_version)
                reading.whole = True
            finally:
                self.converter.report(self.logger)

    def _begins_anew(self) -> bool:
        """Return whether the rows of this run do without those of earlier runs."""
        is_full = self.replication_method == REPLICATION_FULL_TABLE
        is_first = int(self.reading_began().timestamp()) == int(self.run.began.timestamp())
        return not self.bookmark.is_set or (is_full and is_first)

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        self._counter = super().get_record_counter(**kwargs)
        return self._counter

    @property
    @override
    def url_base(self) -> str:
        return self.run.connection.api_url

    @property
    @override
    def requests_session(self) -> requests.Session:
        return self.run.connection.session

    @property
    @override
    def authenticator(self) -> Auth:
        return unchanged  # the session adds the token after all waits

    @override
    def get_http_request(self, *, page: PageContext[ParseResult | None]) -> HTTPRequest:
        if page.next_page_token:
            return HTTPRequest(url=page.next_page_token.geturl(), headers=self.http_headers)
        path, query = filled(self.name, self.path, page.stream_context or {})
        return HTTPRequest(url=self.url_base + path, headers=self.http_headers, params=query)

    @override
    def request_decorator(self, func: RequestFunc) -> RequestFunc:
        return retried(func, self.run.connection.before_retry)

    @override
    def validate_response(self, response: requests.Response) -> None:
        judge(response, self.endpoint, self.run.connection)
        convert = self.converter.records
        self._pages[response] = page_in(
            response, convert, self.records_key, self.row_key, is_array=self.is_array
        )

    @override
    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator(self.name, self._pages)

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Any]:
        yield self._pages[response]  # where the SDK expects the rows on it

    def pages(self, context: Mapping[str, Any]) -> Iterator[Page]:
        """Request the pages of what a context describes, each when the one before was taken."""
        return iter(cast("Iterable[Page]", self.request_records(dict(context))))

    def all_rows(self, context: Mapping[str, Any]) -> Iterator[Record]:
        """Request the rows of what a context describes."""
        for page in self.pages(context):
            yield from page.rows

    def in_order(
        self, work: Callable[[T], R], items: Iterable[T], most_ahead: int = sys.maxsize
    ) -> Iterator[tuple[T, R]]:
        """Yield each item with its result, as far ahead as the pace and the quota allow."""
        connection = self.run.connection
        return in_order(
            work,
            items,
            connection.turns,
            lambda: min(connection.ahead(), most_ahead),
            connection.concurrency.most,
        )

    @override
    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        return None

    @override
    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        """Do nothing: the stream moves its bookmark. The SDK has no public way to turn this off."""

    # ACTIVATE_VERSION messages of full tables. They tell a target to delete the rows of all other
    # versions. The SDK writes one before the first row; here it is written after the last one.

    def reading_began(self) -> DateTime:
        """Return when the reading began that this run ends or goes on with."""
        return self.run.began

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        self._stream_version = int(self.reading_began().timestamp())
