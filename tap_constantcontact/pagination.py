"""Which page comes next.

Documented in the contract and seen in responses recorded from the live service:
`_links.next.href` is relative to the host and opaque; the last page has no `_links`, an empty one,
or a null; an empty page may still have a next one.
"""

from __future__ import annotations

from collections.abc import Callable

import requests
from pendulum import DateTime
from singer_sdk.pagination import BaseHATEOASPaginator


class NextLinkPaginator(BaseHATEOASPaginator):
    """Follows `_links.next.href`, through empty pages too."""

    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the link to the next page, as the API gave it."""
        links = response.json().get("_links") or {}
        return (links.get("next") or {}).get("href") or None

    def continue_if_empty(self, response: requests.Response) -> bool:  # noqa: ARG002
        """Go past an empty page as past any other: it may have a next link."""
        return True

    def has_more(self, response: requests.Response) -> bool:
        """Tell whether there is a next link."""
        return self.get_next_url(response) is not None


class ReachPaginator(NextLinkPaginator):
    """Follows the pages of a newest-first report no further than an instant.

    Args:
        oldest: Tells the oldest instant on a page, None for a page without any.
        start: The instant before which nothing is of interest.
    """

    def __init__(
        self, oldest: Callable[[requests.Response], DateTime | None], start: DateTime
    ) -> None:
        super().__init__()
        self._oldest = oldest
        self._start = start

    def has_more(self, response: requests.Response) -> bool:
        """Tell whether there is a next link, and this page is all younger than the instant."""
        if not super().has_more(response):
            return False
        oldest = self._oldest(response)
        return oldest is None or oldest >= self._start
