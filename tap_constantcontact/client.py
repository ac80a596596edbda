"""The SDK's stream on our transport, and every use of a private member of the SDK, with its reason.

A test checks that these private members still exist: `_generate_schema_messages`,
`_increment_stream_state`, `_stream_version` and `_write_activate_version_message`.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import ParseResult
from weakref import WeakKeyDictionary

import requests
from singer_sdk import metrics
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Catalog, SchemaMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams.rest import HTTPRequest, PageContext, RESTStream
from typing_extensions import override

from tap_constantcontact.auth.session import unchanged
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.output.figures import Reading
from tap_constantcontact.output.record_lines import RecordLines
from tap_constantcontact.records.rows import Record, Rows
from tap_constantcontact.records.selection import Selection
from tap_constantcontact.run import SAMPLE_REQUESTS, Run
from tap_constantcontact.state.bookmarks import Bookmark
from tap_constantcontact.transport.addresses import filled
from tap_constantcontact.transport.pagination import NextLinkPaginator
from tap_constantcontact.transport.responses import Page, page_in
from tap_constantcontact.transport.retries import retried
from tap_constantcontact.transport.status import Endpoint, judge

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Auth, RequestFunc

    from tap_constantcontact.output.singer import WholeLineWriter


class ConstantContactStream(RESTStream[ParseResult | None]):
    """A stream of the v3 API.

    The values of a request are passed to the SDK as its context: those whose names are placeholders
    in `path` are filled in there, and the others become query parameters.

    Attributes that a stream sets:
        name, path, primary_keys, schema: As in the SDK.
        records_key: Property of a response that holds the list of its rows.
        row_key: Property of a response that holds its only row, if there is one.
        is_array: Whether the whole response is an array of rows; without any of the three, it is
            the only row.
        row_schema: Schema of the rows that the API sends, if the records have another.
        left_out: Paths of the fields that the API sends and that are left out on purpose, such as
            `email_address.ip`; all others that are not in the schema are told in a warning.
        row_keys: Names of the primary keys that the API sends in each row; all of them by default.
        scope: OAuth scope that the endpoint requires; None if only a partner's token can read it.
        privilege: User privilege that the endpoint requires, if any.
        cost: Number of requests, as a formula for people, such as "1 per 500 tags".
        bookmark_name: Name of the bookmark, if it is not the stream's.
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
        self._writer = cast("WholeLineWriter", run.tap.message_writer)
        self.bookmark = Bookmark(run.state, self.bookmark_name or self.name)
        self.endpoint = Endpoint(self.name, self.scope, self.privilege)
        self.sent_keys = self.primary_keys if self.row_keys is None else self.row_keys
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
        with self.run.reading(self.name) as reading:
            reading.anew = self._begins_anew()
            self._writer.output.begin_stream(reading)
            try:
                if self.is_sampled:
                    few = self.run.connection.quota.at_most(SAMPLE_REQUESTS)
                    with few if self.run.limit is None else nullcontext():
                        sample = itertools.islice(self.read(), self.ABORT_AT_RECORD_COUNT)
                        yield from map(dict, reading.counting(sample))
                elif self._counter and self._is_plain:
                    self._write_plainly(reading, self._counter)
                else:
                    yield from map(dict, reading.counting(self.read()))
                if self._stream_version is not None and not self.is_sampled:
                    super()._write_activate_version_message(self._stream_version)
                reading.whole = True
            finally:
                self.converter.report(self.logger)

    def _begins_anew(self) -> bool:
        """Return whether the rows of this run do without those of earlier runs."""
        is_full = self.replication_method == REPLICATION_FULL_TABLE
        is_new = not self.bookmark.is_set
        return is_new or (is_full and self.table_version == int(self.run.began.timestamp()))

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply a catalog, whose keys are for the target: rows are told apart by the stream's."""
        own = self.primary_keys
        super().apply_catalog(catalog)
        self.primary_keys = own

    @override
    def _generate_schema_messages(self) -> Generator[SchemaMessage, None, None]:
        """Name what a stream map leaves of the schema alone; the SDK has no public way to do so."""
        for message in super()._generate_schema_messages():
            message.key_properties = message.key_properties or []
            named = message.bookmark_properties or ()
            left = [name for name in named if name in message.schema["properties"]]
            message.bookmark_properties = left or None
            yield message

    # Records. Most of the SDK's work on each of them is to check what is valid here in any case, so
    # the stream writes them itself.

    @property
    def _is_plain(self) -> bool:
        """Whether stream maps, flattening and batches leave the records as they are."""
        is_same = all(isinstance(found, SameRecordTransform) for found in self.stream_maps)
        is_flat = self.config.get("flattening_enabled", False)
        return is_same and not is_flat and self.get_batch_config(self.config) is None

    def _write_plainly(self, reading: Reading, counter: metrics.Counter) -> None:
        lines = RecordLines(self._writer, self.name, self._stream_version, self.run.clock)
        select = Selection(self.schema, self.mask)
        records = self.read()
        try:
            lines.write(map(select, records) if select else records, counter)
        finally:
            reading.rows = lines.number
            self.state_manager.is_flushed = not lines.number

    @override
    def get_record_counter(self, **kwargs: Any) -> metrics.Counter:
        self._counter = super().get_record_counter(**kwargs)
        return self._counter

    # Requests

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
        self._pages[response] = page_in(
            response,
            self.converter.records,
            records_key=self.records_key,
            row_key=self.row_key,
            is_array=self.is_array,
        )

    @override
    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator(self.name, self._pages)

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Any]:
        yield self._pages[response]

    def pages(self, context: Mapping[str, Any]) -> Iterator[Page]:
        """Request the pages of what a context describes, each when the one before was taken.

        The SDK's loop yields what `parse_response` does: here a page, instead of the rows on it.
        """
        return iter(cast("Iterable[Page]", self.request_records(dict(context))))

    def all_rows(self, context: Mapping[str, Any]) -> Iterator[Record]:
        """Request the rows of what a context describes."""
        for page in self.pages(context):
            yield from page.rows

    # State: a stream moves its bookmark itself, after all its records.

    @override
    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        return None

    @override
    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        """Do nothing: the stream moves its bookmark. The SDK has no public way to turn this off."""

    # ACTIVATE_VERSION messages of full tables. They tell a target to delete the rows of all other
    # versions. The SDK writes one before the first row; here it is written after the last one.

    @property
    def table_version(self) -> int:
        """The version of a full table's rows: when the run began, in seconds since the epoch."""
        return int(self.run.began.timestamp())

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        self._stream_version = self.table_version
