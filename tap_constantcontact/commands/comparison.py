"""The comparison of the two sources of the contact reports, printed by `--compare-sources`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from singer_sdk import Tap
from tabulate import tabulate

from tap_constantcontact.exceptions import FatalAPIError, NotFoundError
from tap_constantcontact.reading.from_campaigns import ContactsFromParts
from tap_constantcontact.reading.query import Record
from tap_constantcontact.run import Run
from tap_constantcontact.streams import FROM_CAMPAIGNS

NEWEST = 5
"""Number of a contact's e-mails to compare: all events of all contacts are read for each."""


class Difference(NamedTuple):
    """A field in which the two sources differ, or a row that one of them lacks.

    Attributes:
        report: Name of the report.
        row: What the row is about: the values of its fields that are in `SHOWN`.
        field: Name of the field; None for a row that one source lacks.
        contacts: The value that the contact's own report tells.
        campaigns: The value that the campaigns' reports tell.
    """

    report: str
    row: str
    field: str | None
    contacts: Any
    campaigns: Any


class Comparison(NamedTuple):
    """What the two sources tell of a contact's newest e-mails.

    Attributes:
        contact_id: The contact.
        emails: Number of e-mails compared.
        rows: Number of rows of the contact's own reports on them.
        differences: Where the sources differ.
    """

    contact_id: str
    emails: int
    rows: int
    differences: list[Difference]


SHOWN = ("campaign_activity_id", "tracking_activity_type", "created_time")


def compare(tap: Tap, run: Run, contact_id: str) -> Comparison:
    """Read a contact's newest e-mails from both sources.

    Raises:
        FatalAPIError: The API does not know the contact.
    """
    emails: dict[str, str] = {}
    rows = 0
    differences: list[Difference] = []
    for from_campaigns in FROM_CAMPAIGNS.values():
        stream = from_campaigns(tap, run)
        stream.contact_ids = frozenset({contact_id})
        try:
            told = stream.rest.report_on({stream.rest.parents.key: contact_id})
        except NotFoundError as error:
            raise FatalAPIError(
                f"Constant Contact does not know the contact {contact_id}."
            ) from error
        emails = emails or _newest(stream, told)
        own = [row for row in told if row[stream.parts.key] in emails]
        rows += len(own)
        found = [
            row
            for part_id, parent_id in emails.items()
            for row in stream.report_on_part(parent_id, part_id)
        ]
        differences += _differences(stream, own, found)
    return Comparison(contact_id, len(emails), rows, differences)


def _newest(stream: ContactsFromParts, rows: list[Record]) -> dict[str, str]:
    """Return the keys of the newest e-mails that campaigns show, each with its campaign's key."""
    ids = [*dict.fromkeys(row[stream.parts.key] for row in rows if row.get(stream.parts.key))]
    known = {row[stream.parts.key]: row[stream.parents.key] for row in stream.shown(ids)}
    return {part_id: known[part_id] for part_id in [key for key in ids if key in known][:NEWEST]}


def _differences(
    stream: ContactsFromParts, own: list[Record], found: list[Record]
) -> Iterator[Difference]:
    def keyed(rows: list[Record]) -> dict[tuple[Any, ...], Record]:
        return {tuple(row[name] for name in stream.primary_keys): row for row in rows}

    ours, theirs = keyed(own), keyed(found)
    for key in {**ours, **theirs}:
        one, other = ours.get(key), theirs.get(key)
        about = _described(one or other or {})
        if one is None or other is None:
            yield Difference(stream.name, about, None, one is not None, other is not None)
            continue
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name):
                yield Difference(stream.name, about, name, one.get(name), other.get(name))


def _described(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in SHOWN if row.get(name))


def as_text(comparison: Comparison) -> str:
    """Format a comparison as a table for people."""
    counted = (
        f"Compared {comparison.rows:,} rows on the newest {comparison.emails:,} e-mails of contact "
        f"{comparison.contact_id} that both sources show: "
    )
    if not comparison.differences:
        return f"{counted}all are equal."
    table = tabulate(
        [
            (line.report, line.row, line.field or "the whole row", *map(_cell, line[3:]))
            for line in comparison.differences
        ],
        headers=("report", "row", "field", "contacts", "campaigns"),
        disable_numparse=True,
    )
    return f"{table}\n\n{counted}{len(comparison.differences):,} differences."


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "present" if value else "missing"
    return "null" if value is None else str(value)
