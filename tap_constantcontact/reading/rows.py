"""What the rows of a report are: rows with keys, or events, which have none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pendulum import DateTime

from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.reading.events import read_once, with_ids
from tap_constantcontact.records.rows import Record
from tap_constantcontact.transport.responses import Page

TYPE = "tracking_activity_type"
"""Name of the field for the type of an event."""

Pages = Callable[[], Iterable[Page]]
"""Requests the pages of a list, one after another."""


@dataclass(frozen=True)
class Keyed:
    """Rows with keys, each read once; about a type of event if their list spells it otherwise."""

    activity_type: str | None = None
    newest_first: ClassVar[bool] = False

    def read(
        self,
        pages: Pages,
        labels: Mapping[str, Any],
        keys: Sequence[str],
        start: DateTime,  # noqa: ARG002
        date: str | None,  # noqa: ARG002
    ) -> Iterable[Record]:
        """Return each row of a list once, with some labels."""
        labels = {**labels, **({TYPE: self.activity_type} if self.activity_type else {})}
        rows = (row | labels for page in pages() for row in page.as_dicts())
        return {tuple(row[key] for key in keys): row for row in rows}.values()


@dataclass(frozen=True)
class Events:
    """Events, each read once, which get a key `activity_id`.

    `activity_type` is their type if the list spells it otherwise or not at all. The lists have no
    date filter: if they come `newest_first`, reading stops at the first page with older events than
    the window's.
    """

    activity_type: str | None = None
    newest_first: bool = True

    def read(
        self,
        pages: Pages,
        labels: Mapping[str, Any],
        keys: Sequence[str],  # noqa: ARG002
        start: DateTime,
        date: str | None,
    ) -> Iterable[Record]:
        """Return each event of a list once, with some labels, from the page of `start` on."""
        labels = {**labels, **({TYPE: self.activity_type} if self.activity_type else {})}

        def labelled() -> Iterator[list[dict[str, Any]]]:
            for page in pages():
                events = [row | labels for row in page.as_dicts()]
                yield events
                dates = filter(None, (instant_of(event.get(date or "")) for event in events))
                if self.newest_first and min(dates, default=start) < start:
                    return

        return with_ids(read_once(labelled))
