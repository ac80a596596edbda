"""Events, which have no key of their own: each is read once and gets the same key in every run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tap_constantcontact.reading.spool import Spool

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


def read_once(pages: Callable[[], Iterable[EventRows]]) -> Iterator[EventRows]:
    """Read each event of a newest-first list once; yield those of each identity, newest first.

    Pages are numbered. So an event that happens while they are read shifts the rows, and the last
    row of a page appears again as the first row of the next. But two equal rows at such a border
    may also be two separate events. Reading the first page once more shows which: at most as many
    rows are repeated as new events have arrived at its top. Equal rows within one page are always
    separate events.

    `pages` requests all of them for each pass. All requests are sent before this returns.

    Example:
        >>> a, b = {"contact_id": "1"}, {"contact_id": "2"}
        >>> [*read_once(lambda: [[b, b], [a]])]
        [[{'contact_id': '2'}, {'contact_id': '2'}], [{'contact_id': '1'}]]
    """
    for _ in range(READINGS):
        spool: Spool[tuple[int, int, dict[str, Any]]] = Spool(lambda found: identity(found[2]))
        first: EventRows | None = None
        before: EventRows = []
        shared: list[list[int]] = []
        for number, page in enumerate(pages()):
            first = page if first is None else first
            shared.append(overlaps(before, page))
            spool.add((number, index, row) for index, row in enumerate(page))
            before = page
        repeated = [0] * len(shared)
        if not any(shared):
            break
        arrived = moved_by(first or [], next(iter(pages())))
        repeated = [max((n for n in sizes if n <= arrived), default=0) for sizes in shared]
        if sum(repeated) <= arrived:
            break
    groups = (
        [row for number, index, row in group if index >= repeated[number]]
        for group in spool.grouped()
    )
    return filter(None, groups)


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


def overlaps(page: EventRows, following: EventRows) -> list[int]:
    """Return for which numbers as many last rows of a page equal the first of the following one.

    Example:
        >>> a, b, c = {"n": 1}, {"n": 2}, {"n": 3}
        >>> overlaps([a, b], [b, c]), overlaps([b, b], [b, b]), overlaps([b, c], [a])
        ([1], [1, 2], [])
    """
    return [
        n
        for n in range(1, min(len(page), len(following)) + 1)
        if page[-n] == following[0] and page[-n:] == following[:n]
    ]


def identity(row: Mapping[str, Any]) -> str:
    """Return the values of the fields that identify an event, as one text."""
    return "|".join(str(row.get(name) or "") for name in IDENTITY)


def with_ids(alike: Iterable[EventRows]) -> Iterator[dict[str, Any]]:
    """Yield events with `activity_id`, a UUIDv5 of the fields that identify them and a number.

    Events equal in these fields are common, as the reports seem to keep whole minutes. (Every
    `created_time` that the vendor has published is one.) They are numbered from the oldest. So a
    key stays when another one joins them later, whatever its link or device. Both sources of the
    contact reports list the newest first, so both give an event the same number. The rows are all
    events at the instant of each, or at least the older ones, and come as `read_once` yields them.

    Assumption: `ties-come-in-the-same-order`.

    Example:
        >>> mobile, desktop = {"device_type": "mobile"}, {"device_type": "desktop"}
        >>> [*with_ids([[desktop, mobile]])][1] == [*with_ids([[mobile]])][0]
        True
    """
    for events in alike:
        identified = identity(events[0])
        for number, event in zip(reversed(range(len(events))), events, strict=True):
            key = uuid.uuid5(ACTIVITIES, f"{identified}|{number}")
            yield {"activity_id": str(key), **event}
