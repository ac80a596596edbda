"""The summary of what contacts did with e-mails, built from the events of campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from typing_extensions import override

from tap_constantcontact.config.dates import MOST_DAYS
from tap_constantcontact.config.windows import Window
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.asked import AskedContacts, Lists
from tap_constantcontact.reading.rows import Events
from tap_constantcontact.reading.spool import Spool
from tap_constantcontact.reading.targets import Keys
from tap_constantcontact.reading.visits import Moved
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.streams.campaign_reports import EmailCampaignStatsStream
from tap_constantcontact.streams.contact_reports import ContactActionSummaryStream
from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.streams.reports_from_campaigns import (
    COUNTED_BY,
    ContactActivityDetailsFromCampaigns,
    ReportFromCampaigns,
    TypedEvents,
)


class ContactActionSummaryFromCampaigns(ReportFromCampaigns):
    """One row for each e-mail that a contact was sent, with counts of what the contact did.

    When events are new, all events of their e-mails are read, as the counts are of all of them, or
    the contacts of the new ones are asked for their own rows: what takes fewer requests.
    """

    name = ContactActionSummaryStream.name
    bookmark_name = "contact_action_summary_from_campaigns"
    primary_keys = ("contact_id", "campaign_activity_id")
    replication_key = "start_on"
    visits = Moved(
        EmailCampaignStatsStream, {"events": tuple(COUNTED_BY.values())}, keeps_growth=True
    )
    rows = Events(newest_first=False)
    lookback_days = MOST_DAYS
    filters = CONTACTS.filters
    per_contact = ContactActionSummaryStream
    schema = ContactActionSummaryStream.schema

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._details = run.once(ContactActivityDetailsFromCampaigns)
        lists = Lists(self, self.visits, self.requests.parts, COUNTED_BY, self.list_of)
        self._asked = AskedContacts(lists, self._per_contact, self._details.sweeps.reread_from)

    @override
    def order(self) -> tuple[int, str]:
        """Return a sort key after that of the details, which request the same new events.

        What a limit has cut short does not wait for them.
        """
        own, details = super().order(), self._details.order()
        number, swept_at = max(own, details) if own[0] == details[0] else own
        return number, f"{swept_at} "

    @override
    def plan(self) -> Plan:
        if self.is_full:
            return super().plan()
        places = self.visits.due(self.sweeps, self.sweeps.current)
        requests = len(places) + self._asked.requests(places)
        return self.visits.listing(self.sweeps) + Plan(0, requests)

    @override
    def prepare(self) -> None:
        super().prepare()
        if not self.is_full:
            self._asked.choose(self.is_about)

    @override
    def rows_of(self, keys: Keys, window: Window) -> Iterable[Record]:
        asked = self._asked.rows(keys)
        return super().rows_of(keys, window) if asked is None else asked

    @override
    def rows_from(self, keys: Keys, events: TypedEvents) -> Iterable[Record]:
        spool: Spool[tuple[str, str, str]] = Spool(itemgetter(0))
        for activity_type, of_type in events:
            spool.add(
                (event["contact_id"], activity_type, event.get("created_time") or "")
                for event in of_type
                if event.get("contact_id")
            )
        key = self.requests.parts.key
        return self._summaries(spool.grouped(), {key: keys[key]})

    def _summaries(
        self, of_contacts: Iterable[Sequence[tuple[str, str, str]]], part: Keys
    ) -> Iterator[Record]:
        """Yield the row of each contact, given the id, type and date of each of its events."""
        for events in of_contacts:
            counts = Counter(activity_type for _, activity_type, _ in events)
            sent_at = [date for _, activity_type, date in events if activity_type == "em_sends"]
            if sent_at:
                yield {
                    "contact_id": events[0][0],
                    **part,
                    "start_on": max(sent_at) or None,
                    **{name: counts[name] for name in COUNTED_BY if name != "em_optouts"},
                    "em_unsubscribes": counts["em_optouts"],
                }
