"""Assumptions about contacts: which of them the filters of the API find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from tap_constantcontact.commands.verify.assumption import READ_ALL_AGAIN, REPORT_IT, Assumption
from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, Reply, UntoldError
from tap_constantcontact.commands.verify.samples import (
    bound_at,
    campaigns,
    contacts,
    deleted_contacts,
    instant_at,
    keys_in,
    newest,
)
from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import OVERLAP, at_path
from tap_constantcontact.records.rows import Record
from tap_constantcontact.streams.audience import ContactListsStream
from tap_constantcontact.streams.campaigns import EmailCampaignsStream
from tap_constantcontact.streams.contacts import ContactsStream

OPT_OUT = "email_address.opt_out_date"


def _finds(
    sample: Callable[[Probe], Reply],
    stream: type[Collection],
    parameter: str,
    path: str,
    probe: Probe,
) -> str:
    """Say that a filter by date finds what changed a second later, and whether it finds more."""
    (key,) = stream.primary_keys
    rows = sample(probe).rows
    since = newest(rows, path)
    expected = {*keys_in((row for row in rows if _is(row, path, since)), key)}
    query = {"status": "all"} if stream is ContactsStream else {}
    found, at_bound = (
        probe.first_page(stream, **query, **{parameter: bound_at(since, margin)}).rows
        for margin in (-OVERLAP, timedelta())
    )
    if missing := len(expected - {*keys_in(found, key)}):
        raise ContradictedError(
            f"{parameter}, set a second before the newest {path}, does not find {missing} of "
            f"{len(expected)} rows of {stream.name}."
        )
    older = sum(instant_at(row, path) < since - OVERLAP for row in found)
    also = f", of which {older} are older" if older else ""
    is_in = "in" if expected & {*keys_in(at_bound, key)} else "ex"
    return f"It finds {len(found)} rows{also}; the bound itself is {is_in}cluded."


def _is(row: Record, path: str, instant: datetime) -> bool:
    return instant_of(at_path(row, path)) == instant


def _unsubscribed(probe: Probe) -> Reply:
    reply = probe.first_page(ContactsStream, status="unsubscribed")
    if not reply.rows:
        raise UntoldError("No contact has unsubscribed.")
    return reply


def _with_opt_out_date(probe: Probe) -> str:
    rows = _unsubscribed(probe).rows
    if undated := sum(instant_of(at_path(row, OPT_OUT)) is None for row in rows):
        raise ContradictedError(
            f"{undated} of {len(rows)} unsubscribed contacts have no {OPT_OUT}."
        )
    return f"All {len(rows)} unsubscribed contacts have one."


def _deleted_under_all(probe: Probe) -> str:
    deleted = deleted_contacts(probe)
    since = newest(deleted, "updated_at")
    key = next(row["contact_id"] for row in deleted if _is(row, "updated_at", since))
    reply = probe.first_page(ContactsStream, status="all", updated_after=bound_at(since))
    if key not in keys_in((*contacts(probe).rows, *reply.rows), "contact_id"):
        if reply.page.next_link:
            raise UntoldError("Too many contacts changed since the last one was deleted.")
        raise ContradictedError("The contact deleted last is not listed under status=all.")
    return f"The last of {len(deleted)} deleted contacts is listed under status=all."


def _deletion_moves(probe: Probe) -> str:
    deleted = deleted_contacts(probe)
    still = 0
    for row in deleted:
        is_day = len(str(row.get("deleted_at"))) == len("2026-01-31")
        margin = timedelta(days=1) if is_day else timedelta(minutes=1)
        still += instant_at(row, "updated_at") < instant_at(row, "deleted_at") - margin
    if still:
        raise ContradictedError(
            f"{still} of {len(deleted)} deleted contacts were last updated before."
        )
    return f"{len(deleted)} deleted contacts were last updated then or later."


def _middle(probe: Probe) -> tuple[list[Record], datetime]:
    rows = [row for row in contacts(probe).rows if instant_of(row.get("created_at"))]
    if len(rows) < 3:  # noqa: PLR2004 - older, middle, newer
        raise UntoldError(f"The account has {len(rows)} contacts.")
    created = sorted(instant_at(row, "created_at") for row in rows)
    return rows, created[len(created) // 2].replace(microsecond=0)


def _created_before(probe: Probe) -> str:
    rows, middle = _middle(probe)
    older = [row for row in rows if instant_at(row, "created_at") < middle]
    return _all_found(probe, older, "created_before", bound_at(middle, OVERLAP), "a second later")


def _created_after(probe: Probe) -> str:
    rows, middle = _middle(probe)
    newer = [row for row in rows if instant_at(row, "created_at") >= middle]
    return _all_found(probe, newer, "created_after", bound_at(middle), "a second earlier")


def _all_found(probe: Probe, rows: list[Record], parameter: str, bound: str, margin: str) -> str:
    """Say that a filter of contacts finds some, or that it does not, as a contradiction."""
    wanted = {*keys_in(rows, "contact_id")}
    reply = probe.first_page(ContactsStream, status="all", **{parameter: bound})
    if missing := len(wanted - {*keys_in(reply.rows, "contact_id")}):
        raise ContradictedError(
            f"{parameter}, {margin}, does not find {missing} of {len(wanted)} contacts."
        )
    return f"Set {margin}, it finds all {len(wanted)} contacts."


def _newest_first(probe: Probe) -> str:
    created = [instant_at(row, "created_at") for row in contacts(probe).rows]
    if len({*created}) < 2:  # noqa: PLR2004 - of one, there is no order
        raise UntoldError(f"The account has {len(created)} contacts.")
    if created != sorted(created, reverse=True):
        raise ContradictedError(f"{len(created)} contacts come in another order.")
    return f"{len(created)} contacts come in this order."


def _with_memberships(probe: Probe) -> str:
    members = sum(bool(row.get("list_memberships")) for row in contacts(probe).rows)
    query = ContactListsStream.all_queries[0].parameters
    lists = probe.first_page(ContactListsStream, **query).rows
    largest = max((row.get("membership_count") or 0 for row in lists), default=0)
    if not largest:
        raise UntoldError("No contact is on a list.")
    if not members:
        raise ContradictedError(
            f"A list has {largest} members, and no contact has list_memberships."
        )
    return f"{members} contacts have list_memberships, and the largest list has {largest} members."


ABOUT_CONTACTS = (
    Assumption(
        "updated-after-finds-changes",
        "updated_after, set a second before an instant, finds each contact that changed at it.",
        "contract; whether the bound itself is included is not documented",
        "Changed contacts are missing in incremental runs of contacts, until all are read again.",
        READ_ALL_AGAIN,
        partial(_finds, contacts, ContactsStream, "updated_after", "updated_at"),
        loses_rows=True,
    ),
    Assumption(
        "optout-after-finds-unsubscribes",
        "optout_after, set a second before an instant, finds each contact who unsubscribed at it.",
        "contract, and the vendor's forum: an unsubscribe does not move updated_at",
        "Who unsubscribed stays subscribed in your data, until all contacts are read again.",
        READ_ALL_AGAIN,
        partial(_finds, _unsubscribed, ContactsStream, "optout_after", OPT_OUT),
        loses_rows=True,
    ),
    Assumption(
        "unsubscribes-have-a-date",
        "Each unsubscribed contact has an opt_out_date, which optout_after filters by.",
        "the vendor's forum",
        "Who unsubscribed stays subscribed in your data, until all contacts are read again.",
        READ_ALL_AGAIN,
        _with_opt_out_date,
        loses_rows=True,
    ),
    Assumption(
        "all-statuses-bring-deleted-contacts",
        "status=all lists deleted contacts as well.",
        "contract",
        "Deleted contacts stay in your data as if they were still in the account.",
        "Set contact_status to a list of every status: active, deleted, not_set, "
        "pending_confirmation, temp_hold, unsubscribed.",
        _deleted_under_all,
        loses_rows=True,
    ),
    Assumption(
        "deletions-move-updated-at",
        "A contact's updated_at moves when it is deleted, so that updated_after finds it.",
        "inference: no recording of a deleted contact is public",
        "Deleted contacts stay in your data until all contacts are read again.",
        READ_ALL_AGAIN,
        _deletion_moves,
        loses_rows=True,
    ),
    Assumption(
        "created-before-finds-older-contacts",
        "created_before, set a second after an instant, finds each contact created before it.",
        "contract; whether the bound itself is included is not documented",
        "Contacts are missing where a long list is read in slices: with thousands of contacts and "
        "slow responses. A run warns of it.",
        "Set max_concurrent_requests to 1, so that lists are not read in slices.",
        _created_before,
        loses_rows=True,
    ),
    Assumption(
        "created-after-finds-newer-contacts",
        "created_after, set a second before an instant, finds each contact created at it or later.",
        "contract; whether the bound itself is included is not documented",
        "A report on contacts that goes on in a later run misses contacts; a list that is read in "
        "slices may miss some, of which a run warns.",
        "Set report_source to campaigns, or no request_budget, so that a run reads all contacts "
        "from the first on; and set max_concurrent_requests to 1.",
        _created_after,
        loses_rows=True,
    ),
    Assumption(
        "contacts-newest-first",
        "Contacts are listed by created_at, the newest first.",
        "responses recorded from the live service",
        "A long list is read one page after another, and from the start by each run until one "
        "reads all of it. Nothing is missing if one run does.",
        "Set no request_budget until all contacts have been read once.",
        _newest_first,
    ),
    Assumption(
        "includes-bring-memberships",
        "The parameter include brings what contacts have: lists, tags, custom fields and so on.",
        "contract",
        "contact_list_memberships has no row, and others of its kind may have none.",
        REPORT_IT,
        _with_memberships,
        loses_rows=True,
    ),
    Assumption(
        "after-date-finds-campaigns",
        "after_date, set a second before an instant, finds each campaign that changed at it.",
        "contract, and responses recorded from the live service",
        "email_campaigns and email_campaign_activities miss campaigns in incremental runs.",
        "Choose the replication method FULL_TABLE for these streams in the catalog.",
        partial(_finds, campaigns, EmailCampaignsStream, "after_date", "updated_at"),
        loses_rows=True,
    ),
)
