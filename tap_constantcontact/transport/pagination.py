"""Pagination: the links from page to page.

Documented in the contract and seen in responses recorded from the live service: an empty page may
still have a next page.
"""

from __future__ import annotations

from collections.abc import Mapping

import requests
from singer_sdk.pagination import BaseHATEOASPaginator
from typing_extensions import override

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.transport.responses import Page

MOST_EMPTY = 100
"""Maximum number of pages without rows, one after another, that are followed."""

TRY_LATER = (
    "Run again later with the last state, and tell Constant Contact's support if it happens again."
)


class NextLinkPaginator(BaseHATEOASPaginator):
    """Follows the links of a stream's pages to the next ones, through empty pages too."""

    def __init__(self, stream: str, pages: Mapping[requests.Response, Page]) -> None:
        super().__init__()
        self._stream = stream
        self._pages = pages
        self._followed: set[str] = set()
        self._empty = 0

    @override
    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the address of the next page.

        Raises:
            FatalAPIError: It was followed before, or only leads from one empty page to another.
        """
        page = self._pages[response]
        link = page.next_link
        self._empty = self._empty + 1 if page.is_empty else 0
        if link is None:
            return None
        if self._empty > MOST_EMPTY:
            raise FatalAPIError(
                f"The API sent {self._empty} pages of {self._stream} without a row, each with a "
                f"link to another. {TRY_LATER}"
            )
        if link in self._followed:
            raise FatalAPIError(
                f"The next links of {self._stream} lead in a circle: the API sent a link to a page "
                f"that was already read. {TRY_LATER}"
            )
        self._followed.add(link)
        return link
