"""A report on every contact, one request or more each, over days and runs.

The SDK's parent and child streams would keep a bookmark for every contact and write all of them
whenever one moves. Here a report is a stream of its own that walks the contacts itself, and its
state is what a sweep under way needs to go on: when it began, the last contact that is wholly out,
and which settings shaped it. When it is finished, the instant at which it began becomes the
bookmark, so that nothing which happened meanwhile is missed.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pendulum
import requests
from pendulum import DateTime

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.concurrency import in_order
from tap_constantcontact.estimate import Plan
from tap_constantcontact.limits import LimitReachedError
from tap_constantcontact.pagination import NextLinkPaginator, ReachPaginator
from tap_constantcontact.records import instant_of, rfc3339
from tap_constantcontact.roster import START, UNKNOWN, Contact
from tap_constantcontact.state import NO_SWEEP, SWEEP_VERSION
from tap_constantcontact.windows import BEGINNING, Window, parse_instant, report_window

if TYPE_CHECKING:
    from tap_constantcontact.tap import TapConstantContact

FILTERS = (
    "contact_ids",
    "contact_status",
    "contact_list_ids",
    "contact_tag_ids",
    "segment_id",
)
"""Settings that decide which contacts a sweep visits."""

SPAN = (
    "start_date",
    "lookback_days",
    "report_date",
    "report_days_back",
    "report_start_date",
    "report_start_days_back",
    "report_end_date",
    "report_end_days_back",
    "timezone",
)
"""Settings that decide from when to when it reads."""


KEPT = ("swept_at",)
"""Keys of the bookmark that every finished sweep writes."""

MOVED = ("replication_key", "replication_key_value", "filters")
"""Keys of the bookmark that a finished sweep writes unless it was of a fixed window."""


class UnknownContactError(Exception):
    """The API does not know a contact, or no longer."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep under way.

    Attributes:
        began: When it began; what "days back" counts from.
        place: The last contact that is wholly out.
    """

    began: DateTime
    place: Contact = START


class ContactReportStream(ConstantContactStream):
    """A report on one contact, for every contact."""

    replication_key: str
    default_lookback_days: int
    newest_first = False
    """Whether the API promises the youngest rows first and has no date filter of its own."""

    filters: tuple[str, ...] = FILTERS
    """Settings that decide which rows come out, from whenever they are."""

    def __init__(self, tap: TapConstantContact) -> None:
        super().__init__(tap)
        self.window = Window(BEGINNING, tap.began)

    @abstractmethod
    def parameters(self, window: Window) -> dict[str, Any]:
        """Return the query of a first page that covers a window."""

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of every contact that is left of the sweep, and move it on."""
        sweep = self.begin()
        spending = self.tap.connection.quota.spending
        before = spending.requests
        try:
            yield from self._visit(sweep)
        except LimitReachedError:
            if spending.requests > before and self.under_way() in (None, sweep):
                self.logger.warning(
                    "The requests left were too few to get one contact of %s out: a run needs more",
                    self.name,
                )
            raise
        self._finish(sweep)

    def _visit(self, sweep: Sweep) -> Iterator[dict[str, Any]]:
        connection = self.tap.connection
        contacts = self.tap.roster.after(sweep.place)
        reports = in_order(
            self._report,
            contacts,
            connection.turns,
            ahead=connection.ahead,
            most=connection.concurrency.most,
        )
        progress = self.tap.progress
        for contact, rows in progress.track(self.name, reports, "contacts", len(contacts)):
            yield from rows or ()
            progress.passed_over += rows is None
            self._move_on(sweep, contact)

    def plan(self) -> Plan:
        """Return what a run would ask for: a page of contacts now and then, and each contact."""
        sweep = self.under_way() or Sweep(self.tap.began)
        listing = self.tap.roster.plan(sweep.place)
        return Plan(listing.rows, listing.requests) + Plan(0, listing.rows)

    def sample(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of a few contacts."""
        self.begin()
        for contact in self.tap.roster.first(2):
            yield from self._report(contact) or ()

    # The sweep

    def begin(self) -> Sweep:
        """Return the sweep that is under way, or else a new one, and set the window."""
        sweep = self.under_way()
        if sweep is None:
            sweep = Sweep(self.tap.began)
            if self.stream_state.get("sweep", NO_SWEEP)["settings"]:
                self.logger.warning(
                    "The settings of %s changed while a sweep was under way: a new one begins "
                    "where the last finished one leads",
                    self.name,
                )
        fixed = report_window(self.config, sweep.began)
        self.window = fixed or self._since_bookmark()
        self._leave_no_key_out(KEPT if fixed else (*KEPT, *MOVED))
        return sweep

    def _leave_no_key_out(self, keys: Iterable[str]) -> None:
        """Have every key in the state, as one that is left out keeps an older state's value."""
        self.stream_state.setdefault("sweep", dict(NO_SWEEP))
        for key in keys:
            self.stream_state.setdefault(key, None)

    def under_way(self) -> Sweep | None:
        """Return the sweep that an earlier run left unfinished under the same settings."""
        left = self._left().get("sweep", NO_SWEEP)
        if left["settings"] != self._fingerprint(*self.filters, *SPAN):
            return None
        return Sweep(parse_instant(left["began"]), Contact.of(left))

    def _left(self) -> dict[str, Any]:
        """Return the bookmark as it is, where the SDK would make an empty one."""
        bookmark: dict[str, Any] = self.tap.state.get("bookmarks", {}).get(self.name, {})
        return bookmark

    @property
    def turn(self) -> tuple[int, str]:  # type: ignore[override]
        """One under way goes first, the one that has waited longest next."""
        if sweep := self.under_way():
            return 1, rfc3339(sweep.began)
        return 2, self._left().get("swept_at") or ""

    def _since_bookmark(self) -> Window:
        """Return the window of an incremental run; it ends late, for events while it runs."""
        start = self.starting_instant() or BEGINNING
        if self.bookmark is not None:
            days = self.config.get("lookback_days")
            start = start.subtract(days=self.default_lookback_days if days is None else days)
            self._compare_filters()
        return Window(start, self.tap.began.add(days=1))

    def _compare_filters(self) -> None:
        known = self.stream_state.get("filters")
        if known and known != self._fingerprint(*self.filters):
            self.logger.warning(
                "The filters of %s changed since its last sweep: older rows that they kept out "
                "stay out. Remove its bookmark to read all history again",
                self.name,
            )

    def _move_on(self, sweep: Sweep, contact: Contact) -> None:
        if contact.created_at == UNKNOWN:
            return
        self.stream_state["sweep"] = {
            "version": SWEEP_VERSION,
            "began": rfc3339(sweep.began),
            **contact.described(),
            "settings": self._fingerprint(*self.filters, *SPAN),
        }
        self.tap.write_state()

    def _finish(self, sweep: Sweep) -> None:
        self.stream_state["sweep"] = dict(NO_SWEEP)
        self.stream_state["swept_at"] = rfc3339(pendulum.now("UTC"))
        if report_window(self.config, sweep.began) is None:
            self.move_bookmark(sweep.began)
            self.stream_state["filters"] = self._fingerprint(*self.filters)

    def _fingerprint(self, *names: str) -> str:
        """Return what tells the values of some settings from others; lists in any order."""
        values = [self.config.get(name) for name in names]
        shape = [sorted(value) if isinstance(value, list) else value for value in values]
        return hashlib.sha256(json.dumps([*shape, self.is_incremental]).encode()).hexdigest()[:16]

    @property
    def table_version(self) -> int:
        """The version of the sweep's rows, the same in every run that it takes, in seconds."""
        return int((self.under_way() or Sweep(self.tap.began)).began.timestamp())

    # One contact

    def _report(self, contact: Contact) -> list[dict[str, Any]] | None:
        """Return the rows of a contact, or None for one that is not known."""
        try:
            return [row for row in self.rows(contact) if self._is_wanted(row)]
        except UnknownContactError:
            return None

    def _is_wanted(self, row: dict[str, Any]) -> bool:
        """Tell whether a row falls into the window; one without an instant does."""
        instant = instant_of(row.get(self.replication_key))
        return instant is None or instant in self.window

    def rows(self, contact: Contact) -> Iterable[dict[str, Any]]:
        """Return once each row of a contact that the first pages of interest hold."""
        context = {"contact_id": contact.contact_id, **self.parameters(self.window)}
        keyed = {
            tuple(row[name] for name in self.row_keys): row for row in self.request_records(context)
        }
        return ({**row, "contact_id": contact.contact_id} for row in keyed.values())

    def get_new_paginator(self) -> NextLinkPaginator:
        """Return what finds the next page, or that there is nothing more of interest."""
        if self.newest_first:
            return ReachPaginator(self.name, self._oldest, self.window.start)
        return NextLinkPaginator(self.name)

    def _oldest(self, response: requests.Response) -> datetime | None:
        rows: Iterable[Any] = response.json()[self.records_key]
        dated = (instant_of(row.get(self.replication_key)) for row in rows if isinstance(row, dict))
        return min(filter(None, dated), default=None)

    def validate_response(self, response: requests.Response) -> None:
        """Let a good answer pass.

        Raises:
            UnknownContactError: The API does not know the contact.
        """
        if response.status_code == requests.codes.not_found:
            raise UnknownContactError
        super().validate_response(response)
