"""The reading of events, for the shapes of reports that consist of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

import requests
from typing_extensions import override

from tap_constantcontact.reading.events import Page, read_once, with_ids
from tap_constantcontact.reading.query import Record
from tap_constantcontact.reading.report import RequestsPerParent
from tap_constantcontact.records.conversion import instant_of
from tap_constantcontact.transport.pagination import NextLinkPaginator, ReachPaginator
from tap_constantcontact.transport.responses import rows_in


class EventPages(RequestsPerParent):
    """Reads each event of a newest-first list once, and gives it its key `activity_id`.

    Attributes that a stream may set:
        newest_first: Whether to stop at the first page with events older than the window, as the
            API sends the newest ones first and has no date filter.
        activity_type: The type of all the events, for endpoints that spell it differently.
    """

    activity_type: ClassVar[str | None] = None
    newest_first: ClassVar[bool] = True
    row_keys = ()

    @override
    def parse_response(self, response: requests.Response) -> Iterator[Any]:
        yield super().parse_response(response)

    @override
    def rows_of(self, context: Mapping[str, Any]) -> Sequence[Record]:
        labels = self.labels(context)

        def pages() -> Iterator[Page]:
            for page in cast("Iterable[Page]", self.request_records(dict(context))):
                yield [{**row, **labels} for row in page]

        return with_ids(read_once(pages))

    @override
    def get_new_paginator(self) -> NextLinkPaginator:
        records_key = self.records_key or ""
        if self.newest_first:
            return ReachPaginator(self.name, records_key, self._oldest, self.window.start)
        return NextLinkPaginator(self.name, records_key)

    def _oldest(self, response: requests.Response) -> datetime | None:
        rows = rows_in(response, self.records_key)
        key = self.replication_key or ""
        dated = (instant_of(row.get(key)) for row in rows if isinstance(row, dict))
        return min(filter(None, dated), default=None)

    def labels(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that all events of a request share."""
        labels = {name: value for name, value in context.items() if f"{{{name}}}" in self.path}
        if self.activity_type:
            labels["tracking_activity_type"] = self.activity_type
        return labels


class EventsPerParent(EventPages):
    """A report of the events of each parent, in a sweep over all parents.

    Example:
        >>> class LandingPageOpensStream(EventsPerParent):
        ...     name = "landing_page_opens"
        ...     path = "/reports/landing_pages/campaign_details/{campaign_activity_id}/p_opens"
        ...     records_key = "landing_page_activities"
        ...     primary_keys = ("activity_id",)
        ...     activity_type = "p_contact_open"
        ...     parents = LANDING_PAGES
    """
