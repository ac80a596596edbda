"""Assumptions about events: what the two sources of them tell, and in what order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tap_constantcontact.commands.verify.assumption import Assumption
from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, Reply, UntoldError
from tap_constantcontact.commands.verify.samples import (
    TRACKED,
    complete,
    deleted_contacts,
    details_of,
    email,
    events_of,
    instant_at,
    reader,
    rows_or_404,
    summary_of,
)
from tap_constantcontact.reading.query import OVERLAP
from tap_constantcontact.reading.rows import TYPE
from tap_constantcontact.records.rows import Record

OTHER_SOURCE = "Set report_source to the one that tells more, contacts or campaigns."

UNKNOWN_CONTACT = "00000000-0000-1000-8000-000000000000"

NO_MARK = (None, None)

IN_SUMMARY = {"em_optouts": "em_unsubscribes"}
"""Names of a summary's counts, where they are not those of the types."""


class Told(NamedTuple):
    """An event as a source tells it, and what tells it from others of its type and instant."""

    kind: str
    at: datetime
    mark: tuple[Any, ...]


def _lists(probe: Probe) -> list[Reply]:
    return [*(events_of(probe, stream) for stream in TRACKED), details_of(probe, reader(probe))]


def _in_order(probe: Probe) -> str:
    longest = 0
    for reply in _lists(probe):
        instants = [instant_at(row, "created_time") for row in reply.rows]
        if instants != sorted(instants, reverse=True):
            raise ContradictedError(f"{len(instants)} rows of {reply.stream.name} are not.")
        longest = max(longest, len({*instants}))
    if longest < 2:  # noqa: PLR2004 - of one, there is no order
        raise UntoldError("No list has events of two instants.")
    return f"They are, in lists of up to {longest} instants."


def _named(probe: Probe) -> str:
    number = 0
    for reply in _lists(probe):
        for row in reply.rows:
            lacking = [name for name in ("contact_id", "created_time") if not row.get(name)]
            if reply.stream not in TRACKED and not row.get(TYPE):
                lacking.append(TYPE)
            if lacking:
                raise ContradictedError(f"A row of {reply.stream.name} has no {lacking[0]}.")
            number += 1
    if not number:
        raise UntoldError("There are no events.")
    return f"All {number} rows do."


def _known_fields(probe: Probe) -> str:
    seen: set[str] = set()
    for reply in (*_lists(probe), summary_of(probe, reader(probe))):
        for row in reply.rows:
            if unknown := sorted(row.keys() - reply.stream.schema["properties"].keys()):
                raise ContradictedError(f"{reply.stream.name} has the field {unknown[0]}.")
            seen |= row.keys()
    return f"Of {len(seen)} fields, none is unknown."


def _told(probe: Probe) -> tuple[list[Told], list[Told]]:
    """Return a contact's events of an e-mail, as its reports on the contact and the e-mail tell."""
    part, contact_id = email(probe).campaign_activity_id, reader(probe)
    events = complete(probe)
    by_campaign = [
        _event(row, kind)
        for kind, rows in events.items()
        for row in rows
        if row.get("contact_id") == contact_id
    ]
    if not by_campaign:
        raise UntoldError("No type of event of the contact fits on a page.")
    details = details_of(probe, contact_id)
    first = min(event.at for event in by_campaign)
    if details.page.next_link and instant_at(details.rows[-1], "created_time") >= first:
        raise UntoldError("The contact has more events than fit on a page.")
    by_contact = [
        _event(row, str(row.get(TYPE)))
        for row in details.rows
        if row.get("campaign_activity_id") == part and row.get(TYPE) in events
    ]
    return by_contact, by_campaign


def _event(row: Record, kind: str) -> Told:
    return Told(kind, instant_at(row, "created_time"), (row.get("device_type"), row.get("url_id")))


def _same_events(probe: Probe) -> str:
    here, there = (Counter(event.kind for event in events) for events in _told(probe))
    for kind in sorted({*here, *there}):
        if here[kind] != there[kind]:
            raise ContradictedError(
                f"Of {kind}, activity_details tells {here[kind]}, and the e-mail's report "
                f"{there[kind]}."
            )
    return f"Both tell {here.total()} events of {len(here)} types, for a contact and an e-mail."


def _same_times(probe: Probe) -> str:
    here, there = (Counter(event[:2] for event in events) for events in _told(probe))
    if apart := (here - there).total():
        raise ContradictedError(f"Of {here.total()} events, {apart} have another instant.")
    instants = [instant for _, instant in here.elements()]
    whole = sum(instant == instant.replace(second=0, microsecond=0) for instant in instants)
    return f"{here.total()} events have the same instants, {whole} of them in whole minutes."


def _ties(probe: Probe) -> str:
    here, there = (_marks(events) for events in _told(probe))
    tied = [
        event for event, marks in here.items() if event in there and len({*marks} - {NO_MARK}) > 1
    ]
    if not tied:
        raise UntoldError("A contact has no events of one type and instant that differ.")
    if turned := sum(here[event] != there[event] for event in tied):
        raise ContradictedError(f"Events of {turned} of {len(tied)} instants come otherwise.")
    return f"Events of {len(tied)} instants do."


def _marks(events: Sequence[Told]) -> defaultdict[Any, list[Any]]:
    marks: defaultdict[Any, list[Any]] = defaultdict(list)
    for event in events:
        marks[event[:2]].append(event.mark)
    return marks


