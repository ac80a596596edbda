"""The shape of a report on parts of parents that reads a parent only when its counts have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from singer_sdk import Tap
from typing_extensions import override

from tap_constantcontact.limits.plan import Plan, added, pages
from tap_constantcontact.reading.change_sweeps import ChangeSweeps
from tap_constantcontact.reading.event_pages import EventPages
from tap_constantcontact.reading.requests_per_part import RequestsPerPart
from tap_constantcontact.reading.sweeps import Reach
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import START, Place, Sweep

MOST_AHEAD = 2
"""Maximum number of parents read ahead: the events of one may take much memory."""


class ChangedParts(EventPages, RequestsPerPart):
    """A report of the events of parts, in a sweep over the parents whose counts have moved.

    Attributes that a stream may set, in addition to those of `RequestsPerPart` and `EventPages`:
        groups: Names of the counts that move when there are new events, in groups by name.

    Example:
        >>> class EmailOpensStream(ChangedParts):
        ...     name = "email_opens"
        ...     path = "/reports/email_reports/{campaign_activity_id}/tracking/opens"
        ...     records_key = "tracking_activities"
        ...     primary_keys = ("activity_id",)
        ...     replication_key = "created_time"
        ...     activity_type = "em_opens"
        ...     groups = {"opens": ("em_opens_all",)}
        ...     lookback_days = 1
        ...     parents = CAMPAIGNS
        ...     parts = SENT_ACTIVITIES
    """

    groups: ClassVar[Mapping[str, Sequence[str]]]
    _sweeps: ChangeSweeps

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, run)
        self._due: Mapping[str, frozenset[str]] = {}

    @override
    def sweeps(self, reach: Reach) -> ChangeSweeps:
        return ChangeSweeps(self, reach, self.parents, self.groups)

    @override
    def places(self, sweep: Sweep) -> Sequence[Place]:
        return self.due_places(sweep)

    def due_places(self, sweep: Sweep) -> Sequence[Place]:
        """Return the parents that the sweep has still to visit and whose counts have moved."""
        places = super().places(sweep)
        self._due = self._sweeps.due(sweep, [place.parent_id for place in places])
        return [place for place in places if place.parent_id in self._due]

    def moved(self, parent_id: str) -> Mapping[str, int | None]:
        """Return the counts of a parent in the groups that have moved; None for unknown ones.

        Counts of 0 are left out: there are no such events to read.
        """
        return self._sweeps.counted(parent_id, self._due.get(parent_id, self.groups))

    @override
    def plan(self) -> Plan:
        sweep = self._sweeps.current()
        places = self.due_places(sweep)
        listing = self.run.parents[self.parents].plan(START)
        reads_all = self._sweeps.is_full(sweep) or not self.newest_first
        requests = 0
        for place in places:
            counts = self.moved(place.parent_id)
            whole = [pages(n or 0, self.page_size or 1, shrinks=False) for n in counts.values()]
            requests += 1 + (sum(whole) if reads_all else len(counts))
        return Plan(len(places), added(listing.requests, requests))

    @override
    def ahead(self) -> int:
        return min(super().ahead(), MOST_AHEAD)
