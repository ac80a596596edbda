"""The shape of a report that takes one request or more per part of a parent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.plan import Plan
from tap_constantcontact.shapes.details import Details
from tap_constantcontact.shapes.queries import Record
from tap_constantcontact.shapes.requests_per_parent import RequestsPerParent


class RequestsPerPart(RequestsPerParent):
    """A report that takes one request or more per part of a parent, in a sweep over all parents.

    The details of a parent list its parts, such as the activities of a campaign. They take one
    more request per parent, once a run, for all streams together. A part that the API does not
    know, like a parent that it does not know, is skipped.

    Attributes that a stream may set, in addition to those of `RequestsPerParent`:
        details: The details that list the parts.
        parts: Name of the property of the details that holds the parts.
        part_key: Name of a part's key, in the details and in the report's path and records.
        roles: The roles of the parts to report on; None for all.

    Example:
        >>> class EmailLinksStream(RequestsPerPart):
        ...     name = "email_links"
        ...     path = "/reports/email_reports/{campaign_activity_id}/links"
        ...     records_key = "results"
        ...     primary_keys = ("campaign_activity_id", "url_id")
        ...     row_keys = ("url_id",)
        ...     parents = CAMPAIGNS
        ...     details = EmailCampaignDetails
        ...     parts = "campaign_activities"
        ...     part_key = "campaign_activity_id"
        ...     roles = REPORTED_ROLES
        ...     cost = "2 per campaign"
    """

    details: ClassVar[type[Details]]
    parts: ClassVar[str]
    part_key: ClassVar[str]
    roles: ClassVar[tuple[str, ...] | None] = None

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
        details = self.run.details[self.details].of(parent_id)
        return [
            part[self.part_key]
            for part in details.get(self.parts) or []
            if part.get(self.part_key) and (self.roles is None or part.get("role") in self.roles)
        ]

    def _rows_of_part(self, parent_id: str, part_id: str) -> list[Record]:
        try:
            return self.report_on_part(parent_id, part_id)
        except NotFoundError:
            self.run.progress.skipped += 1
            return []

    def report_on_part(self, parent_id: str, part_id: str) -> list[Record]:  # noqa: ARG002
        """Return the rows in the window of one part.

        Raises:
            NotFoundError: The API does not know the part.
        """
        return super().report_on({self.part_key: part_id})
