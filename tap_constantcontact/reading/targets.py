"""What a report requests for each parent: one list of rows, or one for each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.reading.parts import PartType
from tap_constantcontact.records.rows import Record
from tap_constantcontact.run import Run

Keys = Mapping[str, str]
Read = Callable[[Keys], list[Record]]
"""Requests the rows of what some keys name."""


@dataclass(frozen=True)
class PerParent:
    """One list of rows per parent."""

    requests: ClassVar[int] = 1
    """Minimum number of requests per parent."""

    def rows(self, run: Run, parent: Keys, read: Read) -> list[Record]:  # noqa: ARG002
        """Return the rows of a parent; a NotFoundError tells that the API does not know it."""
        return read(parent)


@dataclass(frozen=True)
class PerPart:
    """One list of rows per part of a parent. A part that the API does not know is skipped."""

    parts: PartType
    requests: ClassVar[int] = 2

    def rows(self, run: Run, parent: Keys, read: Read) -> list[Record]:
        """Return the rows of all parts of a parent, or raise a NotFoundError as above."""
        (parent_id,) = parent.values()
        rows: list[Record] = []
        for part_id in self.parts.keys(run, parent_id):
            try:
                rows += read({**parent, self.parts.key: part_id})
            except NotFoundError:  # noqa: PERF203 - each may be unknown
                run.progress.skip()
        return rows
