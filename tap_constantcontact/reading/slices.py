"""Concurrent reading of a long list, in slices of the time at which its rows were created.

A page is only known from the link on the page before it, so one chain of pages brings one page in
the time of one response. Where that is too slow for the key's pace, a chain is split: it goes on
with the newer half of its rows, while another one reads the older half.

Contacts come newest first (seen in responses recorded from the live service, not documented). A
chain in another order is not split, or if it already was, read to its end.

What is left of the slices can be kept in a state, from which a later run goes on. If rows turn out
to come in another order after all, that run reads the slices that it took to be read as well.

Assumptions: `contacts-newest-first`, `created-before-finds-older-contacts`,
`created-after-finds-newer-contacts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import pendulum

from tap_constantcontact.config.dates import date_parameter
from tap_constantcontact.reading.query import OVERLAP, Creation
from tap_constantcontact.records.rows import Record
from tap_constantcontact.state.bookmarks import Place
from tap_constantcontact.transport.responses import Page
from tap_constantcontact.transport.workers import WAIT_ANEW, Workers

SPLIT_PAGES = 8
"""Minimum number of pages left in a chain to split it; each split may cost one request more."""

SECOND = 19
"""Length of a date-time in whole seconds, such as `2026-01-31T12:00:00`."""

MOST_KEPT = 6
"""Number of slices that a state keeps at most; their bounds take 98 characters."""

Bounds = Mapping[str, str]


class Slice(NamedTuple):
    """A span of creation date-times in whole seconds, such as `2026-01-31T12:00:00`.

    Attributes:
        after: That of its oldest rows; empty for no limit.
        before: The one before which its rows were created; empty for no limit.
    """

    after: str = ""
    before: str = ""

    def bounds(self, creation: Creation) -> Bounds:
        """Return the query parameters that bring the rows of the slice, and maybe some more."""
        bounds = {}
        if self.before:
            bounds[creation.before] = _parameter(self.before)
        if self.after:
            bounds[creation.after] = _parameter(self.after, -OVERLAP)
        return bounds


WHOLE = (Slice(),)
"""The slices of a list of which nothing has been read."""

Note = Callable[[Sequence[Slice]], None]
"""Is called when the rows of a page are out, with the slices of the list that are left."""


def forget(left: Sequence[Slice]) -> None:
    """Note nothing."""


def place_of(left: Sequence[Slice]) -> Place:
    """Return the place in a list of which some slices are left, from the newest to the oldest.

    If a state cannot keep so many, the two with the least between them become one.

    Example:
        >>> left = [Slice("2026-01-01T00:00:00", "2026-02-01T00:00:00")]
        >>> left.append(Slice(before="2025-01-01T00:00:00"))
        >>> place_of(left)
        Place(created_at=1769904000.0, parent_id='6955b900,67748580,0')
        >>> slices_at(place_of(left))[-1]
        Slice(after='', before='2025-01-01T00:00:00')
    """
    bounds = [_epoch(bound) for one in left for bound in (one.before, one.after)]
    while len(bounds) > 2 * MOST_KEPT:
        narrowest = min(range(1, len(bounds) - 1, 2), key=lambda n: bounds[n] - bounds[n + 1])
        del bounds[narrowest : narrowest + 2]
    return Place(float(bounds[0]), ",".join(f"{bound:x}" for bound in bounds[1:]))


def slices_at(place: Place | None) -> tuple[Slice, ...]:
    """Return the slices that are left at a place; the whole list if the place tells of none."""
    if place is None:
        return WHOLE
    try:
        bounds = [int(place.created_at), *(int(one, 16) for one in place.parent_id.split(","))]
        texts = [_second(bound) for bound in bounds]
    except (OverflowError, ValueError):
        return WHOLE
    if len(bounds) % 2 or bounds != sorted(bounds, reverse=True):
        return WHOLE
    return tuple(map(Slice, texts[1::2], texts[::2]))


def _epoch(bound: str) -> int:
    """Return a bound in seconds since the epoch; 0 for none."""
    instant = datetime.fromisoformat(bound or "1970-01-01").replace(tzinfo=timezone.utc)
    return int(instant.timestamp())


def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()[:SECOND] if seconds else ""


def _parameter(second: str, margin: timedelta = timedelta()) -> str:
    return date_parameter(pendulum.instance(datetime.fromisoformat(second)) + margin)


@dataclass(eq=False)
class Chain:
    """The pages of one slice, each linked from the one before.

    Attributes:
        after, before: The bounds of the slice.
        reached: Creation date-time from which on all rows of the slice are out; empty for none.
        left: Estimated number of rows on the pages that were not read yet; None if not known.
        newest, oldest: The highest and the lowest creation date-time on the pages that were read.
        read: Number of rows on these pages.
        descends: Whether all rows came newest first so far.
        is_dated: Whether all rows so far told when they were created.
    """

    pages: Iterator[Page]
    after: str = ""
    before: str = ""
    left: int | None = None
    newest: str = ""
    oldest: str = ""
    read: int = 0
    descends: bool = True
    is_dated: bool = True

    def __post_init__(self) -> None:
        self.reached = self.before

    def take(self, page: Page, created: list[str]) -> None:
        """Note a page that was read, and when its rows were created."""
        if not self.read and page.total is not None:
            self.left = page.total if self.left is None else min(page.total, self.left)
        if self.left is not None:
            self.left = max(0, self.left - len(page.rows))
        self.read += len(page.rows)
        ordered = [self.oldest, *created] if self.oldest else created
        self.descends &= ordered == sorted(ordered, reverse=True)
        self.is_dated &= len(created) == len(page.rows)
        if created:
            self.newest = self.newest or created[0]
            self.oldest = created[-1]

    def keeps(self, created: str) -> bool:
        """Return whether a row that was created then, if that is known, belongs to the slice."""
        return not created or (self.after <= created and (not self.before or created < self.before))

    def move(self) -> None:
        """Note that the rows read so far are out; those of one second show no order yet."""
        if self.oldest and (self.before or self.oldest < self.newest):
            end = (datetime.fromisoformat(self.oldest) + timedelta(seconds=1)).isoformat()
            self.reached = min(end, self.reached or end)

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
    """Reads a list, or some slices of it, in as many concurrent chains as the key's pace takes.

    `pages` returns those of the list, given query parameters that restrict the creation of its
    rows; `wanted` returns how many requests should be in flight.

    Attributes:
        total: Number of rows of the whole list, as its first page told it; 0 if it did not.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        creation: Creation,
        page_size: int,
        pages: Callable[[Bounds], Iterator[Page]],
        wanted: Callable[[], int],
        left: Sequence[Slice] = WHOLE,
        note: Note = forget,
    ) -> None:
        self._creation = creation
        self._worth_splitting = SPLIT_PAGES * page_size
        self._pages = pages
        self._wanted = wanted
        self._note = note
        self._workers = Workers()
        self._open = [self._chain(one) for one in left]
        self._waiting = [*self._open]
        self._awaited: dict[Future[Page | None], Chain] = {}
        self._is_ordered = True
        edges = ["", *(bound for one in left for bound in (one.before, one.after)), ""]
        between = map(Slice, edges[1::2], edges[::2])
        self._read_before = [one for one in between if any(one)]
        self.total = 0

    @property
    def left(self) -> Sequence[Slice]:
        """The slices that are left, the newest first; the whole list if rows show no order."""
        if not self._is_ordered:
            return WHOLE
        return [Slice(chain.after, chain.reached) for chain in self._open]

    def __iter__(self) -> Iterator[list[Record]]:
        """Yield the rows of each page, while the next pages are on their way."""
        try:
            while self._waiting or self._awaited:
                while self._waiting and len(self._awaited) < max(1, self._wanted()):
                    self._ask(self._waiting.pop(0))
                done, _ = wait(self._awaited, WAIT_ANEW, FIRST_COMPLETED)
                for future in done:
                    chain = self._awaited.pop(future)
                    if page := future.result():
                        yield self._rows(chain, page)
                        chain.move()
                    if not page or chain.is_finished:
                        self._open.remove(chain)
                    self._note(self.left)
        finally:
            self._workers.dismiss()

    def _chain(self, of: Slice, left: int | None = None) -> Chain:
        return Chain(self._pages(of.bounds(self._creation)), of.after, of.before, left)

    def _ask(self, chain: Chain) -> None:
        if self._workers.number == len(self._awaited):
            self._workers.add()
        self._awaited[self._workers.do(lambda: next(chain.pages, None))] = chain

    def _rows(self, chain: Chain, page: Page) -> list[Record]:
        """Return the rows of a page that belong to its slice, after asking for further pages."""
        created = [(row.get(self._creation.at) or "")[:SECOND] for row in page.rows]
        if not (chain.after or chain.before):
            self.total = self.total or page.total or 0
        chain.take(page, [*filter(None, created)])
        if not (chain.descends and chain.is_dated) and self._is_ordered:
            self._is_ordered = False
            again = [self._chain(one) for one in self._read_before]
            self._open += again
            self._waiting += again
        if not chain.is_finished:
            self._ask(chain)
        while len(self._awaited) < self._wanted() and not self._waiting and self._split():
            pass
        return [row for row, at in zip(page.rows, created, strict=True) if chain.keeps(at)]

    def _split(self) -> bool:
        """Split the longest chain that can be split, and return whether there was one."""
        for chain in sorted(self._awaited.values(), key=lambda one: one.left or 0, reverse=True):
            left = chain.left or 0
            if left < self._worth_splitting:
                return False
            if middle := chain.middle():
                older = self._chain(Slice(chain.after, middle), left)
                chain.after, chain.left = middle, left // 2
                self._open.insert(self._open.index(chain) + 1, older)
                self._ask(older)
                return True
        return False