def _summed_up(probe: Probe) -> str:
    part, contact_id = email(probe).campaign_activity_id, reader(probe)
    by_contact, _ = _told(probe)
    told = Counter(event.kind for event in by_contact)
    rows = summary_of(probe, contact_id).rows
    row = next((row for row in rows if row.get("campaign_activity_id") == part), None)
    if row is None:
        raise ContradictedError("The summary of a contact lacks an e-mail that its events name.")
    for kind in complete(probe):
        count = row.get(IN_SUMMARY.get(kind, kind)) or 0
        if count != told[kind]:
            raise ContradictedError(
                f"Of {kind}, the summary counts {count}, and the details have {told[kind]}."
            )
    return f"The counts are those of {told.total()} events."


def _summary_window(probe: Probe) -> str:
    contact_id = reader(probe)
    rows = summary_of(probe, contact_id).rows
    if not rows:
        raise UntoldError("The contact was sent no e-mail.")
    second = instant_at(rows[0], "start_on").replace(microsecond=0)
    found = summary_of(probe, contact_id, second - OVERLAP, second + 2 * OVERLAP).rows
    key = rows[0].get("campaign_activity_id")
    if key not in [row.get("campaign_activity_id") for row in found]:
        raise ContradictedError("An e-mail is not found by its start_on and a second around it.")
    far = [instant_at(row, "start_on") for row in found]
    if older := sum(abs(instant - second) > timedelta(minutes=1) for instant in far):
        return f"It is found, with {older} others that were sent at another time."
    return "An e-mail is found by its start_on and a second before and after it."


def _of_deleted(probe: Probe) -> str:
    key = str(deleted_contacts(probe)[0]["contact_id"])
    details, summary = rows_or_404(details_of(probe, key)), rows_or_404(summary_of(probe, key))
    return f"For the details, {details}; for the summary, {summary}."


def _of_unknown(probe: Probe) -> str:
    return f"For the details, {rows_or_404(details_of(probe, UNKNOWN_CONTACT))}."


ABOUT_EVENTS = (
    Assumption(
        "events-newest-first",
        "The events of a contact and of an e-mail are listed the newest first.",
        "contract",
        "A run warns, and reads the lists to their end where it notices. Where the first page has "
        "its order by chance, events on further pages are missing.",
        "Set lookback_days to 36500, so that every list is read to its end.",
        _in_order,
        loses_rows=True,
    ),
    Assumption(
        "both-sources-tell-the-same-events",
        "The reports on a contact and on an e-mail tell the same events.",
        "inference: no recording of either is public",
        "With one report_source, events are missing that the other has.",
        OTHER_SOURCE,
        _same_events,
        loses_rows=True,
    ),
    Assumption(
        "events-name-contact-and-time",
        "Each event has contact_id and created_time, and in activity_details its type.",
        "contract",
        "Events without a contact are missing with report_source campaigns; without a time, they "
        "come in every run.",
        "Set report_source to contacts.",
        _named,
        loses_rows=True,
    ),
    Assumption(
        "summary-takes-a-second-more",
        "The summary of a contact for a window, and a second before and after it, has each e-mail "
        "that was sent in the window.",
        "contract; whether the bounds themselves are included is not documented",
        "Rows of contact_action_summary are missing at the edges of its window.",
        "Set lookback_days to 30 or more; with report_date and the like, choose a day more at each "
        "end.",
        _summary_window,
        loses_rows=True,
    ),
    Assumption(
        "summary-counts-equal-details",
        "The counts of a contact's summary are the numbers of its events.",
        "contract: the names of the counts",
        "contact_action_summary has other counts with report_source campaigns, and events may be "
        "missing in contact_activity_details.",
        OTHER_SOURCE,
        _summed_up,
        loses_rows=True,
    ),
    Assumption(
        "both-sources-tell-the-same-times",
        "An event has the same instant in the reports on its contact and on its e-mail.",
        "inference: no recording of either is public",
        "Nothing is missing; but an event has another activity_id after report_source was changed, "
        "so it is there twice.",
        "Stay with one report_source, or empty the tables of events when you change it.",
        _same_times,
    ),
    Assumption(
        "ties-come-in-the-same-order",
        "Both sources list the events of one contact, e-mail, type and instant in the same order.",
        "inference: no recording of either is public",
        "No event is missing; but after report_source was changed, two events of one instant may "
        "have each other's link and device.",
        "Stay with one report_source, or empty the tables of events when you change it.",
        _ties,
    ),
    Assumption(
        "event-fields-are-known",
        "The rows of the contact reports and of the events have no fields but those of the schema.",
        "contract",
        "No row is missing; the field is left out, and a run warns of it.",
        "Open an issue with what --verify printed if you need the field.",
        _known_fields,
    ),
    Assumption(
        "deleted-contacts-have-reports",
        "For a deleted contact, the reports have its rows, or HTTP 404 is sent.",
        "inference: no recording of a deleted contact is public",
        "A run with contact_status deleted fails at the first deleted contact.",
        "Leave deleted out of contact_status.",
        _of_deleted,
    ),
    Assumption(
        "unknown-contacts-are-not-found",
        "For a contact that does not exist, the reports send HTTP 404 or no rows.",
        "contract",
        "A run fails if a contact is removed for good while it is under way.",
        "Run again: a run resumes where the last one stopped.",
        _of_unknown,
    ),
)
