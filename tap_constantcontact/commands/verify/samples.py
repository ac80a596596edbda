"""What assumptions are told from: rows that an account has, and where to find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pendulum
import requests

from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, Reply, UntoldError
from tap_constantcontact.config.dates import (
    BEGINNING,
    date_parameter,
    instant_of,
    report_date_parameter,
)
from tap_constantcontact.config.settings import ACTIVITY_TYPES, SUB_RESOURCES
from tap_constantcontact.reading.query import OVERLAP, at_path
from tap_constantcontact.records.rows import Record
from tap_constantcontact.streams import STREAMS, email_events
from tap_constantcontact.streams.campaign_reports import EmailCampaignSummariesStream
from tap_constantcontact.streams.campaigns import (
    SENT_ACTIVITIES,
    EmailCampaignDetails,
    EmailCampaignsStream,
)
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)
from tap_constantcontact.streams.contacts import ContactsStream

TRACKED = [stream for stream in STREAMS if issubclass(stream, email_events.EmailEvents)]
"""The streams of the events of e-mails: first the sends, then the opens."""

CANDIDATES = 3
"""Maximum number of campaigns to look at for one that can be compared."""

ALL_CONTACTS = {
    "status": "all",
    "include": ",".join(SUB_RESOURCES),
    "include_count": "true",
}
"""The query for contacts of every status, with all that they have."""


class Email(NamedTuple):
    """The keys of an e-mail that was sent, the only one of its campaign."""

    campaign_id: str
    campaign_activity_id: str


def contacts(probe: Probe) -> Reply:
    """Return the first page of all contacts."""
    return probe.first_page(ContactsStream, **ALL_CONTACTS)


def campaigns(probe: Probe) -> Reply:
    """Return the first page of all campaigns."""
    return probe.first_page(EmailCampaignsStream)


def summaries(probe: Probe) -> Reply:
    """Return the first page of the summaries of campaigns that were sent."""
    return probe.first_page(EmailCampaignSummariesStream)


def email(probe: Probe) -> Email:
    """Return an e-mail with many types of events that fit on a page; else the least opened one."""

    def worth(summary: Record) -> tuple[bool, int]:
        counts = summary.get("unique_counts") or {}
        told = [counts.get(stream.name.removeprefix("email_")) or 0 for stream in TRACKED]
        fits = 0 < told[0] <= email_events.EmailEvents.page_size
        return fits, sum(map(bool, told)) if fits else -told[1]

    ranked = sorted(summaries(probe).rows, key=worth, reverse=True)
    for campaign in ranked[:CANDIDATES]:
        campaign_id = str(campaign.get("campaign_id"))
        details = probe.ask(EmailCampaignDetails, campaign_id=campaign_id)
        parts = [
            str(part["campaign_activity_id"])
            for row in details.rows
            for part in row.get("campaign_activities") or ()
            if part.get("role") in (SENT_ACTIVITIES.roles or ())
        ]
        if len(parts) == 1:
            return Email(campaign_id, parts[0])
    raise UntoldError("No campaign with one e-mail was sent.")


def events_of(
    probe: Probe, stream: type[email_events.EmailEvents | email_events.EmailPeople]
) -> Reply:
    """Return the first page of a report on the e-mail."""
    return probe.first_page(stream, campaign_activity_id=email(probe).campaign_activity_id)


def complete(probe: Probe) -> dict[str, Sequence[Record]]:
    """Return the events of the e-mail by type, of each type that fits on one page."""
    found = {
        stream.rows.activity_type or "": reply.rows
        for stream in TRACKED
        if not (reply := events_of(probe, stream)).page.next_link
    }
    if not any(found.values()):
        raise UntoldError("No type of event of the e-mail fits on a page.")
    return found


def reader(probe: Probe) -> str:
    """Return the key of a contact, not deleted, with as many types of its events as possible."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for kind, rows in complete(probe).items():
        for row in rows:
            if row.get("contact_id") and not row.get("deleted_at"):
                found[row["contact_id"]].append(kind)
    if not found:
        raise UntoldError("No contact has an event of the e-mail.")
    return max(found, key=lambda key: (len({*found[key]}), len(found[key])))


def details_of(probe: Probe, contact_id: str) -> Reply:
    """Return the first page of a contact's activity details."""
    types = ",".join(ACTIVITY_TYPES)
    return probe.first_page(
        ContactActivityDetailsStream, contact_id=contact_id, tracking_activities_list=types
    )


def summary_of(
    probe: Probe, contact_id: str, start: datetime = BEGINNING, end: datetime | None = None
) -> Reply:
    """Return a contact's activity summary, of all e-mails unless dates are given."""
    until = end or pendulum.tomorrow("UTC")
    return probe.ask(
        ContactActionSummaryStream,
        contact_id=contact_id,
        start=report_date_parameter(pendulum.instance(start)),
        end=report_date_parameter(pendulum.instance(until)),
    )


def deleted_contacts(probe: Probe) -> Sequence[Record]:
    """Return deleted contacts."""
    rows = probe.first_page(ContactsStream, status="deleted").rows
    if not rows:
        raise UntoldError("No contact was deleted.")
    return rows


def instant_at(row: Record, path: str) -> datetime:
    """Return the date-time at a path of a row, such as `email_address.opt_out_date`."""
    instant = instant_of(at_path(row, path))
    if instant is None:
        raise ContradictedError(f"A row has no date-time {path} that can be read.")
    return instant


def newest(rows: Iterable[Record], path: str) -> datetime:
    """Return the newest date-time at a path, among the rows that have one."""
    found = [instant for row in rows if (instant := instant_of(at_path(row, path)))]
    if not found:
        raise UntoldError(f"No row has a date {path}.")
    return max(found)


def bound_at(instant: datetime, margin: timedelta = -OVERLAP) -> str:
    """Return a date-time for a list's parameter, by default a second before an instant."""
    return date_parameter(pendulum.instance(instant) + margin)


def keys_in(rows: Iterable[Any], key: str) -> list[str]:
    """Return the keys of rows."""
    return [str(row.get(key)) for row in rows]


def rows_or_404(reply: Reply) -> str:
    """Say how many rows a reply has, or that it is HTTP 404; other refusals are contradictions."""
    return "HTTP 404" if reply.status == requests.codes.not_found else f"{len(reply.rows)} rows"
