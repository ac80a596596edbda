"""What each contact did: events."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import requests
from singer_sdk import typing as th

from tap_constantcontact.roster import Contact
from tap_constantcontact.sweep import FILTERS, ContactReportStream
from tap_constantcontact.windows import Window

ACTIVITIES = uuid.UUID("6f0c1c5e-6a0b-5d9c-9d0e-3a1f6d2b7c48")
"""Namespace of the activities' identifiers."""

IDENTITY = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
"""What tells one event from another; a running number does so where all of these are alike.

Whether the live service sends the link of a click is not known: the contract's row has none. So it
cannot be part of the identity, or an event would have another one where a row comes without it.
"""

READINGS = 3
"""Number of readings of one contact's events before rows that cannot be told apart are guessed."""

Page = list[dict[str, Any]]


class ContactActivityDetailsStream(ContactReportStream):
    """One row for each event: a send, an open, a click, a bounce and so on."""

    name = "contact_activity_details"
    path = "/reports/contact_reports/{contact_id}/activity_details"
    records_key = "tracking_activities"
    privilege = "ui:campaign:metrics"
    primary_keys = ("activity_id",)
    replication_key = "created_time"
    default_lookback_days = 1
    row_keys = ()
    newest_first = True
    filters = (*FILTERS, "tracking_activity_types")
    schema = th.PropertiesList(
        th.Property(
            "activity_id",
            th.StringType,
            required=True,
            description="Key of the event, made by the tap: the same in every run.",
        ),
        th.Property("contact_id", th.StringType, description="Who did it."),
        th.Property(
            "campaign_activity_id",
            th.StringType,
            description="The e-mail or landing page, as one activity of its campaign.",
        ),
        th.Property("campaign_activity_name", th.StringType, description="What that is called."),
        th.Property("tracking_activity_type", th.StringType, description="What was done."),
        th.Property("created_time", th.DateTimeType, description="When it was done."),
        th.Property("device_type", th.StringType, description="On what; opens and clicks only."),
        th.Property("url_id", th.StringType, description="Key of the link; clicks only."),
        th.Property("link_url", th.StringType, description="Where the link leads; clicks only."),
        th.Property(
            "bounce_code",
            th.StringType,
            description="Why it came back, one letter; bounces only.",
        ),
        th.Property(
            "opt_out_reason",
            th.StringType,
            description="Why the contact left, in its own words; opt-outs only.",
        ),
    ).to_dict()

    def parameters(self, window: Window) -> dict[str, Any]:  # noqa: ARG002
        """Ask for the types wanted; the API has no date filter."""
        types = self.config["tracking_activity_types"]
        return {"tracking_activities_list": ",".join(types), "limit": 100}

    def parse_response(self, response: requests.Response) -> Iterator[Page]:  # type: ignore[override]
        """Yield the records of a page, as one list."""
        yield [*super().parse_response(response)]

    def rows(self, contact: Contact) -> list[dict[str, Any]]:
        """Return each event of a contact that the first pages of interest hold, with its key.

        Pages are numbered and the newest event comes first. So an event that happens while they
        are read moves the rows, and the last row of a page is met again as the first of the next.
        Rows that are equal there may also be events of their own. The first page, read once more,
        tells the two apart: rows are met again only if it begins with events that were not there,
        and at most as many rows as there are such events. Equal rows within a page are always
        events of their own.
        """
        context = {"contact_id": contact.contact_id, **self.parameters(self.window)}
        for _ in range(READINGS):
            pages: list[Page] = [*self._pages(context)]
            if not any(overlaps(pages)):
                break
            arrived = moved_by(pages[0], next(self._pages(context)))
            repeated = overlaps(pages, arrived)
            pages[1:] = [page[n:] for page, n in zip(pages[1:], repeated, strict=True)]
            if sum(repeated) <= arrived:
                break
        return with_ids(
            [{**row, "contact_id": contact.contact_id} for page in pages for row in page]
        )

    def _pages(self, context: Mapping[str, Any]) -> Iterator[Page]:
        return iter(cast("Iterable[Page]", self.request_records(context)))


def moved_by(before: Page, after: Page) -> int:
    """Return by how many rows a page has moved between two readings, at most by all of them."""
    for moved in range(len(before)):
        if after[moved:] == before[: max(len(after) - moved, 0)]:
            return moved
    return len(before)


def overlaps(pages: Sequence[Page], longest: int | None = None) -> list[int]:
    """Return how many rows at the start of each page but the first are those that end the last.

    Args:
        pages: The pages of a reading.
        longest: Number of rows at the most, or None for any number.

    Example:
        >>> a, b, c = {"n": 1}, {"n": 2}, {"n": 3}
        >>> overlaps([[a, b], [b, c], [c, a]]), overlaps([[a, b], [b, c]], longest=0)
        ([1, 1], [0])
    """

    def overlap(page: Page, following: Page) -> int:
        most = min(len(page), len(following))
        sizes = range(most if longest is None else min(most, longest), 0, -1)
        return next((n for n in sizes if page[-n:] == following[:n]), 0)

    return [overlap(page, following) for page, following in itertools.pairwise(pages)]


def with_ids(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events with `activity_id`, a UUIDv5 over what tells one event from another.

    Events that are alike in that are numbered: by their link where they have one, else in the order
    in which they came.
    """
    alike: dict[str, Page] = {}
    for row in rows:
        alike.setdefault("|".join(str(row.get(name) or "") for name in IDENTITY), []).append(row)
    return [
        {"activity_id": str(uuid.uuid5(ACTIVITIES, f"{identity}|{number}")), **row}
        for identity, events in alike.items()
        for number, row in enumerate(sorted(events, key=_link))
    ]


def _link(event: Mapping[str, Any]) -> tuple[str, str]:
    return event.get("link_url") or "", event.get("url_id") or ""
