"""One request, one answer, the next page; what is tried again and what is fatal.

Observed or documented of the API, and relied upon here:

- Both 429s look alike but for the body's `error_key`: `throttled`, `quota_exceeded`. (Guide.)
- A 202 says that a segment is still being computed: ask again. (Contract.)
- An API has no redirects: one leads to a sign-in page, a proxy or another host. (Common sense.)
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult, urljoin
from weakref import WeakKeyDictionary

import backoff
import requests
from pendulum import DateTime
from requests.exceptions import ChunkedEncodingError
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import HTTPRequest, PageContext, RESTStream

from tap_constantcontact.auth import AccessTokenAuthenticator, RefreshTokenAuthenticator
from tap_constantcontact.concurrency import read_ahead
from tap_constantcontact.estimate import Plan, pages
from tap_constantcontact.limits import LimitReachedError
from tap_constantcontact.pagination import NextLinkPaginator
from tap_constantcontact.records import Conformer, rfc3339
from tap_constantcontact.responses import check_page, described, error_of, redirect_target
from tap_constantcontact.retries import (
    LESS_PATIENCE,
    PATIENCE,
    RETRIABLE,
    QuotaExceededError,
    ThrottledError,
    TokenRenewedError,
    kind,
    spread,
    waits,
)
from tap_constantcontact.windows import parse_instant

if TYPE_CHECKING:
    from backoff.types import Details
    from singer_sdk.helpers.types import RequestFunc

    from tap_constantcontact.tap import TapConstantContact

TEST_REQUESTS = 3
"""Requests that a stream may cost in test mode."""

SMALLEST_PAGE = 20
"""Number of rows below which a page is not made smaller."""

SHRINKAGE = 5
"""What the number of rows a page is divided by when a page keeps failing."""

SHOWN = 20
"""Number of paths that a warning names at most."""


class ConstantContactStream(RESTStream[ParseResult | None]):
    """A stream of the v3 API.

    A request is described by a context: its keys that `path` names are filled in there, the others
    are the query's parameters.
    """

    records_key: str
    """The property of an answer that holds its rows."""

    scope = "contact_data"
    """The OAuth scope that the endpoint asks for."""

    privilege: str
    """The user privilege that the endpoint asks for."""

    turn: tuple[int, str] = (0, "")
    """By which the streams are put in order: the cheap ones first."""

    patience: Sequence[float] = PATIENCE
    """Seconds between the retries of a request while the API fails."""

    allow_redirects = False
    payload_as_json = False
    check_sorted = False

    def __init__(self, tap: TapConstantContact) -> None:
        super().__init__(tap)
        self.tap = tap
        self.counted: int | None = None
        self._renewed_for: WeakKeyDictionary[requests.PreparedRequest, str] = WeakKeyDictionary()

    @abstractmethod
    def read(self) -> Iterable[dict[str, Any]]:
        """Yield the stream's rows, as the API sends them, and keep its bookmark."""

    @abstractmethod
    def plan(self) -> Plan:
        """Return what a run would ask for."""

    def sample(self) -> Iterable[dict[str, Any]]:
        """Yield a few of the stream's rows, for a test."""
        return self.read()

    def get_records(self, context: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        """Yield the stream's rows until a limit is reached, which leaves the rest to the next run.

        Raises:
            SystemExit: With exit code 1, after one plain line and the last state.
        """
        quota = self.tap.connection.quota
        try:
            if self.ABORT_AT_RECORD_COUNT is None:
                yield from self.read()
                self._activate_version()
            else:
                with quota.at_most(TEST_REQUESTS):
                    yield from itertools.islice(self.sample(), self.ABORT_AT_RECORD_COUNT)
        except LimitReachedError as limit:
            self.logger.warning("%s; %s goes on from here in the next run", limit, self.name)
        except (FatalAPIError, RetriableAPIError, requests.RequestException) as error:
            quota.close(error)
            self.tap.write_state()
            self.logger.error("%s", self._reason(error))  # noqa: TRY400
            self.logger.debug("The failure in full", exc_info=error)
            raise SystemExit(1) from error
        finally:
            self._report_misfits()

    # The SDK announces a new version of a full table before it has a single row, which tells a
    # target to delete all others. Here it is announced once the table is whole. It has no public
    # way to do so.

    @property
    def table_version(self) -> int:
        """The version of the rows of a full table, in seconds since the epoch."""
        return int(self.tap.began.timestamp())

    def _write_activate_version_message(self, full_table_version: int) -> None:  # noqa: ARG002
        """Give the rows that follow a version; it is activated when all of them are out."""
        self._stream_version = self.table_version

    def _activate_version(self) -> None:
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, FatalAPIError):
            return str(error)
        return (
            f"Constant Contact did not answer {self.name} for minutes ({kind(error)}). "
            "Run again later with the last state: nothing is lost."
        )

    # Records

    @property
    def row_keys(self) -> Sequence[str]:
        """Names of the keys that the API gives each row."""
        return self.primary_keys

    @cached_property
    def _conformer(self) -> Conformer:
        return Conformer(self.schema)

    def record(self, row: Any) -> dict[str, Any]:
        """Return a row, as the API sent it, as a record of the stream.

        Raises:
            FatalAPIError: It is not an object, or lacks a key.
        """
        if not isinstance(row, dict):
            raise FatalAPIError(f"The API sent a row of {self.name} that is not an object.")
        record = self._conformer(row)
        for name in self.row_keys:
            if not record.get(name):
                raise FatalAPIError(
                    f"The API sent a row of {self.name} without {name}, by which rows are told "
                    "apart. Run again later with the last state: nothing is lost."
                )
        return record

    def _report_misfits(self) -> None:
        conformer = self._conformer
        if conformer.unknown:
            self.logger.warning(
                "%s: left out fields that this version does not know: %s",
                self.name,
                _some(conformer.unknown),
            )
        misfits = {
            "converted": conformer.converted - conformer.unreadable,
            "left empty": conformer.unreadable,
        }
        if told := [f"{what} {_some(paths)}" for what, paths in misfits.items() if paths]:
            self.logger.warning(
                "%s: the API sent values of another type than documented: %s",
                self.name,
                "; ".join(told),
            )

    # State: a bookmark is the instant that a run began, not the newest value that it saw, which
    # says nothing of the changes made behind the reader's back.

    def get_replication_key_signpost(self, context: Mapping[str, Any] | None = None) -> None:
        """Leave the bookmark to the stream."""

    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        """Leave the bookmark to the stream.

        The SDK has no public way to do so for an incremental stream.
        """

    @property
    def is_incremental(self) -> bool:
        """Whether the catalog lets the stream read from its bookmark, and move it."""
        return self.replication_method == REPLICATION_INCREMENTAL

    @property
    def bookmark(self) -> str | None:
        """The bookmark that the last finished run left."""
        return self.stream_state.get("replication_key_value") if self.is_incremental else None

    def starting_instant(self) -> DateTime | None:
        """Return the bookmark or the start date, the later of the two, or None for all history."""
        if not self.is_incremental:
            return None
        values = filter(None, (self.bookmark, self.config.get("start_date")))
        return max(
            (parse_instant(value, self.config["timezone"]) for value in values), default=None
        )

    def move_bookmark(self, began: DateTime) -> None:
        """Set the bookmark to the instant that a run, which has read all it should, began."""
        if self.is_incremental:
            self.stream_state.update(
                replication_key=self.replication_key,
                replication_key_value=self.bookmark_at(began),
            )

    def bookmark_at(self, instant: DateTime) -> str:
        """Return an instant as the API's clock showed it, in whole seconds as some dates are."""
        lag = self.tap.connection.clock_lag
        return rfc3339(instant.subtract(seconds=lag).start_of("second"))

    # Requests

    @property
    def url_base(self) -> str:
        """Where the API is."""
        return self.tap.connection.api_url

    @property
    def authenticator(self) -> RefreshTokenAuthenticator | AccessTokenAuthenticator:
        """The tap's authenticator."""
        return self.tap.connection.authenticator

    @property
    def requests_session(self) -> requests.Session:
        """The tap's session."""
        return self.tap.connection.session

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds that a request may stay without an answer."""
        return float(self.config["request_timeout"])

    @cached_property
    def user_agent(self) -> str:
        """How the tap names itself to the API."""
        return self.tap.user_agent

    def get_url_params(
        self,
        context: Mapping[str, Any] | None,
        next_page_token: ParseResult | None,
    ) -> dict[str, Any]:
        """Return the query of a first page; the link to a later one holds its own."""
        if next_page_token:
            return {}
        return {
            key: value for key, value in (context or {}).items() if f"{{{key}}}" not in self.path
        }

    def get_http_request(self, *, page: PageContext[ParseResult | None]) -> HTTPRequest:
        """Return the request for a first page, or for the page behind a link."""
        request = super().get_http_request(page=page)
        request.headers = {**request.headers, "Accept": "application/json"}
        if page.next_page_token:
            # Whatever host the link may name, the token goes to none but the API's own.
            link = page.next_page_token._replace(scheme="", netloc="").geturl()
            request.url = urljoin(self.url_base, link)
        return request

    def get_new_paginator(self) -> NextLinkPaginator:
        """Return what finds the next page."""
        return NextLinkPaginator(self.name)

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """Yield the records of a page."""
        page = response.json()
        count = page.get(f"{self.records_key}_count")
        self.counted = count if isinstance(count, int) else self.counted
        return map(self.record, page[self.records_key])

    def count(self, query: Mapping[str, Any]) -> int | None:
        """Return how many rows a query would bring, at the cost of one request.

        Returns:
            None where the API does not say.
        """
        self.counted = None
        asked = {**query, "limit": 1, "include_count": "true"}
        next(iter(self.request_records(asked)), None)
        return self.counted

    def plan_of(self, query: Mapping[str, Any], *, shrinks: bool) -> Plan:
        """Return what `collect` would ask for."""
        rows = self.count(query)
        return Plan(rows, None if rows is None else pages(rows, query["limit"], shrinks=shrinks))

    def collect(
        self,
        query: Mapping[str, Any],
        key: str,
        *,
        shrinks: bool,
    ) -> Iterator[dict[str, Any]]:
        """Yield every row of a paged collection once.

        Pages are numbered (seen in responses recorded from the live service), so a row that joins
        moves others onto the next page, where they are met again, and one that leaves moves others
        onto a page already read, where they are missed. Hence a collection that rows may leave is
        read until a reading brings nothing new, unless one page held it all.

        Args:
            query: The parameters, the page size among them.
            key: The property that tells rows apart.
            shrinks: Whether rows may leave the collection while it is read.
        """
        seen: set[str] = set()
        while True:
            known = len(seen)
            rows = 0
            pages = read_ahead(iter(self.request_records(dict(query))), query["limit"])
            try:
                for row in self.tap.progress.track(self.name, pages, self.records_key):
                    rows += 1
                    if row[key] not in seen:
                        self.patience = PATIENCE
                        seen.add(row[key])
                        yield row
            except (RetriableAPIError, ChunkedEncodingError) as error:
                query = self._in_smaller_pages(query, error)
                continue
            if not shrinks or rows <= query["limit"] or len(seen) == known:
                return

    def _in_smaller_pages(self, query: Mapping[str, Any], error: Exception) -> Mapping[str, Any]:
        """Return a query for smaller pages, after a page kept failing.

        The gateway in front of the API is likely to cut responses at 10 MB and 29 s, as those of
        its vendor do. (Headers seen in the vendor's forum; not confirmed.)

        Raises:
            Exception: The error itself, where smaller pages are no remedy.
        """
        smaller = query["limit"] // SHRINKAGE
        if isinstance(error, (ThrottledError, QuotaExceededError)) or smaller < SMALLEST_PAGE:
            raise error
        self.patience = LESS_PATIENCE
        self.logger.warning(
            "A page of %d rows kept failing (%s). Reading %s again with %d rows a page",
            query["limit"],
            kind(error),
            self.name,
            smaller,
        )
        return {**query, "limit": smaller}

    # Answers

    def validate_response(self, response: requests.Response) -> None:
        """Let a good answer pass.

        Raises:
            RetriableAPIError: The same request may succeed a little later.
            FatalAPIError: It will not.
        """
        status = response.status_code
        connection = self.tap.connection
        if status < requests.codes.server_error and status != requests.codes.too_many_requests:
            connection.quota.answered()
        if status == requests.codes.ok:
            check_page(response, self.records_key)
            connection.compare_clocks(response)
        elif status == requests.codes.accepted:
            raise RetriableAPIError("HTTP 202, the segment is still being computed", response)
        elif requests.codes.multiple_choices <= status < requests.codes.bad_request:
            raise FatalAPIError(
                f"The request for {self.name} was redirected to {redirect_target(response)} "
                f"(HTTP {status}), which the API never does: check api_url and any proxy."
            )
        elif status == requests.codes.too_many_requests:
            raise self._limit_reached(response)
        elif status >= requests.codes.server_error:
            raise RetriableAPIError(f"HTTP {status}", response)
        elif status == requests.codes.unauthorized:
            raise self._token_refused(response)
        else:
            raise FatalAPIError(self._refusal(response))

    def _limit_reached(self, response: requests.Response) -> Exception:
        key, _ = error_of(response)
        connection = self.tap.connection
        if key == "quota_exceeded":
            connection.quota.refused()
            return QuotaExceededError("HTTP 429 quota_exceeded", response)
        connection.quota.spending.throttled += 1
        connection.pace.throttled()
        return ThrottledError(f"HTTP 429 {key}", response)

    def _token_refused(self, response: requests.Response) -> Exception:
        """Renew a refused token, unless it was renewed for this very request."""
        request = response.request
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        if self._renewed_for.get(request) != token and self.authenticator.can_renew:
            if fetched := self.authenticator.renew(token):
                self._renewed_for[request] = fetched
            return TokenRenewedError("HTTP 401", response)
        return FatalAPIError(
            f"Constant Contact does not accept the access token ({described(response)}). Sign in "
            "again, or check that the token belongs to this api_url."
        )

    def _refusal(self, response: requests.Response) -> str:
        said = described(response)
        if response.status_code == requests.codes.forbidden:
            return (
                f"Constant Contact forbids reading {self.name} ({said}). The token needs the scope "
                f"{self.scope}, and the user who signed in the privilege {self.privilege}. An "
                "application that Constant Contact's support has not approved yet may only read "
                "the account of the user who created it."
            )
        return f"Constant Contact refused the request for {self.name} ({said})."

    # Waits

    def request_decorator(self, func: RequestFunc) -> RequestFunc:
        """Have a request tried again while there is hope."""
        retried: RequestFunc = backoff.on_exception(
            self.backoff_wait_generator,
            RETRIABLE,
            jitter=self.backoff_jitter,
            on_backoff=self.backoff_handler,
            logger=None,
        )(func)
        return retried

    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        """Yield the seconds to wait after each failure."""
        return waits(self.patience)

    def backoff_jitter(self, value: float) -> float:
        """Spread a wait."""
        return spread(value)

    def backoff_handler(self, details: Details) -> None:
        """Log a retry, without the request, whose address may name a person."""
        failure = details["exception"]
        if isinstance(failure, QuotaExceededError):
            return
        self.tap.connection.turns.step_aside()
        if not isinstance(failure, ThrottledError):
            self.tap.connection.quota.spending.retried += 1
        if isinstance(failure, TokenRenewedError):
            self.logger.info("The access token was refused (HTTP 401) and renewed")
            return
        self.logger.warning(
            "%s; asking again in %.1f seconds",
            kind(failure),
            details["wait"],
        )


def _some(paths: Collection[str]) -> str:
    """Return a few paths, for a warning."""
    shown = ", ".join(sorted(paths)[:SHOWN])
    return f"{shown} and {len(paths) - SHOWN} more" if len(paths) > SHOWN else shown
