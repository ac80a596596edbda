"""Contacts and their events in any number, and the pages of the API that show them.

The rows are those of a few hundred contacts of the sandbox, again and again, each with a key and a
date of its own. A page is rendered once, and kept for as long as there is room for it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse, write

CONTACTS = "/v3/contacts"
REPORTS = "/v3/reports/contact_reports/"
EVENTS = 10
"""The number of events of each contact."""

NEWEST = FIRST_NEWSLETTER + timedelta(days=365)
"""When the newest contact was made."""

SPAN = timedelta(days=1000)
"""How long before that the oldest one was made."""

KEPT_PAGES = 128
ACTIVITY = ("campaign_activity_id", "tracking_activity_type")


class Audience:
    """Contacts, the newest first, each with ten events.

    Args:
        size: How many there are.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._step = SPAN // size // timedelta(seconds=1) * timedelta(seconds=1)
        account = Account(now=NEWEST)
        rows = account.newest_first()
        self._contacts = [_template(row, "contact_id", "created_at") for row in rows]
        self._events = [*_histories(account)]
        self._reports = [
            b", ".join(_template(event, "contact_id") for event in events)
            for events in self._events
        ]
        self._kept = lru_cache(KEPT_PAGES)(self._page)

    def contact_keys(self) -> Iterator[tuple[str, ...]]:
        """Yield the key of each contact."""
        return ((_contact_id(number),) for number in range(self.size))

    def event_keys(self) -> Iterator[tuple[str, ...]]:
        """Yield what tells each event from all others."""
        for number in range(self.size):
            for event in self._events[number % len(self._events)]:
                yield (_contact_id(number), *(event[name] for name in ACTIVITY))

    def answer(self, path: str, query: str) -> bytes | None:
        """Return the body of a page; None if there is no such page."""
        if path == CONTACTS:
            return self._kept(query)
        if path.startswith(REPORTS) and path.endswith("/activity_details"):
            return self._report(path[len(REPORTS) :].partition("/")[0])
        return None

    def _page(self, query: str) -> bytes:
        asked = dict(parse_qsl(query))
        if "cursor" in asked:
            asked = dict(parse_qsl(base64.urlsafe_b64decode(asked["cursor"]).decode()))
        first, stop = self._between(asked.get("created_after"), asked.get("created_before"))
        at = int(asked.pop("next", first))
        end = min(stop, at + int(asked.get("limit", 50)))
        body: dict[str, Any] = {"_links": {}}
        if end < stop:
            cursor = base64.urlsafe_b64encode(urlencode({**asked, "next": end}).encode())
            body["_links"] = {"next": {"href": f"{CONTACTS}?cursor={cursor.decode()}"}}
        if asked.get("include_count") == "true":
            body["contacts_count"] = stop - first
        rows = b", ".join(map(self._contact, range(at, end)))
        return b'{"contacts": [' + rows + b"], " + json.dumps(body).encode()[1:]

    def _between(self, after: str | None, before: str | None) -> tuple[int, int]:
        """Return the numbers of the first contact made between two instants, and after the last."""
        first, stop = 0, self.size
        if before:
            first = math.floor((NEWEST - parse(before)) / self._step) + 1
        if after:
            stop = math.ceil((NEWEST - parse(after)) / self._step)
        first = min(max(first, 0), self.size)
        return first, min(max(stop, first), self.size)

    def _contact(self, number: int) -> bytes:
        template = self._contacts[number % len(self._contacts)]
        created_at = write(NEWEST - number * self._step, number % 3)
        return template % (_contact_id(number).encode(), created_at.encode())

    def _report(self, contact_id: str) -> bytes:
        report = self._reports[int(contact_id[:8], 16) % len(self._reports)]
        rows = report % ((contact_id.encode(),) * EVENTS)
        return b'{"tracking_activities": [' + rows + b'], "_links": {"next": {"href": null}}}'


def _contact_id(number: int) -> str:
    return f"{number:08x}-4752-11e9-9c8a-fa163e6b01c1"


def _histories(account: Account) -> Iterator[list[dict[str, Any]]]:
    """Yield ten events of each contact that has as many of different types or activities."""
    for contact_id in account.contacts:
        events = {tuple(row[name] for name in ACTIVITY): row for row in account.details(contact_id)}
        if len(events) >= EVENTS:
            yield [*events.values()][:EVENTS]


def _template(row: dict[str, Any], *blanks: str) -> bytes:
    """Return a row's JSON, to be filled in with the values of some of its properties."""
    blank = dict.fromkeys(blanks, "")
    rest = json.dumps({name: value for name, value in row.items() if name not in blank})
    own = "".join(f'"{name}": "%s", ' for name in blanks)
    return f"{{{own}{rest[1:].replace('%', '%%')}".encode()
