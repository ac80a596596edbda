"""One request or more for every contact: who, in what order, over what span of time.

The SDK's parent and child streams would keep a bookmark for every contact and write all of them
whenever one moves. Here a report is a stream of its own that walks the contacts itself, and its
state is one bookmark: the instant at which the last finished sweep began.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from pendulum import DateTime

from tap_constantcontact.client import ConstantContactStream, NextLinkPaginator
from tap_constantcontact.windows import BEGINNING, Window, parse_instant, report_window

if TYPE_CHECKING:
    from tap_constantcontact.tap import TapConstantContact


class Contact(NamedTuple):
    """A contact's place in the order of a sweep."""

    created_at: DateTime | None
    contact_id: str


def roster(tap: TapConstantContact) -> list[Contact]:
    """Return the contacts that the reports are about, in the order of a sweep.

    Contacts named by the configuration are not looked up, unless other filters are set beside them.
    """
    wanted = set(tap.config.get("contact_ids") or ())
    filters = ("contact_status", "contact_list_ids", "contact_tag_ids", "segment_id")
    if wanted and not any(tap.config.get(name) for name in filters):
        return [Contact(None, contact_id) for contact_id in sorted(wanted)]
    return sorted(
        Contact(parse_instant(contact["created_at"]), contact["contact_id"])
        for contact in tap.roster_stream.members()
        if not wanted or contact["contact_id"] in wanted
    )


class ReachPaginator(NextLinkPaginator):
    """Follows the pages of a newest-first report no further than an instant."""

    def __init__(self, report: ContactReportStream, start: DateTime) -> None:
        super().__init__()
        self.report = report
        self.start = start

    def has_more(self, response: requests.Response) -> bool:
        """Tell whether there is a next link, and this page is all younger than the instant."""
        if not super().has_more(response):
            return False
        instants = map(self.report.instant_of, response.json()[self.report.records_key])
        return all(instant is None or instant >= self.start for instant in instants)


class ContactReportStream(ConstantContactStream):
    """A report on one contact, for every contact."""

    replication_key: str
    default_lookback_days: int
    newest_first = False
    """Whether the API promises the youngest rows first and has no date filter of its own."""

    def __init__(self, tap: TapConstantContact) -> None:
        super().__init__(tap)
        self.passed_over = 0
        self.window = Window(BEGINNING, tap.began)

    @abstractmethod
    def parameters(self, window: Window) -> dict[str, Any]:
        """Return the query of a first page that covers a window."""

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of every contact that fall into the window."""
        fixed = report_window(self.config, self.tap.began)
        self.window = fixed or self._since_bookmark()
        for contact in roster(self.tap):
            yield from self.rows(contact)
        if self.passed_over:
            self.logger.warning(
                "Passed over %d contacts that the API no longer knows", self.passed_over
            )
        if fixed is None:
            self.move_bookmark(self.tap.began)

    def _since_bookmark(self) -> Window:
        """Return the window of an incremental run; it ends late, for events while it runs."""
        start = self.starting_instant() or BEGINNING
        if self.bookmark is not None:
            days = self.config.get("lookback_days")
            start = start.subtract(days=self.default_lookback_days if days is None else days)
        return Window(start, self.tap.began.add(days=1))

    def rows(self, contact: Contact) -> Iterator[dict[str, Any]]:
        """Yield once each row of a contact that falls into the window."""
        seen: set[tuple[str, ...]] = set()
        context = {"contact_id": contact.contact_id, **self.parameters(self.window)}
        for answer_row in self.request_records(context):
            row = {"contact_id": contact.contact_id, **answer_row}
            key = tuple(row[name] for name in self.primary_keys)
            instant = self.instant_of(row)
            if key not in seen and (instant is None or instant in self.window):
                seen.add(key)
                yield row

    def instant_of(self, row: dict[str, Any]) -> DateTime | None:
        """Return the instant by which a row falls into a window; without one it is let through."""
        try:
            return parse_instant(row[self.replication_key])
        except (KeyError, TypeError, ValueError):
            return None

    def get_new_paginator(self) -> NextLinkPaginator:
        """Return what finds the next page, or that there is nothing more of interest."""
        if self.newest_first:
            return ReachPaginator(self, self.window.start)
        return NextLinkPaginator()

    def validate_response(self, response: requests.Response) -> None:
        """Let a contact pass that is not, or no longer, known."""
        if response.status_code == requests.codes.not_found:
            self.passed_over += 1
        else:
            super().validate_response(response)

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """Yield the rows of an answer."""
        if response.status_code == requests.codes.not_found:
            return iter(())
        return super().parse_response(response)
