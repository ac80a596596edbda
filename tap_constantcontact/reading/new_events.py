"""Who has new events, and whether it takes fewer requests to ask for these contacts alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run

MOST_REMEMBERED = 2_000
"""Maximum number of new events of one list that a run remembers for another report."""


class NewEvent(NamedTuple):
    """When an event happened, and whose it is."""

    at: datetime
    contact_id: str


class NewEvents:
    """The new events of lists, such as the opens of an e-mail, each list requested once a run."""

    def __init__(self, run: Run) -> None:  # noqa: ARG002 - as all that a run shares
        self._lists: dict[tuple[str, str], tuple[datetime, list[NewEvent]]] = {}

    def noting(
        self, of: tuple[str, str], start: datetime, rows: Iterable[Record]
    ) -> Iterator[Record]:
        """Yield the events of a list, and remember those since an instant once all were yielded.

        The rows are all since then, or more. A list with a row without its date or its contact is
        not remembered.
        """
        new: list[NewEvent] = []
        is_known = True
        for row in rows:
            yield row
            at, contact_id = instant_of(row.get("created_time")), row.get("contact_id")
            is_known &= at is not None and contact_id is not None and len(new) <= MOST_REMEMBERED
            if is_known and at and at >= start:
                new.append(NewEvent(at, str(contact_id)))
        if is_known and len(new) <= MOST_REMEMBERED:
            self._lists[of] = start, new

    def note_none(self, of: tuple[str, str], start: datetime) -> None:
        """Remember that a list has no events since an instant."""
        self._lists[of] = start, []

    def known(self, of: tuple[str, str], start: datetime) -> list[NewEvent] | None:
        """Return the events of a list since an instant, or None if they are not known."""
        since, events = self._lists.get(of, (None, []))
        if since is None or since > start:
            return None
        return [event for event in events if event.at >= start]

    def request(
        self,
        of: tuple[str, str],
        start: datetime,
        pages: Iterable[Sequence[Record]],
    ) -> list[NewEvent] | None:
        """Return the same; of a list that is not known, take its pages, newest first.

        None tells that it is not in order, or has more new events than are remembered.
        """
        if (known := self.known(of, start)) is not None:
            return known
        rows: list[Record] = []
        dates: list[datetime] = []
        for page in pages:
            rows += page
            dates += filter(None, (instant_of(row.get("created_time")) for row in page))
            if len(dates) < len(rows) or dates != sorted(dates, reverse=True):
                return None
            if dates and dates[-1] < start:
                break
            if len(rows) > MOST_REMEMBERED:
                return None
        for _ in self.noting(of, start, rows):
            pass
        return self.known(of, start)


def cheapest(pages: Mapping[str, int], people: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Return the e-mails of which to ask the contacts with new events, and not to read all events.

    It takes a request per contact, once for all e-mails, or one per page of an e-mail's events.

    Args:
        pages: Number of pages, by e-mail.
        people: Contacts with new events, by those e-mails of which they are known.

    Example:
        >>> sorted(cheapest({"may": 2, "june": 3}, {"may": {"ann"}, "june": {"ann", "bob", "eve"}}))
        ['june', 'may']
    """
    chosen: set[str] = set()
    asked: set[str] = set()
    for key in sorted(people, key=lambda key: (len(people[key]), key)):
        if len(people[key] - asked) < pages[key]:
            chosen.add(key)
            asked |= people[key]
    read = sum(pages[key] for key in people.keys() - chosen)
    together = {*chain.from_iterable(people.values())}
    return {*people} if len(together) < len(asked) + read else chosen
