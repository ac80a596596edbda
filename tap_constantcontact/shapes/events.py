"""Events, which have no key of their own: each is read once and gets the same key in every run."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

ACTIVITIES = uuid.UUID("6f0c1c5e-6a0b-5d9c-9d0e-3a1f6d2b7c48")
"""Namespace of the events' keys."""

IDENTITY = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
"""Fields that identify an event; events equal in all of them are numbered.

A click's link is not among them: it is not known whether the live service always sends it, as the
contract's row has none. An event sent once with it and once without would get two keys.
"""

READINGS = 3
"""Number of times a list is read before the number of its repeated rows is guessed."""

Page = list[dict[str, Any]]


def read_once(pages: Callable[[], Iterable[Page]]) -> Iterable[dict[str, Any]]:
    """Return each event of a newest-first list once.

    Pages are numbered. So an event that happens while they are read shifts the rows, and the last
    row of a page appears again as the first row of the next. But two equal rows at such a border
    may also be two separate events. Reading the first page once more shows which: rows are repeated
    only if new events have arrived at its top, and at most one row per new event. Equal rows within
    one page are always separate events.

    Args:
        pages: Requests all pages of the list, the newest first; called once for each pass.

    Example:
        >>> a, b = {"n": 1}, {"n": 2}
        >>> [*read_once(lambda: [[b, b], [a]])]
        [{'n': 2}, {'n': 2}, {'n': 1}]
    """
    for _ in range(READINGS):
        read = [*pages()]
        if not any(overlaps(read)):
            break
        arrived = moved_by(read[0], next(iter(pages())))
        repeated = overlaps(read, arrived)
        read[1:] = [page[n:] for page, n in zip(read[1:], repeated, strict=True)]
        if sum(repeated) <= arrived:
            break
    return itertools.chain.from_iterable(read)


def moved_by(before: Page, after: Page) -> int:
    """Return the number of rows by which a page has shifted between two reads of it.

    At that shift more rows agree than differ: a row may have other values the second time.

    Example:
        >>> moved_by([{"n": 2}, {"n": 1}], [{"n": 3}, {"n": 2}])
        1
    """

    def agreement(moved: int) -> int:
        pairs = zip(after[moved:], before, strict=False)
        return sum(1 if now == then else -1 for now, then in pairs)

    moved = max(range(len(before)), key=agreement, default=0)
    return moved if agreement(moved) > 0 else len(before)


def overlaps(pages: Sequence[Page], longest: int | None = None) -> list[int]:
    """Count, for each page but the first, the first rows that equal the last of the page before.

    Args:
        pages: The pages of one pass over the list.
        longest: Maximum count; None for no maximum.

    Example:
        >>> a, b, c = {"n": 1}, {"n": 2}, {"n": 3}
        >>> overlaps([[a, b], [b, c], [c, a]]), overlaps([[a, b], [b, c]], longest=0)
        ([1, 1], [0])
    """

    def overlap(page: Page, following: Page) -> int:
        most = min(len(page), len(following))
        sizes = range(most if longest is None else min(most, longest), 0, -1)
        return next((n for n in sizes if page[-n:] == following[:n]), 0)

    return [overlap(page, following) for page, following in itertools.pairwise(pages)]


def with_ids(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events with `activity_id`, a UUIDv5 of the fields that identify them.

    Events equal in these fields are numbered: sorted by their link if they have one, otherwise in
    the order of the list.
    """
    alike: dict[str, Page] = {}
    for row in rows:
        alike.setdefault("|".join(str(row.get(name) or "") for name in IDENTITY), []).append(row)
    return [
        {"activity_id": str(uuid.uuid5(ACTIVITIES, f"{identity}|{number}")), **row}
        for identity, events in alike.items()
        for number, row in enumerate(sorted(events, key=_link))
    ]


def _link(event: Mapping[str, Any]) -> tuple[str, str]:
    return event.get("link_url") or "", event.get("url_id") or ""
