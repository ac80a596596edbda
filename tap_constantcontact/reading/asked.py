"""The contacts with new events, each asked for its own rows, instead of all events of an e-mail."""

from __future__ import annotations

import itertools
import math
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pendulum
from pendulum import DateTime

from tap_constantcontact.config.dates import BEGINNING, parse_instant
from tap_constantcontact.config.windows import Window
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import pages
from tap_constantcontact.reading.counts import EventCounts
from tap_constantcontact.reading.new_events import (
    MOST_REMEMBERED,
    NewEvent,
    NewEvents,
    cheapest,
)
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

MOST_DOUBTFUL = 128
"""Number of events that may or may not be in a tally from which on its growth proves nothing."""


class Bucket(NamedTuple):
    """The campaigns whose counts are in one sum of the tally.

    Attributes:
        old: Those that may have been in the sum that the bookmark keeps.
        new: Those that were created later. All their events are new, so all are read.
    """

    old: list[str]
    new: list[str]


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

    def pages(self, campaign_id: str, most: int = sys.maxsize) -> int:
        """Return the number of requests for the events of a campaign, at most `most` a list."""
        a_page = self.report.page_size or 1
        sizes = self.sizes(campaign_id).values()
        return sum(min(most, pages(size or 0, a_page, shrinks=False)) for size in sizes)

    def most_looked_at(self, campaign_id: str) -> int:
        """Return the maximum number of requests that `since` takes, the details included."""
        return 1 + self.pages(campaign_id, MOST_REMEMBERED // (self.report.page_size or 1) + 1)

    def growth(self, campaign_id: str) -> int | None:
        """Return by how much the tally of a campaign grew, modulo 256; None if it is not known."""
        (growth,) = self.visits.growths(self.report.sweeps, campaign_id).values()
        return growth

    def known(self, campaign_id: str, start: datetime) -> bool:
        """Return whether the run knows already which events there are since an instant."""
        new_events = self.report.run.once(NewEvents)
        return all(new_events.known(of, start) is not None for of in self.of(campaign_id))

    def since(self, campaign_id: str, start: datetime) -> list[NewEvent] | None:
        """Return a campaign's events since an instant; None if they are too many, or not sure."""
        new_events = self.report.run.once(NewEvents)
        found: list[NewEvent] = []
        for of in self.of(campaign_id):
            rows = (page.as_dicts() for page in in_full(self.report, self.context(*of)))
            try:
                events = new_events.request(of, start, rows)
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
        return int(sum(map(self._least, self._buckets(places))))

    def choose(self, is_wanted: Callable[[str], bool]) -> None:
        """Decide which of the campaigns that the sweep has still to read it reads so.

        `is_wanted` tells whether the report is about a contact. Of campaigns that this run cannot
        pay for, nothing is requested, as the next run would have to request it again.
        """
        lists, quota = self._lists, self._run.connection.quota
        sweeps = lists.report.sweeps
        due = lists.visits.due(sweeps, replace(sweeps.current, place=None))
        left = {place.parent_id: place for place in sweeps.current.rest(due)}
        done = [place for place in due if place.parent_id not in left]
        needed = {key: lists.pages(key) for key in left}
        reserve = max(needed.values(), default=0) + 1  # the largest campaign and its details
        payable = quota.left - reserve
        people: dict[str, AbstractSet[str]] = {}
        for bucket in self._buckets([*left.values(), *done]):
            if left.keys().isdisjoint([*bucket.old, *bucket.new]):
                continue
            payable -= self._least(bucket) + len(bucket.old) + len(bucket.new)
            if payable < 0 or quota.left < reserve + len(bucket.old):  # whose details it requests
                break
            for key, found in self._found(bucket, reserve).items():
                if key in left:
                    people[key] = {*filter(is_wanted, found)}
        chosen = cheapest(needed, people)
        if len(set().union(*(people[key] for key in chosen))) > quota.left:
            chosen = {key for key, found in people.items() if len(found) < needed[key]}
        self._people = {e_mail: people[key] for key in chosen for e_mail in lists.e_mails(key)}
        created = [left[key].created_at for key in chosen]
        if created and all(0 < at < UNKNOWN for at in created):
            self._window = Window(pendulum.from_timestamp(min(created)), self._window.end)

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

    def _buckets(self, places: Sequence[Place]) -> list[Bucket]:
        """Return the buckets of some campaigns, in the order of the first campaign of each."""
        bookmark = parse_instant(self._lists.report.sweeps.increment.value or "")
        counted_at = (bookmark + UNTIL_COUNTED).timestamp()
        buckets: dict[int, Bucket] = defaultdict(lambda: Bucket([], []))
        for place in places:
            old, new = buckets[bucket_of(place.parent_id)]
            (new if counted_at <= place.created_at < UNKNOWN else old).append(place.parent_id)
        return [*buckets.values()]

    def _least(self, bucket: Bucket) -> float:
        """Return the number of requests for a bucket, as far as the counts tell it."""
        pages = self._lists.pages
        return min(self._fewest(bucket), sum(map(pages, bucket.old))) + sum(map(pages, bucket.new))

    def _fewest(self, bucket: Bucket) -> float:
        """Return that for its old campaigns if each new event is another contact's."""
        growth = self._growth(bucket)
        lists = sum(len(self._lists.sizes(key)) for key in bucket.old)
        return math.inf if growth is None else lists + growth

    def _growth(self, bucket: Bucket) -> int | None:
        """Return the number of new events of its old campaigns, modulo 256; None if unknown."""
        growth = self._lists.growth([*bucket.old, *bucket.new][0])
        counts = [count for key in bucket.new for count in self._lists.sizes(key).values()]
        if growth is None or None in counts:
            return None
        return (growth - sum(filter(None, counts))) % 256

    def _found(self, bucket: Bucket, reserve: int) -> dict[str, set[str]]:
        """Return the contacts with new events by old campaign; none if the counts do not agree.

        Nor are there any if the counts tell that it is cheaper to read all events, or if looking
        for them may leave fewer than `reserve` requests.
        """
        lists, increment = self._lists, self._lists.report.sweeps.increment
        growth = self._growth(bucket)
        if growth is None:
            return {}
        bookmark = parse_instant(increment.value or "")
        start, since = self._reread_from(bookmark), bookmark.start_of("minute")
        began = parse_instant(increment.at(self._run.began)).start_of("minute")
        is_cheaper = self._fewest(bucket) < sum(map(lists.pages, bucket.old))
        if not is_cheaper and not all(lists.known(key, start) for key in bucket.old):
            return {}
        people: dict[str, set[str]] = {}
        new: list[datetime] = []
        for key in bucket.old:
            if self._run.connection.quota.left < reserve + lists.most_looked_at(key):
                return {}
            events = lists.since(key, start)
            if events is None:
                return {}
            people[key] = {event.contact_id for event in events}
            new += [event.at for event in events if event.at >= since]
        doubtful = sum(at < since + UNTIL_COUNTED or at >= began for at in new)
        agrees = (len(new) - growth) % 256 <= doubtful < MOST_DOUBTFUL
        return people if agrees else {}
