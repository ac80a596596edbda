"""The contacts with new events, each asked for its own rows, instead of all events of an e-mail."""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pendulum
from pendulum import DateTime

from tap_constantcontact.config.dates import BEGINNING, parse_instant
from tap_constantcontact.config.windows import Window
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import pages
from tap_constantcontact.reading.counts import EventCounts
from tap_constantcontact.reading.new_events import NewEvent, NewEvents, cheapest
from tap_constantcontact.reading.parts import PartType
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import in_full
from tap_constantcontact.reading.targets import Keys
from tap_constantcontact.reading.visits import Moved
from tap_constantcontact.records.rows import Record
from tap_constantcontact.state.bookmarks import UNKNOWN, Place
from tap_constantcontact.state.tally import bucket_of

UNTIL_COUNTED = timedelta(hours=1)
"""Time after a bookmark in which the counts of its tally may have been requested."""


@dataclass(frozen=True)
class Lists:
    """The lists of events of campaigns' e-mails: one for each e-mail and activity type.

    Attributes:
        report: The report that requests them.
        visits: Tells which campaigns have new events, by one tally.
        parts: The e-mails of a campaign.
        counted_by: Name of the count of a type's events, by activity type.
        context: Returns the values of a request, given an e-mail and an activity type.
    """

    report: Report
    visits: Moved
    parts: PartType
    counted_by: Mapping[str, str]
    context: Callable[[str, str], dict[str, Any]]

    def sizes(self, campaign_id: str) -> dict[str, int | None]:
        """Return the number of events of each type that a campaign has; None if it is not known."""
        counts = self.report.run.once(EventCounts, self.visits.stats)
        sizes = {of: counts.of(campaign_id, [name]) for of, name in self.counted_by.items()}
        return {activity_type: size for activity_type, size in sizes.items() if size != 0}

    def pages(self, campaign_id: str) -> int:
        """Return the number of requests for all events of a campaign."""
        a_page = self.report.page_size or 1
        sizes = self.sizes(campaign_id).values()
        return sum(pages(size or 0, a_page, shrinks=False) for size in sizes)

    def growth(self, campaign_id: str) -> int | None:
        """Return by how much the tally of a campaign grew, modulo 256; None if it is not known."""
        (growth,) = self.visits.growths(self.report.sweeps, campaign_id).values()
        return growth

    def known(self, campaign_id: str, start: datetime) -> bool:
        """Return whether the run knows already which events there are since an instant."""
        new_events = self.report.run.once(NewEvents)
        return all(new_events.known(of, start) is not None for of in self.of(campaign_id))

    def since(self, campaign_id: str, start: datetime, most: int) -> list[NewEvent] | None:
        """Return a campaign's events since an instant; None if they are too many, or not sure.

        `most` is the number of rows of a list after which no further page is requested.
        """
        new_events = self.report.run.once(NewEvents)
        found: list[NewEvent] = []
        for of in self.of(campaign_id):
            rows = (page.as_dicts() for page in in_full(self.report, self.context(*of)))
            try:
                events = new_events.request(of, start, rows, most)
            except NotFoundError:
                continue
            if events is None:
                return None
            found += events
        return found

    def of(self, campaign_id: str) -> Iterator[tuple[str, str]]:
        """Yield the e-mail and the activity type of each list of a campaign."""
        return itertools.product(self.e_mails(campaign_id), self.sizes(campaign_id))

    def e_mails(self, campaign_id: str) -> list[str]:
        """Return the keys of a campaign's e-mails; none if the API does not know it."""
        return self.parts.keys(self.report.run, campaign_id) or []


