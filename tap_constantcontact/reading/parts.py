"""The parts of parents, such as the e-mails of campaigns, and the details that list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run


class Details(ConstantContactStream):
    """The details of parents, of which each is requested once a run for all streams that need it.

    They are no stream that a run writes. They set `parents`, whose key is their primary key.

    Attributes:
        known: The details that were requested, by parent; None for parents that are unknown.
    """

    parents: ClassVar[ParentType]

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.known: dict[str, Record | None] = {}

    @override
    def read(self) -> Iterable[Record]:
        return ()

    @override
    def plan(self) -> Plan:
        return Plan(0, 0)

    def of(self, parent_id: str) -> Record | None:
        """Return the details of a parent; None if the API does not know it."""
        if parent_id not in self.known:
            try:
                self.known[parent_id] = next(self.all_rows({self.parents.key: parent_id}))
            except NotFoundError:
                self.known[parent_id] = None
        return self.known[parent_id]


@dataclass(frozen=True)
class PartType:
    """A type of part, such as the activities of campaigns, and where a parent's parts are listed.

    Attributes:
        details: The details of a parent, which list its parts.
        listed_in: Name of the property of the details that lists them, or that is the only one.
        key: Name of their key, in the details and in the report's path and records.
        roles: The roles of the parts that reports are about; None for all.
    """

    details: type[Details]
    listed_in: str
    key: str
    roles: tuple[str, ...] | None = None

    def known(self, run: Run) -> Iterator[str]:
        """Yield the keys of the parts of those parents whose details were requested."""
        for parent_id in [*run.once(self.details).known]:
            yield from self.keys(run, parent_id) or ()

    def keys(self, run: Run, parent_id: str) -> list[str] | None:
        """Return the keys of those parts that reports are about; None for an unknown parent."""
        details = run.once(self.details).of(parent_id)
        if details is None:
            return None
        found = details.get(self.listed_in) or []
        return [
            part[self.key]
            for part in (found if isinstance(found, list) else [found])
            if part.get(self.key) and (self.roles is None or part.get("role") in self.roles)
        ]
