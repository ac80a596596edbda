"""The shape of a report on contacts that is built from the events of parts, such as e-mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from singer_sdk import Tap
from typing_extensions import override

from tap_constantcontact.config.dates import days_before, parse_instant
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.batched import ParentsPerRequest
from tap_constantcontact.reading.changed_parts import ChangedParts
from tap_constantcontact.reading.query import Record
from tap_constantcontact.reading.report import RequestsPerParent
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import START, Bookmark, Place, Sweep


class Tracking(NamedTuple):
    """How the events of an activity type are read.

    Attributes:
        segment: The placeholder `{tracking}` of the report's path.
        counted_by: Name of the count that moves with such events.
    """

    segment: str
    counted_by: str


class ContactsFromParts(ChangedParts):
    """A report on contacts, built from the events of parts at hundreds of rows per request.

    What the parts do not show is read contact by contact, by the report that reads everything so,
    once every `full_sweep_days`. That sweep keeps the bookmark of the other report, and this report
    has one of its own. So a user may change between the two without missing anything.

    Attributes of an instance:
        contact_ids: Keys of the contacts that the report is about; None for all.

    Attributes that a stream may set, in addition to those of `ChangedParts`:
        trackings: How the events of each activity type are read.
        per_contact: The report that reads the same contact by contact.
        shown_by: The report that knows the parts whose events are shown, and no others.
    """

    trackings: ClassVar[Mapping[str, Tracking]]
    per_contact: ClassVar[type[RequestsPerParent]]
    bookmark_type = Bookmark
    shown_by: ClassVar[type[ParentsPerRequest]]

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, run)
        self.rest = self.per_contact(tap, run)
        self._shown_by = self.shown_by(tap, run)
        self._is_shown: dict[str, bool] = {}
        self.contact_ids: frozenset[str] | None = None
        self.rest.chosen = self._not_shown

    @property
    @override
    def turn(self) -> tuple[int, str]:  # type: ignore[override]
        return min(super().turn, self.rest.turn) if self.rest_is_due else super().turn

    @override
    def read(self) -> Iterator[Record]:
        yield from super().read()
        if self.rest_is_due and self.ABORT_AT_RECORD_COUNT is None:
            self.rest.replication_key = self.replication_key
            self.rest.forced_replication_method = self.replication_method
            yield from self.rest.read()
            self.rest.rows.report(self.logger)

    def plan_of_rest(self) -> Plan:
        """Return the number of contacts and requests to read what the parts do not show."""
        return self.rest.plan() if self.rest_is_due else Plan(0, 0)

    @override
    def places(self, sweep: Sweep) -> Sequence[Place]:
        places = super().places(sweep)
        if places and self.contact_ids is None:
            parents = self.run.parents[self.per_contact.parents]
            self.contact_ids = frozenset(place.parent_id for place in parents.after(START))
        return places

    # Events of parts

    def record_of(self, event: Record) -> Record:
        """Return an event without the fields that the report does not have."""
        properties = self.schema["properties"]
        return {name: value for name, value in event.items() if name in properties}

    def types_to_read(self, parent_id: str) -> list[str]:
        """Return the activity types of which a parent's count has moved and is not 0."""
        moved = self.moved(parent_id)
        return [name for name, of_type in self.trackings.items() if of_type.counted_by in moved]

    def events_of(self, part_id: str, activity_type: str) -> list[Record]:
        """Return the events of a type of one part, of the contacts that the report is about."""
        context = {self.parts.key: part_id, "tracking": self.trackings[activity_type].segment}
        events = [*self.rows_of({**context, **self.parameters(self.window)})]
        if self.contact_ids is None:
            return events
        return [event for event in events if event.get("contact_id") in self.contact_ids]

    @override
    def labels(self, context: Mapping[str, Any]) -> dict[str, Any]:
        types = {tracking.segment: name for name, tracking in self.trackings.items()}
        return {
            self.parts.key: context[self.parts.key],
            "tracking_activity_type": types[context["tracking"]],
        }

    # The rest

    @property
    def rest_is_due(self) -> bool:
        """Whether this run reads, or goes on to read, what the parts do not show."""
        days = self.config["full_sweep_days"]
        if not days:
            return False
        last = self.rest.bookmark.swept_at
        is_under_way = self.rest.turn[0] == 1
        return not last or is_under_way or parse_instant(last) <= days_before(self.run.began, days)

    def shown(self, part_ids: Sequence[str]) -> Iterator[Record]:
        """Yield a row for each of some parts whose events are shown."""
        return self._shown_by.rows_about(part_ids)

    def _not_shown(self, rows: list[Record]) -> list[Record]:
        part_ids = {row[self.parts.key] for row in rows if row.get(self.parts.key)}
        if unknown := sorted(part_ids - self._is_shown.keys()):
            shown = {row[self.parts.key] for row in self.shown(unknown)}
            self._is_shown |= {part_id: part_id in shown for part_id in unknown}
        return [row for row in rows if not self._is_shown.get(row.get(self.parts.key) or "")]