class AskedContacts:
    """Decides which campaigns a sweep reads by asking the contacts with new events, and asks them.

    A campaign is read so only if the lists have as many new events as the counts of its bucket have
    grown. Otherwise an event may have come late, with a date long past, and only all events show
    it. Events since the bookmark are new, and those of the look-back may be: the counts may be late
    as well, and agree by chance.

    Args:
        lists: The lists of the campaigns' events.
        by_contact: The report that has the rows of one contact.
        reread_from: Returns the instant from which events may be new, given a bookmark.
    """

    def __init__(
        self, lists: Lists, by_contact: Report, reread_from: Callable[[DateTime], DateTime]
    ) -> None:
        self._lists = lists
        self._by_contact = by_contact
        self._reread_from = reread_from
        self._run = by_contact.run
        self._people: dict[str, AbstractSet[str]] = {}  # by e-mail
        self._window = Window(BEGINNING, self._run.began.add(days=1))
        self._asked: set[str] = set()
        self._rows: dict[str, list[Record]] = defaultdict(list)
        self._asking = threading.Lock()

    def requests(self, places: Sequence[Place]) -> int:
        """Return the number of requests to read some campaigns, as far as the counts tell it."""
        fewest = (
            min(self._fewest(ids), sum(map(self._lists.pages, ids)))
            for ids in self._buckets(places)
        )
        return int(sum(fewest))

    def choose(self, is_wanted: Callable[[str], bool]) -> None:
        """Decide which of the campaigns that the sweep has still to read it reads so.

        `is_wanted` tells whether the report is about a contact. Where few requests are left, none
        is sent that might be in vain.
        """
        lists, quota = self._lists, self._run.connection.quota
        sweeps = lists.report.sweeps
        due = lists.visits.due(sweeps, replace(sweeps.current, place=None))
        left = {place.parent_id: place for place in sweeps.current.rest(due)}
        buckets = [ids for ids in self._buckets(due) if not left.keys().isdisjoint(ids)]
        needed = {key: lists.pages(key) for key in left}
        listing = sum(len(ids) + self._lists_of(ids) for ids in buckets)
        if listing + max(needed.values(), default=0) > quota.left:
            return
        people: dict[str, AbstractSet[str]] = {}
        for ids in buckets:
            for key, found in self._found(ids).items():
                if key in left:
                    people[key] = {*filter(is_wanted, found)}
        chosen = cheapest(needed, people)
        if len(set().union(*(people[key] for key in chosen))) > quota.left:
            chosen = {key for key, found in people.items() if len(found) < needed[key]}
        self._people = {e_mail: people[key] for key in chosen for e_mail in lists.e_mails(key)}
        created = min((left[key].created_at for key in chosen), default=UNKNOWN)
        if 0 < created < UNKNOWN:
            self._window = Window(pendulum.from_timestamp(created), self._window.end)

    def rows(self, keys: Keys) -> list[Record] | None:
        """Return the rows of an e-mail's contacts with new events; None if all are to be read."""
        key = self._lists.parts.key
        e_mail = keys[key]
        if e_mail not in self._people:
            return None
        turns = self._run.connection.turns
        turns.step_aside()  # for the requests below, whose turns come later
        with self._asking:
            unasked = sorted(self._people[e_mail] - self._asked)
            for contact_id, rows in self._by_contact.in_order(self._rows_of, unasked):
                for row in rows:
                    if contact_id in self._people.get(row[key], ()):
                        self._rows[row[key]].append(row)
                self._asked.add(contact_id)
        turns.come_back()
        return self._rows[e_mail]

    def _rows_of(self, contact_id: str) -> list[Record]:
        keys = {self._by_contact.visits.parents.key: contact_id}
        try:
            return [*self._by_contact.rows_of(keys, self._window)]
        except NotFoundError:
            self._run.progress.skip()
            return []

    # The campaigns in one bucket of the tallies

    def _buckets(self, places: Sequence[Place]) -> list[list[str]]:
        buckets: dict[int, list[str]] = defaultdict(list)
        for place in places:
            buckets[bucket_of(place.parent_id)].append(place.parent_id)
        return [*buckets.values()]

    def _lists_of(self, ids: Sequence[str]) -> int:
        """Return the number of lists in which there may be new events."""
        return sum(len(self._lists.sizes(key)) for key in ids)

    def _fewest(self, ids: Sequence[str]) -> float:
        """Return the number of requests if each new event is another contact's."""
        growth = self._lists.growth(ids[0])
        return math.inf if growth is None else self._lists_of(ids) + growth

    def _found(self, ids: Sequence[str]) -> dict[str, set[str]]:
        """Return the contacts with new events by campaign; none if the counts do not agree.

        Nor are there any if the counts tell that it is cheaper to read all events.
        """
        lists, increment = self._lists, self._lists.report.sweeps.increment
        growth = lists.growth(ids[0])
        if growth is None:
            return {}
        bookmark = parse_instant(increment.value or "")
        start, since = self._reread_from(bookmark), bookmark.start_of("minute")
        began = parse_instant(increment.at(self._run.began)).start_of("minute")
        all_pages = sum(map(lists.pages, ids))
        if self._fewest(ids) >= all_pages and not all(lists.known(key, start) for key in ids):
            return {}
        people: dict[str, set[str]] = {}
        new: list[datetime] = []
        for key in ids:
            events = lists.since(key, start, all_pages)
            if events is None:
                return {}
            people[key] = {event.contact_id for event in events}
            new += [event.at for event in events if event.at >= since]
        doubtful = [at for at in new if at < since + UNTIL_COUNTED or at >= began]
        return people if (len(new) - growth) % 256 <= len(doubtful) else {}
