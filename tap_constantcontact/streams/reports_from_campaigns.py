"""The two contact reports, built from the events of e-mail campaigns instead of contact by contact.

The e-mail reports list 500 events of all contacts per request, the newest first. They cover the
roles primary_email and resend, and no removed campaign. (Contract.) No row of them recorded from
the live service is public, nor one of the contact reports. So whether both tell the same instant of
an event is not known.

Assumptions: `both-sources-tell-the-same-events`, `both-sources-tell-the-same-times`,
`events-name-contact-and-time`, `summary-counts-equal-details`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.windows import ReportDateSettings, Window
from tap_constantcontact.exceptions import LimitReachedError, NotFoundError
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.incremental import is_long_ago
from tap_constantcontact.reading.new_events import NewEvents
from tap_constantcontact.reading.parents import Parents
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import TYPE, Events
from tap_constantcontact.reading.spool import Spool
from tap_constantcontact.reading.targets import KIND, Keys, PerPart
from tap_constantcontact.reading.visits import Moved
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run
from tap_constantcontact.streams.campaign_reports import (
    EmailCampaignActivityStatsStream,
    EmailCampaignStatsStream,
)
from tap_constantcontact.streams.campaigns import SENT_ACTIVITIES, EmailCampaignDetails
from tap_constantcontact.streams.contact_reports import ContactActivityDetailsStream
from tap_constantcontact.streams.contacts import CONTACTS
from tap_constantcontact.streams.email_events import ANY_EVENT

COUNTED_BY = {
    "em_sends": "em_sends",
    "em_opens": "em_opens_all",
    "em_clicks": "em_clicks_all",
    "em_bounces": "em_bounces",
    "em_optouts": "em_optouts",
    "em_forwards": "em_forwards",
}
"""Name of the count that moves with new events, by activity type."""

TypedEvents = Sequence[tuple[str, Iterable[Record]]]
"""The events of a part, by activity type."""


class ReportFromCampaigns(Report):
    """A report on contacts that is built from the events of campaigns.

    What campaigns do not show is read contact by contact, by the report that reads everything so,
    once every `full_sweep_days`. That sweep keeps the bookmark of the other report, and this report
    has one of its own. So a user may change between the two without missing anything.

    A stream sets, in addition to what every report sets:
        per_contact: The report that reads the same contact by contact.
    """

    path = "/reports/email_reports/{campaign_activity_id}/tracking/{tracking}"
    records_key = "tracking_activities"
    scope = "campaign_data"
    privilege = "ui:campaign:metrics"
    row_keys = ()
    row_schema = ANY_EVENT
    page_size = 500
    cost = "2 and more per campaign with new events"
    visits: ClassVar[Moved]
    requests: ClassVar[PerPart] = PerPart(SENT_ACTIVITIES)
    date_settings = ReportDateSettings
    per_contact: ClassVar[type[Report]]

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._per_contact = run.once(self.per_contact)
        self._is_shown: dict[str, bool] = {}
        self._contact_ids: Spool[str] | None = None

    @classmethod
    @override
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        yield from super().relies_on()
        yield cls.per_contact

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply a catalog, to the report contact by contact as well, as both have one name."""
        super().apply_catalog(catalog)
        self._per_contact.apply_catalog(catalog)

    @override
    def order(self) -> tuple[int, str]:
        """Return a sort key; the report is not over before its completion is."""
        own = super().order()
        return min(own, self._per_contact.order()) if self.completion_is_due else own

    @override
    def read(self) -> Iterator[Record]:
        yield from super().read()
        if self.completion_is_due and not self.is_sampled:
            self._is_shown |= dict.fromkeys(self.requests.parts.known(self.run), True)
            yield from self._completion()
        self._per_contact.converter.report(self.logger)

    def _completion(self) -> Iterator[Record]:
        """Yield what campaigns do not show; half of what is left is for a report still to come.

        So the days that it takes to ask every contact hold up no report of what is new.
        """
        streams = [*self.run.tap.streams.values()]
        later = streams[streams.index(self) + 1 :]
        quota = self.run.connection.quota
        rows = self._per_contact.sweep(self._not_shown)
        if quota.left == math.inf or not any(
            one.selected and isinstance(one, ReportFromCampaigns) for one in later
        ):
            yield from rows
            return
        share = int(quota.left / 2)
        try:
            with quota.at_most(share):
                yield from rows
        except LimitReachedError:
            if quota.left < share:
                raise
            raise LimitReachedError("Half of the requests are kept for the next report") from None

    @property
    def completion_is_due(self) -> bool:
        """Whether this run reads, or goes on to read, what campaigns do not show."""
        last = self._per_contact.bookmark.swept_at  # none while a sweep is under way
        return is_long_ago(last, self.config["full_sweep_days"], self.run.began)

    def plan_of_completion(self) -> Plan:
        """Return the number of contacts and requests to read what campaigns do not show."""
        return self._per_contact.plan() if self.completion_is_due else Plan(0, 0)

    def _not_shown(self, found: Iterable[Record]) -> list[Record]:
        rows = [*found]
        key = self.requests.parts.key
        part_ids = {row[key] for row in rows if row.get(key)}
        if unknown := sorted(part_ids - self._is_shown.keys()):
            stats = self.run.once(EmailCampaignActivityStatsStream)
            shown = {row[key] for row in stats.rows_about(unknown)}
            self._is_shown |= {part_id: part_id in shown for part_id in unknown}
        return [row for row in rows if not self._is_shown.get(row.get(key) or "")]

    # One e-mail

    @override
    def prepare(self) -> None:
        """List the contacts that the report is about."""
        contacts = self.run.once(Parents, self.per_contact.visits.parents)
        if self.completion_is_due:
            contacts.all()  # which the completion reads
        self._contact_ids = contacts.keys

    @override
    def rows_of(self, keys: Keys, window: Window) -> Iterable[Record]:
        found = self.activity_types(keys[self.visits.parents.key])
        types = [of_type for of_type in found if of_type == keys.get(KIND, of_type)]
        e_mail = keys[self.requests.parts.key]
        events = [(of_type, self.events_of(e_mail, of_type, window)) for of_type in types]
        rows = self.rows_from(keys, events)
        return (row for row in rows if self.is_about(row.get("contact_id") or ""))

    def is_about(self, contact_id: str) -> bool:
        """Return whether a contact is one of those that the report is about."""
        return self._contact_ids is None or contact_id in self._contact_ids

    def activity_types(self, campaign_id: str) -> list[str]:
        """Return the activity types of a campaign whose events are read: those with new ones."""
        moved = self.visits.moved(self.sweeps, campaign_id)
        return [name for name, count in COUNTED_BY.items() if count in moved]

    @abstractmethod
    def rows_from(self, keys: Keys, events: TypedEvents) -> Iterable[Record]:
        """Return the report's rows, given the keys of a campaign and its e-mail, and the events."""

    def list_of(self, e_mail: str, activity_type: str) -> dict[str, Any]:
        """Return the values of a request for the events of a type."""
        tracking = activity_type.removeprefix("em_")
        return {self.requests.parts.key: e_mail, "tracking": tracking, "limit": self.page_size}

    def events_of(self, e_mail: str, activity_type: str, window: Window) -> Iterable[Record]:
        """Return the events of a type that the report reads of an e-mail."""
        labels = {self.requests.parts.key: e_mail, TYPE: activity_type}
        return self.rows.read(self, self.list_of(e_mail, activity_type), labels, window.start)

    @property
    def is_full(self) -> bool:
        """Whether the sweep does without the counts that an earlier one left."""
        return self.visits.is_full(self.sweeps)


