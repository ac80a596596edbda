"""What the rows of a report are: rows with keys, or events, which have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pendulum import DateTime

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.reading.collection import REMEMBERED, Seen
from tap_constantcontact.reading.events import read_once, with_ids
from tap_constantcontact.reading.spool import Spool
from tap_constantcontact.records.rows import Record
from tap_constantcontact.transport.responses import Page

TYPE = "tracking_activity_type"
"""Name of the field for the type of an event."""


@dataclass(frozen=True)
class Keyed:
    """Rows with keys, each read once; about a type of event if their list spells it otherwise."""

    activity_type: str | None = None
    newest_first: ClassVar[bool] = False

    def read(
        self,
        stream: ConstantContactStream,
        context: Mapping[str, Any],
        labels: dict[str, Any],
        start: DateTime,  # noqa: ARG002
    ) -> Iterable[Record]:
        """Return each row of a list once, with some labels; all requests are sent before."""
        seen, spool = Seen(REMEMBERED), Spool[Record]()
        for page in in_full(stream, context):
            spool.add(
                row | labels
                for row in page.as_dicts()
                if seen.add(tuple(row[key] for key in stream.sent_keys))
            )
        return spool


@dataclass(frozen=True)
class Events:
    """Events, each read once, which get a key `activity_id`.

    `activity_type` is their type if the list spells it otherwise or not at all. The lists have no
    date filter: if they come `newest_first`, reading stops at the first older event's page.
    """

    activity_type: str | None = None
    newest_first: bool = True

    def read(
        self,
        stream: ConstantContactStream,
        context: Mapping[str, Any],
        labels: dict[str, Any],
        start: DateTime,
    ) -> Iterable[Record]:
        """Return each event of a list once, with some labels, from the page of `start` on.

        A list that is not in order is read to its end. All requests are sent before this returns.

        Assumption: `events-newest-first`.
        """
        date = stream.replication_key or ""

        def labelled() -> Iterator[list[dict[str, Any]]]:
            stops_early = True
            for page in in_full(stream, context):
                events = [row | labels for row in page.as_dicts()]
                yield events
                if not self.newest_first:
                    continue
                dates = [*filter(None, (instant_of(event.get(date)) for event in events))]
                if dates != sorted(dates, reverse=True):
                    stops_early = False
                    stream.run.doubt(
                        "events-newest-first",
                        stream.name,
                        "events are not listed newest first, so each list is read to its end",
                    )
                if stops_early and min(dates, default=start) < start:
                    return

        return with_ids(read_once(labelled))


def in_full(stream: ConstantContactStream, context: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the pages of a list, and warn if they have fewer rows than were asked for.

    Assumption: `pages-as-large-as-asked-for`.
    """
    is_short = False
    for page in stream.pages(context):
        if is_short:
            stream.run.doubt(
                "pages-as-large-as-asked-for",
                stream.name,
                f"pages have fewer rows than the {context['limit']} that were asked for, so more "
                "requests are sent than planned",
            )
        yield page
        is_short = len(page.rows) < context.get("limit", 0)
