"""Assumptions about campaigns: their counts, their dates, and what cannot be asked of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from tap_constantcontact.commands.verify.assumption import REPORT_IT, Assumption
from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, UntoldError
from tap_constantcontact.commands.verify.samples import (
    campaigns,
    complete,
    email,
    events_of,
    instant_at,
    keys_in,
    rows_or_404,
    summaries,
)
from tap_constantcontact.records.rows import Record
from tap_constantcontact.streams.campaign_reports import EmailCampaignStatsStream
from tap_constantcontact.streams.campaigns import SENT, EmailCampaignDetails
from tap_constantcontact.streams.email_events import EmailOpensStream, EmailUniqueOpensStream

READ_ALL_EVENTS = "Set full_sweep_days to 1, so that all events are read again each day."

EVERY_EVENT = {"em_opens_all": "em_opens", "em_clicks_all": "em_clicks"}
"""Counts of every event, with the type of the events."""

UNKNOWN_CAMPAIGN = "00000000-0000-4000-8000-000000000000"


def _counts(probe: Probe) -> dict[str, Any]:
    ids = [email(probe).campaign_id]
    row = next(iter(probe.ask(EmailCampaignStatsStream, campaign_ids=ids).rows), {})
    counts: dict[str, Any] = row.get("stats") or {}
    return counts


def _equal(name: str, count: int | None, rows: int) -> str:
    if count != rows:
        raise ContradictedError(f"{name} is {count}, and there are {rows} in the rows.")
    return f"{name} is {count}"


def _every_event(probe: Probe) -> str:
    counts = _counts(probe)
    events = complete(probe)
    said = [
        _equal(name, counts.get(name), len(events[kind]))
        for name, kind in EVERY_EVENT.items()
        if kind in events
    ]
    if not said:
        raise UntoldError("Neither opens nor clicks fit on a page.")
    return f"{' and '.join(said)}, as there are rows."


def _people(probe: Probe) -> str:
    counts = _counts(probe)
    said = [
        _equal(kind, counts.get(kind), len({*keys_in(rows, "contact_id")}))
        for kind, rows in complete(probe).items()
    ]
    return f"{', '.join(said)}, as there are contacts."


def _openers(probe: Probe) -> str:
    unique = keys_in(events_of(probe, EmailUniqueOpensStream).all_rows, "contact_id")
    opened = {*keys_in(events_of(probe, EmailOpensStream).all_rows, "contact_id")}
    if sorted(unique) != sorted(opened):
        raise ContradictedError(f"{len(unique)} rows, and {len(opened)} contacts who opened it.")
    return f"{len(unique)} rows, for as many contacts who opened it."


def _sent(probe: Probe) -> list[tuple[Record, Record]]:
    """Return the campaigns on the first page that were sent, each with its summary."""
    known = {row.get("campaign_id"): row for row in campaigns(probe).rows}
    keyed = [(row.get("campaign_id"), row) for row in summaries(probe).rows]
    sent = [(known[key], summary) for key, summary in keyed if key in known]
    if not sent:
        raise UntoldError("No campaign was sent.")
    return sent


def _sent_are_done(probe: Probe) -> str:
    statuses = [str(campaign.get("current_status")) for campaign, _ in _sent(probe)]
    others = [status for status in statuses if status.lower() not in (*SENT, "removed")]
    if others:
        raise ContradictedError(
            f"{len(others)} of {len(statuses)} have the status {others[0][:20]}."
        )
    return f"{len(statuses)} campaigns that were sent are so."


def _moves_when_sent(probe: Probe) -> str:
    sent = _sent(probe)
    earlier = sum(
        instant_at(campaign, "updated_at")
        < instant_at(summary, "last_sent_date") - timedelta(minutes=1)
        for campaign, summary in sent
    )
    if earlier:
        raise ContradictedError(f"{earlier} of {len(sent)} were last sent after it.")
    return f"{len(sent)} campaigns changed when they were sent, or later."


def _all_summarized(probe: Probe) -> str:
    listed = campaigns(probe).rows
    known = {*keys_in(summaries(probe).rows, "campaign_id")}
    sent = [
        row["campaign_id"] for row in listed if str(row.get("current_status")).lower() == SENT[0]
    ]
    if not sent:
        raise UntoldError("No campaign was sent.")
    page = summaries(probe).page
    if page.next_link is None and (missing := len({*sent} - known)):
        raise ContradictedError(f"Of {len(sent)} campaigns that were sent, {missing} are missing.")
    also = " and a link to more" if page.next_link else ""
    return f"{len(known)} summaries{also}, for {len(sent)} campaigns on the first page."


def _of_status(probe: Probe, status: str) -> list[Record]:
    return [row for row in campaigns(probe).rows if row.get("current_status") == status]


def _unsent(probe: Probe) -> str:
    for draft in _of_status(probe, "Draft")[:1]:
        details = probe.ask(EmailCampaignDetails, campaign_id=draft["campaign_id"])
        for part in details.rows[0].get("campaign_activities") or ():
            if part.get("role") == "primary_email":
                key = part["campaign_activity_id"]
                reply = probe.first_page(EmailOpensStream, campaign_activity_id=key)
                return f"For the opens, {rows_or_404(reply)}."
    raise UntoldError("No campaign is a draft.")


def _removed(probe: Probe) -> str:
    removed = _of_status(probe, "Removed")
    if not removed:
        raise UntoldError("No campaign was removed.")
    reply = probe.ask(EmailCampaignDetails, campaign_id=removed[0]["campaign_id"])
    return f"For the details, {rows_or_404(reply)}."


def _unknown(probe: Probe) -> str:
    known = email(probe).campaign_id
    reply = probe.ask(EmailCampaignStatsStream, campaign_ids=[known, UNKNOWN_CAMPAIGN])
    if reply.status == requests.codes.not_found:
        return "HTTP 404 is sent for both."
    if keys_in(reply.rows, "campaign_id") != [known]:
        raise ContradictedError(f"{len(reply.rows)} rows are sent for a known and an unknown one.")
    return "The row of the known one is sent."


ABOUT_CAMPAIGNS = (
    Assumption(
        "sent-campaigns-are-done",
        "A campaign that was sent has the current_status Done, Executing or Removed.",
        "responses recorded from the live service",
        "No event of the campaigns with another status is read: neither in the event streams, nor "
        "in the contact reports with report_source campaigns.",
        "Set report_source to contacts, and open an issue with what --verify printed.",
        _sent_are_done,
        loses_rows=True,
    ),
    Assumption(
        "counts-equal-rows",
        "em_opens_all and em_clicks_all of a campaign are the numbers of its opens and clicks.",
        "the vendor's guide",
        "A run does not notice that a campaign has new opens or clicks, and misses them.",
        READ_ALL_EVENTS,
        _every_event,
        loses_rows=True,
    ),
    Assumption(
        "unique-counts-equal-people",
        "em_sends, em_opens, em_clicks, em_bounces, em_optouts and em_forwards of a campaign are "
        "the numbers of contacts with such an event.",
        "the vendor's guide",
        "A run does not notice that a campaign has new events of the type, and misses them.",
        READ_ALL_EVENTS,
        _people,
        loses_rows=True,
    ),
    Assumption(
        "campaigns-move-when-sent",
        "A campaign's updated_at moves when it is sent.",
        "inference from responses recorded from the live service",
        "email_campaigns and email_campaign_activities keep the status from before it was sent, "
        "and its events may be missing once there are hundreds of campaigns.",
        f"Choose FULL_TABLE for these streams in the catalog. {READ_ALL_EVENTS}",
        _moves_when_sent,
        loses_rows=True,
    ),
    Assumption(
        "summaries-list-every-campaign",
        "The summaries list every campaign that was sent, on as many pages as it takes.",
        "contract, whose text also says up to 500",
        "The campaigns that were sent first are missing in email_campaign_summaries.",
        "Select email_campaign_stats, which has the same counts and asks for each campaign.",
        _all_summarized,
        loses_rows=True,
    ),
    Assumption(
        "unique-opens-are-people",
        "The unique opens of an e-mail have one row for each contact who opened it.",
        "the vendor's guide",
        "email_unique_opens has other contacts than email_opens.",
        "Select email_opens, and count the contacts in it.",
        _openers,
    ),
    Assumption(
        "unsent-emails-have-no-events",
        "For an e-mail that was not sent, a report has no rows, or HTTP 404 is sent.",
        "the vendor's guide",
        "A run of an event stream fails at an e-mail that is about to be sent.",
        "Run again when it was sent; a run resumes where the last one stopped.",
        _unsent,
    ),
    Assumption(
        "removed-campaigns-are-not-found",
        "For a campaign that was removed, its details are sent, or HTTP 404.",
        "contract",
        "A run fails if a campaign is removed while it is under way.",
        "Run again: a run resumes where the last one stopped.",
        _removed,
    ),
    Assumption(
        "unknown-campaigns-are-told",
        "The stats of a known and an unknown campaign bring those of the known one, or HTTP 404.",
        "contract",
        "A run of email_campaign_stats fails if a campaign has no stats.",
        REPORT_IT,
        _unknown,
    ),
)
