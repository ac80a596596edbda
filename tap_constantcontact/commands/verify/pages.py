"""Assumptions about pages and dates, which all lists have in common."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tap_constantcontact.commands.verify.assumption import READ_ALL_AGAIN, REPORT_IT, Assumption
from tap_constantcontact.commands.verify.probe import ContradictedError, Probe, Reply, UntoldError
from tap_constantcontact.commands.verify.samples import ALL_CONTACTS, contacts, keys_in
from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.streams.audience import ContactListsStream, ContactTagsStream
from tap_constantcontact.streams.campaign_reports import EmailCampaignSummariesStream
from tap_constantcontact.streams.campaigns import EmailCampaignsStream
from tap_constantcontact.streams.contacts import ContactsStream

_has_offset = re.compile(r".*(Z|[+-][0-9]{2}:?[0-9]{2})", re.IGNORECASE | re.DOTALL).fullmatch


def _two_small_pages(
    probe: Probe, stream: type[Collection], query: Mapping[str, Any]
) -> list[Reply]:
    """Return the first pages of a list, of half as many rows as the list has, or as a page has."""
    rows = probe.first_page(stream, **query).rows
    if len(rows) < 2:  # noqa: PLR2004 - one for each page
        raise UntoldError(f"{stream.name} has {len(rows)} rows.")
    first = probe.ask(stream, **query, limit=math.ceil(len(rows) / 2))
    second = probe.after(first)
    return [first, second] if second else [first]


def _each_once(stream: type[Collection], query: Mapping[str, Any], probe: Probe) -> str:
    (key,) = stream.primary_keys
    small = _two_small_pages(probe, stream, query)
    whole = probe.first_page(stream, **query)
    expected = keys_in(whole.rows, key)
    found = [each for reply in small for each in keys_in(reply.rows, key)]
    if small[-1].page.next_link or whole.page.next_link:
        number = min(len(expected), len(found))
        expected, found = expected[:number], found[:number]
    lost, twice = len({*expected} - {*found}), len(found) - len({*found})
    if lost or twice:
        raise ContradictedError(
            f"Of {len(expected)} rows, smaller pages skip {lost} and repeat {twice}."
        )
    return f"{len(expected)} rows come once each, in large pages and in small ones."


def _as_large_as_asked_for(probe: Probe) -> str:
    first = _two_small_pages(probe, ContactsStream, ALL_CONTACTS)[0]
    for reply in _readable(probe):
        number, limit = len(reply.rows), reply.query.get("limit", len(reply.rows))
        if number > limit or (number < limit and reply.page.next_link):
            raise ContradictedError(f"{reply.stream.name} has {number} rows on a page of {limit}.")
    return f"Pages have as many rows as asked for, such as {len(first.rows)} and more."


def _readable(probe: Probe) -> Iterator[Reply]:
    """Yield those of the replies so far whose rows can be read."""
    for reply in probe.replies:
        try:
            reply.page  # noqa: B018 - raises if it is none
        except (ContradictedError, UntoldError):
            continue
        yield reply


def _linked(probe: Probe) -> str:
    page = contacts(probe).page
    if page.total is None:
        raise UntoldError("The API does not count the contacts.")
    if page.next_link is None and len(page.rows) < page.total:
        raise ContradictedError(
            f"A page of {len(page.rows)} of {page.total} contacts has no link to the next."
        )
    which = "is the only one" if page.next_link is None else "has a link to the next"
    return f"The page with {len(page.rows)} of {page.total} contacts {which}."


def _with_offsets(probe: Probe) -> str:
    contacts(probe)
    forms: Counter[str] = Counter()
    for reply in _readable(probe):
        rows_schema = {"items": reply.stream.row_schema or reply.stream.schema}
        for name, value in _dates_in([*reply.rows], rows_schema):
            is_day = name == "deleted_at" and len(value) == len("2026-01-31")
            if instant_of(value) is None or not (is_day or _has_offset(value)):
                raise ContradictedError(
                    f"{reply.stream.name} has {name} in the form {_form(value)}."
                )
            forms[_form(value)] += 1
    return f"{forms.total()} date-times, in the forms {', '.join(sorted(forms))}."


def _form(value: str) -> str:
    """Return a date-time with each digit as 0, and each letter but T and Z as x."""
    return re.sub(r"[^\W\dTZ_]", "x", re.sub(r"[0-9]", "0", value))[:40]


def _dates_in(value: Any, schema: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the date-times in a value, each with the name of its property."""
    if isinstance(value, Mapping):
        for each, property_schema in (schema.get("properties") or {}).items():
            yield from _dates_in(value.get(each), property_schema, each)
    elif isinstance(value, list):
        for item in value:
            yield from _dates_in(item, schema.get("items") or {}, name)
    elif isinstance(value, str) and value and schema.get("format") == "date-time":
        yield name, value


def _once(
    name: str, stream: type[Collection], query: Mapping[str, Any], harm: str, remedy: str
) -> Assumption:
    return Assumption(
        name,
        f"While nothing changes, the pages of {stream.name} neither skip a row nor repeat one.",
        "inference: the cursors recorded from the live service are page numbers",
        harm,
        remedy,
        partial(_each_once, stream, query),
        loses_rows=True,
    )


ABOUT_PAGES = (
    _once(
        "pages-of-contacts",
        ContactsStream,
        ALL_CONTACTS,
        "Contacts are missing in every stream that is about contacts. A run that reads all of them "
        "warns if there are fewer than the API counts.",
        REPORT_IT,
    ),
    Assumption(
        "every-page-links-to-the-next",
        "A page that is not the last has a link to the next under _links or next_cursor.",
        "contract, and responses recorded from the live service",
        "A list ends with its first page, and what is on the others is missing. A run warns of it "
        "for contacts.",
        REPORT_IT,
        _linked,
        loses_rows=True,
    ),
    _once(
        "pages-of-campaigns",
        EmailCampaignsStream,
        {},
        "Campaigns and the events of their e-mails are missing, once there are more than 500.",
        REPORT_IT,
    ),
    _once(
        "pages-of-summaries",
        EmailCampaignSummariesStream,
        {},
        "Rows of email_campaign_summaries are missing, once there are more than 500.",
        "Select email_campaign_stats, which has the same counts and asks for each campaign.",
    ),
    _once(
        "pages-of-lists",
        ContactListsStream,
        ContactListsStream.all_queries[0].parameters,
        "Rows of contact_lists are missing, once there are more than 500.",
        REPORT_IT,
    ),
    _once(
        "pages-of-tags",
        ContactTagsStream,
        ContactTagsStream.all_queries[0].parameters,
        "Rows of contact_tags are missing, once there are more than 500.",
        REPORT_IT,
    ),
    Assumption(
        "pages-as-large-as-asked-for",
        "A page has as many rows as were asked for, if the list has as many.",
        "contract: the limit of each endpoint",
        "Nothing is missing, but a run sends more requests than --estimate tells.",
        "Raise the limits or the time that you plan for a run.",
        _as_large_as_asked_for,
    ),
    Assumption(
        "dates-tell-their-offset",
        "Every date-time has an offset from UTC, and only deleted_at may be a date.",
        "contract, and responses recorded from the live service",
        "Changed contacts whose date is read as hours too early are missing in incremental runs.",
        f"{READ_ALL_AGAIN} Leave lookback_days at 1 or more.",
        _with_offsets,
        loses_rows=True,
    ),
)
