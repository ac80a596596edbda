"""Requests that examine the API: each is sent once, as a run would send it, however often asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import requests

from tap_constantcontact.auth.permissions import Permission
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import RetriableAPIError
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.report import Report
from tap_constantcontact.records.rows import RawRows, Record
from tap_constantcontact.transport.addresses import filled
from tap_constantcontact.transport.responses import Page, page_in
from tap_constantcontact.transport.retries import FEWER_WAITS, retried
from tap_constantcontact.transport.session import Connection
from tap_constantcontact.transport.status import SUCCESSES, Endpoint, judge

REFUSALS = (requests.codes.bad_request, requests.codes.forbidden, requests.codes.not_found)
"""Statuses of refusals that tell something about an assumption."""

AnyStream = type[ConstantContactStream]


class UntoldError(Exception):
    """An account cannot show whether an assumption holds; says why."""


class ContradictedError(Exception):
    """An assumption does not hold; says what was seen instead."""


class Reply:
    """The API's reply to a request for a stream; its query is empty where a link led to it."""

    def __init__(
        self, stream: AnyStream, query: Mapping[str, Any], response: requests.Response
    ) -> None:
        self.stream = stream
        self.query = query
        self.status = response.status_code
        self._response = response

    @cached_property
    def page(self) -> Page:
        """The page, whose rows are as the API sent them.

        Raises:
            UntoldError: The token may not read it.
            ContradictedError: The request was refused otherwise, or the page has an unknown form.
        """
        name = self.stream.name
        if self.status == requests.codes.forbidden:
            raise UntoldError(f"The token may not read {name}.")
        if self.status not in SUCCESSES:
            raise ContradictedError(f"A request for {name} is refused with HTTP {self.status}.")
        try:
            return page_in(
                self._response,
                _as_sent,
                self.stream.records_key,
                self.stream.row_key,
                is_array=self.stream.is_array,
            )
        except RetriableAPIError as malformed:
            raise ContradictedError(f"{name}: {malformed}.") from malformed

    @property
    def rows(self) -> Sequence[Record]:
        """The rows, as the API sent them; raises as `page` does."""
        return self.page.rows

    @property
    def all_rows(self) -> Sequence[Record]:
        """The rows of a list that has only this page; raises as `page` does, or if it has more."""
        if self.page.next_link:
            raise UntoldError(f"The list of {self.stream.name} has more than one page.")
        return self.rows


def _as_sent(rows: RawRows) -> list[Record]:
    found: list[Record] = msgspec.json.decode(rows) if isinstance(rows, msgspec.Raw) else [*rows]
    return [row for row in found if isinstance(row, dict)]


class Probe:
    """Asks the API for what assumptions are told from, at the pace and limits of a connection.

    Attributes:
        permissions: Whether the token may read each stream, as far as is known.
    """

    def __init__(self, connection: Connection, permissions: Iterable[Permission]) -> None:
        self.permissions = {one.stream: one.allowed for one in permissions}
        self._connection = connection
        self._replies: dict[Any, Reply] = {}

    @property
    def replies(self) -> list[Reply]:
        """The replies so far."""
        return [*self._replies.values()]

    def ask(self, stream: AnyStream, **values: Any) -> Reply:
        """Return the reply to a request for a stream, given ids and query parameters.

        Raises:
            UntoldError: The API does not respond.
            LimitReachedError: The requests ran out.
            FatalAPIError: The API can no longer be used, or the token.
        """
        path, query = filled(stream.name, stream.path, values)
        return self._reply(stream, f"{self._connection.api_url}{path}", query)

    def first_page(self, stream: type[Collection | Report], **values: Any) -> Reply:
        """Return the first page of a list, of the stream's usual size, as `ask` does."""
        return self.ask(stream, **values, limit=stream.page_size)

    def after(self, reply: Reply) -> Reply | None:
        """Return the page after another one, or None after the last; raises as `ask` does."""
        link = reply.page.next_link
        return None if link is None else self._reply(reply.stream, link, {})

    def _reply(self, stream: AnyStream, url: str, query: Mapping[str, Any]) -> Reply:
        place = (url, *query.items())
        if place not in self._replies:
            send = retried(self._send, self._connection.before_retry, lambda: FEWER_WAITS)
            try:
                self._replies[place] = Reply(stream, query, send(stream, url, query))
            except (RetriableAPIError, requests.RequestException) as failure:
                raise UntoldError(f"The API does not respond to {stream.name}.") from failure
        return self._replies[place]

    def _send(self, stream: AnyStream, url: str, query: Mapping[str, Any]) -> requests.Response:
        response = self._connection.session.get(url, params=query, allow_redirects=False)
        if response.status_code not in REFUSALS:
            endpoint = Endpoint(stream.name, stream.scope, stream.privilege)
            judge(response, endpoint, self._connection)
        return response
