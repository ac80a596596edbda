"""Events, which have no key of their own: each is read once and gets the same key in every run."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

ACTIVITIES = uuid.UUID("6f0c1c5e-6a0b-5d9c-9d0e-3a1f6d2b7c48")
"""Namespace of the events' keys."""

IDENTITY = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
"""Fields that identify an event; events equal in all of them are numbered.

Neither a link nor a device is among them: it is not known whether the live service always sends
them, as the contract's row of a contact's report has none. An event sent once with them and once
without would get two keys.
"""

READINGS = 3
"""Number of times a list is read before the number of its repeated rows is guessed."""

EventRows = list[dict[str, Any]]


def read_once(pages: Callable[[], Iterable[EventRows]]) -> EventRows:
    """Return each event of a newest-first list once.

    Pages are numbered. So an event that happens while they are read shifts the rows, and the last
    row of a page appears again as the first row of the next. But two equal rows at such a border
    may also be two separate events. Reading the first page once more shows which: rows are repeated
    only if new events have arrived at its top, and at most one row per new event. Equal rows within
    one page are always separate events.

    `pages` requests all of them for each pass, the newest first.

    Example:
        >>> a, b = {"n": 1}, {"n": 2}
        >>> read_once(lambda: [[b, b], [a]])
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
    return [*itertools.chain.from_iterable(read)]


def moved_by(before: EventRows, after: EventRows) -> int:
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


def overlaps(pages: Sequence[EventRows], longest: int | None = None) -> list[int]:
    """Count, for each page but the first, the first rows that equal the last of the page before.

    Example:
        >>> a, b, c = {"n": 1}, {"n": 2}, {"n": 3}
        >>> overlaps([[a, b], [b, c], [c, a]]), overlaps([[a, b], [b, c]], longest=0)
        ([1, 1], [0])
    """

    def overlap(page: EventRows, following: EventRows) -> int:
        most = min(len(page), len(following))
        sizes = range(most if longest is None else min(most, longest), 0, -1)
        return next((n for n in sizes if page[-n:] == following[:n]), 0)

    return [overlap(page, following) for page, following in itertools.pairwise(pages)]


def with_ids(rows: Sequence[dict[str, Any]]) -> EventRows:
    """Return events with `activity_id`, a UUIDv5 of the fields that identify them and a number.

    Events equal in these fields are common, as the reports seem to keep whole minutes. (Every
    `created_time` that the vendor has published is one.) They are numbered from the oldest. So a
    key stays when another one joins them later, whatever its link or device. Both sources of the
    contact reports list the newest first, so both give an event the same number. The rows are all
    events at the instant of each, or at least the older ones.

    Assumption: `ties-come-in-the-same-order`.

    Example:
        >>> mobile, desktop = {"device_type": "mobile"}, {"device_type": "desktop"}
        >>> with_ids([desktop, mobile])[1] == with_ids([mobile])[0]
        True
    """
    numbers: Counter[str] = Counter()
    events = []
    for row in reversed(rows):
        identity = "|".join(str(row.get(name) or "") for name in IDENTITY)
        key = uuid.uuid5(ACTIVITIES, f"{identity}|{numbers[identity]}")
        numbers[identity] += 1
        events.append({"activity_id": str(key), **row})
    return events[::-1]
