"""The shape of a report that takes one request or more per part of a parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.details import Details
from tap_constantcontact.reading.query import Record
from tap_constantcontact.reading.report import RequestsPerParent


@dataclass(frozen=True)
class PartType:
    """A type of part, such as the activities of campaigns, and where a parent's parts are listed.

    Attributes:
        details: The details of a parent, which list its parts.
        listed_in: Name of the property of the details that lists them, or that is the only one.
        key: Name of their key, in the details and in the report's path and records.
        roles: The roles of the parts that reports are about; None for all.

    Example:
        >>> TRACKS = PartType(EventDetails, listed_in="default_track", key="track_id")
        >>> TRACKS.keys_in({"event_id": "7", "default_track": {"track_id": "1"}})
        ['1']
    """

    details: type[Details]
    listed_in: str
    key: str
    roles: tuple[str, ...] | None = None

    def keys_in(self, details: Record) -> list[str]:
        """Return the keys of the parts that reports are about, given the details of a parent."""
        found = details.get(self.listed_in) or []
        return [
            part[self.key]
            for part in (found if isinstance(found, list) else [found])
            if part.get(self.key) and (self.roles is None or part.get("role") in self.roles)
        ]


class RequestsPerPart(RequestsPerParent):
    """A report that takes one request or more per part of a parent, in a sweep over all parents.

    The details of a parent list its parts, such as the activities of a campaign. They take one
    more request per parent, once a run, for all streams together. A part that the API does not
    know, like a parent that it does not know, is skipped.

    Attributes that a stream may set, in addition to those of `RequestsPerParent`:
        parts: The type of the parts. `path` and the records contain their key. They contain the
            parent's key as well, if `path` or the schema does.

    Example:
        >>> class EmailLinksStream(RequestsPerPart):
        ...     name = "email_links"
        ...     path = "/reports/email_reports/{campaign_activity_id}/links"
        ...     records_key = "results"
        ...     primary_keys = ("campaign_activity_id", "url_id")
        ...     row_keys = ("url_id",)
        ...     parents = CAMPAIGNS
        ...     parts = SENT_ACTIVITIES
        ...     cost = "2 per campaign"
    """

    parts: ClassVar[PartType]

    @override
    def plan(self) -> Plan:
        plan = super().plan()
        return plan + Plan(0, plan.rows)

    @override
    def report_on(self, keys: Mapping[str, str]) -> list[Record]:
        parent_id = keys[self.parents.key]
        parts = self.parts_of(parent_id)
        return [row for part in parts for row in self._rows_of_part(parent_id, part)]

    def parts_of(self, parent_id: str) -> list[str]:
        """Return the keys of the parts of a parent that the report is about.

        Raises:
            NotFoundError: The API does not know the parent.
        """
        return self.parts.keys_in(self.run.details[self.parts.details].of(parent_id))

    def _rows_of_part(self, parent_id: str, part_id: str) -> list[Record]:
        try:
            return self.report_on_part(parent_id, part_id)
        except NotFoundError:
            self.run.progress.skipped += 1
            return []

    def report_on_part(self, parent_id: str, part_id: str) -> list[Record]:
        """Return the rows in the window of one part.

        Raises:
            NotFoundError: The API does not know the part.
        """
        keys = {self.parents.key: parent_id, self.parts.key: part_id}
        named = {name: keys[name] for name in keys if f"{{{name}}}" in self.path}
        added = {name: keys[name] for name in keys if name in self.schema["properties"]}
        return [{**added, **row} for row in super().report_on(named)]
