"""Concurrent reading of a long list, in slices of the time at which its rows were created.

A page is only known from the link on the page before it, so one chain of pages brings one page in
the time of one response. Where that is too slow for the key's pace, a chain is split: it goes on
with the newer half of its rows, while another one reads the older half.

Contacts come newest first (seen in responses recorded from the live service, not documented). A
chain in another order is not split, or if it already was, read to its end.

Assumptions: `contacts-newest-first`, `created-before-finds-older-contacts`,
`created-after-finds-newer-contacts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

import pendulum

from tap_constantcontact.config.dates import date_parameter
from tap_constantcontact.reading.query import OVERLAP, Creation
from tap_constantcontact.records.rows import Record
from tap_constantcontact.transport.responses import Page
from tap_constantcontact.transport.workers import WAIT_ANEW, Workers

SPLIT_PAGES = 8
"""Minimum number of pages left in a chain to split it; each split may cost one request more."""

SECOND = 19
"""Length of a date-time in whole seconds, such as `2026-01-31T12:00:00`."""

Bounds = Mapping[str, str]


@dataclass(eq=False)
class Chain:
    """The pages of one slice, each linked from the one before.

    Attributes:
        after: Creation date-time of the oldest rows to keep, in whole seconds; empty for no limit.
        before: Creation date-time before which rows are kept; empty for no limit.
        left: Estimated number of rows on the pages that were not read yet; None if not known.
        newest: The highest creation date-time on the pages that were read.
        oldest: The lowest one.
        read: Number of rows on the pages that were read.
        descends: Whether all rows came newest first so far.
    """

    pages: Iterator[Page]
    after: str = ""
    before: str = ""
    left: int | None = None
    newest: str = ""
    oldest: str = ""
    read: int = 0
    descends: bool = True

    def take(self, page: Page, created: list[str]) -> None:
        """Note a page that was read, and when its rows were created."""
        if not self.read and page.total is not None:
            self.left = page.total if self.left is None else min(page.total, self.left)
        if self.left is not None:
            self.left = max(0, self.left - len(page.rows))
        self.read += len(page.rows)
        ordered = [self.oldest, *created] if self.oldest else created
        self.descends &= ordered == sorted(ordered, reverse=True)
        if created:
            self.newest = self.newest or created[0]
            self.oldest = created[-1]

    def keeps(self, created: str) -> bool:
        """Return whether a row that was created then, if that is known, belongs to the slice."""
        return not created or (self.after <= created and (not self.before or created < self.before))

    @property
    def is_finished(self) -> bool:
        """Whether all rows on further pages are older than the slice."""
        return self.descends and bool(self.oldest) and self.oldest < self.after

    def middle(self) -> str | None:
        """Return when the row in the middle of those left was probably created, if one can tell."""
        if not (self.descends and self.left and self.oldest < self.newest):
            return None
        newest, oldest = map(datetime.fromisoformat, (self.newest, self.oldest))
        middle = oldest - (newest - oldest) * (self.left / 2 / self.read)
        if self.after:
            limit = datetime.fromisoformat(self.after)
            middle = max(middle, limit + (oldest - limit) / 2)
        whole = middle.replace(microsecond=0).isoformat()
        end = min(self.oldest, self.before or self.oldest)
        return whole if self.after < whole < end else None


class Slices:
    """Reads a list in as many concurrent chains of pages as the key's pace takes.

    `pages` returns those of the list, given query parameters that restrict the creation of its
    rows; `wanted` returns how many requests should be in flight.

    Attributes:
        total: Number of rows of the whole list, as its first page told it; 0 if it did not.
    """

    def __init__(
        self,
        creation: Creation,
        page_size: int,
        pages: Callable[[Bounds], Iterator[Page]],
        wanted: Callable[[], int],
    ) -> None:
        self._creation = creation
        self._worth_splitting = SPLIT_PAGES * page_size
        self._pages = pages
        self._wanted = wanted
        self._workers = Workers()
        self._awaited: dict[Future[Page | None], Chain] = {}
        self.total = 0

    def __iter__(self) -> Iterator[list[Record]]:
        """Yield the rows of each page, while the next pages are on their way."""
        self._ask(Chain(self._pages({})))
        try:
            while self._awaited:
                done, _ = wait(self._awaited, WAIT_ANEW, FIRST_COMPLETED)
                for future in done:
                    chain = self._awaited.pop(future)
                    if page := future.result():
                        yield self._rows(chain, page)
        finally:
            self._workers.dismiss()

    def _ask(self, chain: Chain) -> None:
        if self._workers.number == len(self._awaited):
            self._workers.add()
        self._awaited[self._workers.do(lambda: next(chain.pages, None))] = chain

    def _rows(self, chain: Chain, page: Page) -> list[Record]:
        """Return the rows of a page that belong to its slice, after asking for further pages."""
        created = [(row.get(self._creation.at) or "")[:SECOND] for row in page.rows]
        self.total = self.total or page.total or 0
        chain.take(page, [*filter(None, created)])
        if not chain.is_finished:
            self._ask(chain)
        while len(self._awaited) < self._wanted() and self._split():
            pass
        return [row for row, at in zip(page.rows, created, strict=True) if chain.keeps(at)]

    def _split(self) -> bool:
        """Split the longest chain that can be split, and return whether there was one."""
        for chain in sorted(self._awaited.values(), key=lambda one: one.left or 0, reverse=True):
            left = chain.left or 0
            if left < self._worth_splitting:
                return False
            if middle := chain.middle():
                bounds = {self._creation.before: self._bound(middle, OVERLAP)}
                if chain.after:
                    bounds[self._creation.after] = self._bound(chain.after, -OVERLAP)
                older = Chain(self._pages(bounds), chain.after, middle, left)
                chain.after, chain.left = middle, left // 2
                self._ask(older)
                return True
        return False

    @staticmethod
    def _bound(second: str, margin: timedelta) -> str:
        return date_parameter(pendulum.instance(datetime.fromisoformat(second)) + margin)
