"""Assumptions about what an endpoint asks of a token, and of an account without a feature."""

from __future__ import annotations

import requests

from tap_constantcontact.commands.verify.assumption import REPORT_IT, Assumption
from tap_constantcontact.commands.verify.probe import (
    AnyStream,
    ContradictedError,
    Probe,
    UntoldError,
)
from tap_constantcontact.streams.account import AccountEmailsStream, AccountSummaryStream
from tap_constantcontact.streams.audience import (
    ContactCustomFieldsStream,
    ContactListsStream,
    SegmentsStream,
)
from tap_constantcontact.streams.automations import AutomationsStream
from tap_constantcontact.streams.bulk_activities import BulkActivitiesStream
from tap_constantcontact.streams.contacts import ContactCountsStream
from tap_constantcontact.streams.events import EventsStream
from tap_constantcontact.transport.status import SUCCESSES

ASKED: tuple[AnyStream, ...] = (
    AccountSummaryStream,
    AccountEmailsStream,
    ContactCountsStream,
    ContactCustomFieldsStream,
    SegmentsStream,
    EventsStream,
    BulkActivitiesStream,
    AutomationsStream,
)
"""The streams that are asked for one page each, besides those that other assumptions ask for."""


def _as_documented(probe: Probe) -> str:
    replies = [*(probe.ask(stream) for stream in ASKED), *probe.replies]
    statuses: dict[str, set[int]] = {}
    for reply in replies:
        statuses.setdefault(reply.stream.name, set()).add(reply.status)
    told = 0
    for name, found in statuses.items():
        allowed = probe.permissions.get(name, "")
        is_denied = allowed.startswith("no:")
        if allowed == "yes" and requests.codes.forbidden in found:
            raise ContradictedError(f"{name} is forbidden, though token and user have the rights.")
        if is_denied and found & {*SUCCESSES}:
            raise ContradictedError(f"{name} can be read, though {allowed.removeprefix('no: ')}.")
        told += is_denied or allowed == "yes"
    if not told:
        raise UntoldError("The rights of the token are not known.")
    return f"{told} streams can be read, or not, as the rights say."


def _sms_lists(probe: Probe) -> str:
    query = ContactListsStream.all_queries[1].parameters
    return f"{len(probe.first_page(ContactListsStream, **query).rows)} lists are sent."


def _automations(probe: Probe) -> str:
    reply = probe.ask(AutomationsStream)
    return f"{len(reply.rows)} automations are sent with HTTP {reply.status}."


ABOUT_RIGHTS = (
    Assumption(
        "rights-are-those-documented",
        "An endpoint asks for the scope and the privilege that its stream declares.",
        "contract",
        "A stream is forbidden though the doctor allows it, and the run fails or skips it with a "
        "warning.",
        "Deselect the stream, or sign in as the account's owner.",
        _as_documented,
    ),
    Assumption(
        "sms-lists-without-sms",
        "channel_type=sms sends no lists, and no error, if the account has no SMS.",
        "contract",
        "A run of contact_lists fails.",
        REPORT_IT,
        _sms_lists,
    ),
    Assumption(
        "automations-are-sent-with-209",
        "The automations are sent with HTTP 200 or 209.",
        "contract",
        "A run of automations fails.",
        "Deselect the stream automations.",
        _automations,
    ),
)
