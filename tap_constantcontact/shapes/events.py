"""Events, which have no key of their own: each is read once, and gets the same key in every run."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

ACTIVITIES = uuid.UUID("6f0c1c5e-6a0b-5d9c-9d0e-3a1f6d2b7c48")
"""Namespace of the events' keys."""

IDENTITY = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
"""What tells one event from another; a running number does so where all of these are alike.

Whether the live service sends the link of a click is not known: the contract's row has none. So it
cannot be part of the identity, or an event would have another one where a row comes without it.
"""

READINGS = 3
"""Number of readings of a list of events before rows that cannot be told apart are guessed."""

Page = list[dict[str, Any]]


def read_once(pages: Callable[[], Iterable[Page]]) -> Iterable[dict[str, Any]]:
    """Return each event of a newest-first list once.

    Pages are numbered. So an event that happens while they are read moves the rows, and the last
    row of a page is met again as the first of the next. Rows that are equal there may also be
    events of their own. The first page, read once more, tells the two apart: rows are met again
    only if it begins with events that were not there, and at most as many rows as there are such
    events. Equal rows within a page are always events of their own.

    Args:
        pages: Begins a new reading, and returns its pages.
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
    """Return by how many rows a page has moved between two readings, at most by all of them.

    That is where more rows agree than differ, as a row may come with other values the second time.
    """

    def agreement(moved: int) -> int:
        pairs = zip(after[moved:], before, strict=False)
        return sum(1 if now == then else -1 for now, then in pairs)

    moved = max(range(len(before)), key=agreement, default=0)
    return moved if agreement(moved) > 0 else len(before)


def overlaps(pages: Sequence[Page], longest: int | None = None) -> list[int]:
    """Return how many rows at the start of each page but the first are those that end the last.

    Args:
        pages: The pages of a reading.
        longest: Number of rows at the most, or None for any number.

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
    """Return events with `activity_id`, a UUIDv5 over what tells one event from another.

    Events that are alike in that are numbered: by their link where they have one, else in the order
    in which they came.
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
