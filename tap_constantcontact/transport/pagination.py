"""Pagination: the links from page to page.

Documented in the contract and seen in responses recorded from the live service: an empty page may
still have a next page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import ParseResult

import requests
from singer_sdk.pagination import BaseHATEOASPaginator

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.transport.responses import is_empty, next_link

MOST_EMPTY = 100
"""Maximum number of pages without rows, one after another, that are followed."""


class NextLinkPaginator(BaseHATEOASPaginator):
    """Follows the links to next pages, through empty pages too.

    Args:
        stream: Name of the stream, for messages.
        records_key: Property of a page that holds its rows.
    """

    def __init__(self, stream: str, records_key: str) -> None:
        super().__init__()
        self._stream = stream
        self._records_key = records_key
        self._followed: set[str] = set()
        self._empty = 0

    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the address of the next page."""
        return next_link(response)

    def get_next(self, response: requests.Response) -> ParseResult | None:
        """Return the address of the next page.

        Raises:
            FatalAPIError: It was followed before, or only leads from one empty page to another.
        """
        link = super().get_next(response)
        self._empty = self._empty + 1 if is_empty(response, self._records_key) else 0
        if link is not None:
            if self._empty > MOST_EMPTY:
                raise FatalAPIError(
                    f"The API sent {self._empty} pages of {self._stream} without a row, each with "
                    "a link to another. Run again later with the last state, and tell Constant "
                    "Contact's support if it happens again."
                )
            if link.geturl() in self._followed:
                raise FatalAPIError(
                    f"The next links of {self._stream} lead in a circle: the API sent a link to a "
                    "page that was already read. Run again later with the last state, and tell "
                    "Constant Contact's support if it happens again."
                )
            self._followed.add(link.geturl())
        return link

    def continue_if_empty(self, response: requests.Response) -> bool:  # noqa: ARG002
        """Continue after an empty page, because it may have a next link."""
        return True

    def has_more(self, response: requests.Response) -> bool:
        """Return whether there is a next link."""
        return self.get_next_url(response) is not None


class ReachPaginator(NextLinkPaginator):
    """Follows the pages of a newest-first report until they are older than an instant.

    Args:
        stream: Name of the stream, for messages.
        records_key: Property of a page that holds its rows.
        oldest: Returns the oldest instant on a page, or None if the page has none.
        start: The instant at which to stop; older rows are not needed.
    """

    def __init__(
        self,
        stream: str,
        records_key: str,
        oldest: Callable[[requests.Response], datetime | None],
        start: datetime,
    ) -> None:
        super().__init__(stream, records_key)
        self._oldest = oldest
        self._start = start

    def has_more(self, response: requests.Response) -> bool:
        """Return whether there is a next link and no row of this page is older than the instant."""
        if not super().has_more(response):
            return False
        oldest = self._oldest(response)
        return oldest is None or oldest >= self._start
