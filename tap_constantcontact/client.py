"""One request, one answer, the next page; what is tried again and what is fatal.

Observed or documented of the API, and relied upon here:

- Both 429s look alike but for the body's `error_key`: `throttled`, `quota_exceeded`. (Guide.)
- Errors come as a list of objects or as a bare object; a gateway may answer in HTML. (Contract.)
- A 202 says that a segment is still being computed: ask again. (Contract.)
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult, urljoin
from weakref import WeakSet

import backoff
import requests
from pendulum import DateTime
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import HTTPRequest, PageContext, RESTStream

from tap_constantcontact.auth import AccessTokenAuthenticator, RefreshTokenAuthenticator
from tap_constantcontact.concurrency import read_ahead
from tap_constantcontact.estimate import Plan, pages
from tap_constantcontact.limits import LimitReachedError
from tap_constantcontact.pagination import NextLinkPaginator
from tap_constantcontact.records import Conformer, rfc3339
from tap_constantcontact.retries import (
    RETRIABLE,
    QuotaExceededError,
    ThrottledError,
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

    payload_as_json = False
    check_sorted = False

    def __init__(self, tap: TapConstantContact) -> None:
        super().__init__(tap)
        self.tap = tap
        self.counted: int | None = None
        self._unauthorized: WeakSet[requests.PreparedRequest] = WeakSet()

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

    def _reason(self, error: Exception) -> str:
        if isinstance(error, FatalAPIError):
            return str(error)
        return (
            f"Constant Contact did not answer {self.name} for minutes ({kind(error)}). "
            "Run again later with the last state: nothing is lost."
        )

    # Records

    @cached_property
    def _conformer(self) -> Conformer:
        return Conformer(self.schema)

    def post_process(
        self,
        row: dict[str, Any],
        context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Fit a row to the stream's schema."""
        return self._conformer(row)

    def _report_misfits(self) -> None:
        if unknown := sorted(self._conformer.unknown):
            self.logger.warning(
                "The API sent fields that this version does not know and left out: %s",
                ", ".join(unknown),
            )
        if unreadable := sorted(self._conformer.unreadable):
            self.logger.warning(
                "Left empty, as they held no date-time: %s",
                ", ".join(unreadable),
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
        return NextLinkPaginator()

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """Yield the rows of an answer."""
        page = response.json()
        self.counted = page.get(f"{self.records_key}_count", self.counted)
        yield from page.get(self.records_key) or ()

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
            for row in self.tap.progress.track(self.name, pages, self.records_key):
                rows += 1
                if row[key] not in seen:
                    seen.add(row[key])
                    yield row
            if not shrinks or rows <= query["limit"] or len(seen) == known:
                return

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
            self._check_json(response)
            connection.compare_clocks(response)
        elif status == requests.codes.accepted:
            raise RetriableAPIError("HTTP 202, the segment is still being computed", response)
        elif status == requests.codes.too_many_requests:
            raise self._limit_reached(response)
        elif status >= requests.codes.server_error:
            raise RetriableAPIError(f"HTTP {status}", response)
        elif status == requests.codes.unauthorized:
            self._renew_token(response)
        else:
            raise FatalAPIError(self._refusal(response))

    @staticmethod
    def _check_json(response: requests.Response) -> None:
        try:
            page = response.json()
        except requests.JSONDecodeError:
            page = None
        if not isinstance(page, dict):
            raise RetriableAPIError("HTTP 200 whose body is no JSON object", response)

    def _limit_reached(self, response: requests.Response) -> Exception:
        key, _ = _error(response)
        connection = self.tap.connection
        if key == "quota_exceeded":
            connection.quota.refused()
            return QuotaExceededError("HTTP 429 quota_exceeded", response)
        connection.quota.spending.throttled += 1
        connection.pace.throttled()
        return ThrottledError(f"HTTP 429 {key}", response)

    def _renew_token(self, response: requests.Response) -> None:
        request = response.request
        first_time = request not in self._unauthorized
        self._unauthorized.add(request)
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        if first_time and self.authenticator.renew(token):
            raise RetriableAPIError("HTTP 401", response)
        raise FatalAPIError(
            "Constant Contact does not accept the access token (401). Sign in again, or check "
            "that the token belongs to this api_url."
        )

    def _refusal(self, response: requests.Response) -> str:
        key, message = _error(response)
        said = f"HTTP {response.status_code}" + "".join(
            f", {part}" for part in (key, message) if part
        )
        if response.status_code == requests.codes.forbidden:
            return (
                f"Constant Contact forbids reading {self.name} ({said}). The token needs the scope "
                f"{self.scope}, and the user who signed in the privilege {self.privilege}."
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
        return waits()

    def backoff_jitter(self, value: float) -> float:
        """Spread a wait."""
        return spread(value)

    def backoff_handler(self, details: Details) -> None:
        """Log a retry, without the request, whose address may name a person."""
        failure = details["exception"]
        if isinstance(failure, QuotaExceededError):
            return
        if not isinstance(failure, ThrottledError):
            self.tap.connection.quota.spending.retried += 1
        self.logger.warning(
            "%s; asking again in %.1f seconds",
            kind(failure),
            details["wait"],
        )


def _error(response: requests.Response) -> tuple[str, str]:
    """Return the `error_key` and `error_message` of an answer, empty where it has none."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return "", ""
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("error_key") or ""), str(body.get("error_message") or "")
