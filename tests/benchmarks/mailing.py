"""One e-mail to any number of contacts, and the pages of the API that show it.

Every third contact opened it, twice in one minute. Rows are made when they are asked for.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tap_constantcontact.reading.events import ACTIVITIES

CAMPAIGN = "00000000-0000-4000-8000-000000000001"
EMAIL = "00000000-0000-4000-8000-000000000002"
EMAILS = "/v3/emails"
TRACKING = f"/v3/reports/email_reports/{EMAIL}/tracking/"
SENT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
A_MINUTE = 20_000
"""The number of events in one minute."""

Row = dict[str, Any]


class List(NamedTuple):
    """A list of the API.

    Attributes:
        size: The number of its rows.
        row: Returns the row with a number, of which 0 comes first.
    """

    size: int
    row: Callable[[int], Row]

    def page(self, path: str, key: str, query: str) -> Row:
        """Return the page that a query asks for, with its rows under a key."""
        asked = {name: int(values[0]) for name, values in parse_qs(query).items()}
        begin, limit = asked.get("cursor", 0), asked.get("limit", 500)
        end = min(begin + limit, self.size)
        link = {"next": {"href": f"{path}?limit={limit}&cursor={end}"}} if end < self.size else {}
        return {key: [self.row(number) for number in range(begin, end)], "_links": link}


class Mailing:
    """An e-mail, and what its contacts did.

    Args:
        size: The number of contacts.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        opened = (size + 2) // 3
        self._contacts = List(size, lambda n: {"contact_id": contact_id(n), "created_at": _at(n)})
        self._lists = {
            "sends": List(size, lambda n: _event(n, _at(n))),
            "opens": List(2 * opened, lambda n: _event(n // 2 * 3, _at(n // 2))),
            "unique_opens": List(opened, lambda n: _event(n * 3, _at(n))),
            "didnotopens": List(size - opened, lambda n: _event(n // 2 * 3 + 1 + n % 2, _at(n))),
        }

    def answer(self, path: str, query: str) -> bytes | None:
        """Return the body of a page; None if there is no such page."""
        if path == EMAILS:
            return json.dumps({"campaigns": [self._campaign()]}).encode()
        if path == f"{EMAILS}/{CAMPAIGN}":
            return json.dumps(self._campaign()).encode()
        if path.startswith("/v3/reports/stats/email_campaigns/"):
            told = {"campaign_id": CAMPAIGN, "stats": self.counts()}
            return json.dumps({"results": [told]}).encode()
        if path == "/v3/contacts":
            query = "&".join(part for part in query.split("&") if part[:6] in {"limit=", "cursor"})
            return json.dumps(self._contacts.page(path, "contacts", query)).encode()
        found = self._lists.get(path.removeprefix(TRACKING))
        return found and json.dumps(found.page(path, "tracking_activities", query)).encode()

    def counts(self) -> Row:
        """Return the counts of the e-mail's events."""
        none = dict.fromkeys(("em_clicks_all", "em_bounces", "em_optouts", "em_forwards"), 0)
        sends, opens = self._lists["sends"].size, self._lists["opens"].size
        return {**none, "em_sends": sends, "em_opens_all": opens}

    def _campaign(self) -> Row:
        return {
            "campaign_id": CAMPAIGN,
            "created_at": _at(0),
            "updated_at": _at(0),
            "current_status": "Done",
            "name": "News",
            "campaign_activities": [{"campaign_activity_id": EMAIL, "role": "primary_email"}],
        }

    def wanted(self, stream: str) -> Iterator[Row]:
        """Yield what is expected of each record of a stream."""
        if stream == "contact_action_summary":
            for n in range(self.size):
                opens = 0 if n % 3 else 2
                keys = {"contact_id": contact_id(n), "campaign_activity_id": EMAIL}
                yield {**keys, "start_on": _at(n), "em_opens": opens}
            return
        for kind, activity_type in KINDS[stream]:
            rows = self._lists[kind]
            for n in range(rows.size):
                event = {**rows.row(n), "tracking_activity_type": activity_type}
                number = (n + 1) % 2 if kind == "opens" else 0
                yield {**event, "activity_id": _key(event, number)} if kind in EVENTS else event


EVENTS = ("sends", "opens")
KINDS = {
    "email_sends": [("sends", "em_sends")],
    "email_opens": [("opens", "em_opens")],
    "email_unique_opens": [("unique_opens", "em_opens")],
    "email_did_not_opens": [("didnotopens", "em_sends")],
    "contact_activity_details": [("sends", "em_sends"), ("opens", "em_opens")],
}
"""The lists of the API that each stream reads, with the type of their rows."""

STREAMS = (*KINDS, "contact_action_summary")
COMPARED = (
    "activity_id",
    "contact_id",
    "campaign_activity_id",
    "created_time",
    "start_on",
    "em_opens",
)


def digest(rows: Iterable[Row]) -> tuple[int, int]:
    """Return the number of rows, and a sum that their order does not change."""
    number = total = 0
    for row in rows:
        text = "|".join(str(row[name]) for name in COMPARED if name in row)
        total += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        number += 1
    return number, total % 2**64


def contact_id(number: int) -> str:
    """Return the key of a contact; keys do not grow with the numbers."""
    return f"{number * 2654435761 % 2**32:08x}-4752-11e9-9c8a-fa163e6b01c1"


def _at(number: int) -> str:
    return (SENT - timedelta(minutes=number // A_MINUTE)).isoformat().replace("+00:00", "Z")


def _event(number: int, at: str) -> Row:
    return {
        "contact_id": contact_id(number),
        "campaign_activity_id": EMAIL,
        "created_time": at,
        "email_address": f"contact-{number}@example.com",
        "first_name": "Maria",
        "last_name": f"Number {number}",
    }


def _key(event: Row, number: int) -> str:
    named = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
    return str(uuid.uuid5(ACTIVITIES, "|".join([*(event[name] for name in named), str(number)])))