class ContactActivityDetailsFromCampaigns(ReportFromCampaigns):
    """One row for each event: a send, an open, a click, a bounce and so on."""

    name = ContactActivityDetailsStream.name
    bookmark_name = "contact_activity_details_from_campaigns"
    primary_keys = ("activity_id",)
    replication_key = "created_time"
    visits = Moved(
        EmailCampaignStatsStream,
        {
            "opens": ("em_opens_all",),
            "clicks": ("em_clicks_all",),
            "others": ("em_sends", "em_bounces", "em_optouts", "em_forwards"),
        },
    )
    requests = PerPart(SENT_ACTIVITIES, kinds=tuple(COUNTED_BY))
    rows = Events()
    lookback_days = 1
    filters = (*CONTACTS.filters, "tracking_activity_types")
    per_contact = ContactActivityDetailsStream
    schema = ContactActivityDetailsStream.schema

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._unknown: set[str] = set()

    @override
    def rows_of(self, keys: Keys, window: Window) -> Iterable[Record]:
        campaign_id, e_mail = keys[self.visits.parents.key], keys[self.requests.parts.key]
        if e_mail in self._unknown:
            return ()
        if not self.is_full:
            for of_type in COUNTED_BY.keys() - super().activity_types(campaign_id):
                self.run.once(NewEvents).note_none((e_mail, of_type), window.start)
        try:
            return super().rows_of(keys, window)
        except NotFoundError:
            self._unknown.add(e_mail)
            raise

    @override
    def events_of(self, e_mail: str, activity_type: str, window: Window) -> Iterable[Record]:
        events = super().events_of(e_mail, activity_type, window)
        if self.is_full:
            return events
        return self.run.once(NewEvents).noting((e_mail, activity_type), window.start, events)

    @override
    def activity_types(self, campaign_id: str) -> list[str]:
        types = super().activity_types(campaign_id)
        return [name for name in self.config["tracking_activity_types"] if name in types]

    @override
    def rows_from(self, keys: Keys, events: TypedEvents) -> Iterable[Record]:
        campaign = self.run.once(EmailCampaignDetails).of(keys[self.visits.parents.key]) or {}
        name = campaign.get("name")
        fields = self.schema["properties"]
        return (
            {
                "campaign_activity_name": name,
                **{field: value for field, value in event.items() if field in fields},
            }
            for _, of_type in events
            for event in of_type
        )
