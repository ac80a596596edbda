"""An account of any size, whose rows are computed from their numbers when a page shows them.

Nothing is stored. With a weight of `w`, one row stands for `w` rows, and a page has one `w`th of
the rows that it has in the API: so lists take as many requests as the real ones. A page can also
stand for several requests, which it names: a contact's report for those of `w` contacts, and a
page of a long list of events for the pages around it, of which each stands for more than the last.
The counts that the API tells of events are those of the whole account.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pendulum

from tap_constantcontact.clock import SECONDS_A_DAY as DAY
from tap_constantcontact.config.dates import parse_instant

BEGAN = pendulum.datetime(2026, 1, 1, 2).timestamp()
"""When the first run begins; the others follow a day after another."""

HISTORY = 365
"""Number of days before that in which the account sent mailings, too."""

CHANGED = 0.005
"""Share of the contacts that change on a day."""

HALF = 0.25 * DAY
"""Seconds after which half of the people who will respond to an e-mail have done so."""

RESPONSES = {"sends": 1.0, "opens": 0.5, "clicks": 0.05, "bounces": 0.01, "optouts": 0.001}
RESPONSES["forwards"] = 0.0005
"""Number of events for each recipient of an e-mail, by the API's name of their list."""

COUNTS = {"opens": "em_opens_all", "clicks": "em_clicks_all"}
GROWTH = 4
"""Factor by which a page of events stands for more pages than all pages before it."""

REQUESTS = "requests"
"""Name of the property of a page that tells how many requests it stands for."""


def instant(at: float) -> str:
    """Write an instant as the API does, in whole minutes."""
    return pendulum.from_timestamp(at // 60 * 60).strftime("%Y-%m-%dT%H:%M:%SZ")


def key(kind: str, number: int) -> str:
    """Return a key of the API's form."""
    return f"{number:08x}-{kind}-11e9-9c8a-fa163e6b01c1"


def number_in(text: str) -> int:
    """Return the number of a key."""
    return int(text[:8], 16)


@dataclass(frozen=True)
class Sender:
    """An account, by what it sends.

    Attributes:
        contacts: How many it has.
        mailings_a_week: How many e-mails it sends to all of them.
        automations: How many automatic e-mails it has, each sent to a 500th of them every day.
    """

    name: str
    contacts: int
    mailings_a_week: int
    automations: int = 0


@dataclass(frozen=True)
class Email:
    """An e-mail, sent to `people` at `at`, or for automations to so many every day since then."""

    number: int
    at: float
    people: int
    is_daily: bool = False

    def events(self, kind: str, now: float) -> int:
        """Return how many events of a kind there are."""
        rate = self.people * RESPONSES[kind]
        age = now - self.at
        if self.is_daily:
            return math.floor(rate * max(0.0, age / DAY))
        return math.floor(rate * (1.0 if kind == "sends" else age / (age + HALF)))

    def time_of(self, kind: str, event: int) -> float:
        """Return when an event happened, of which the oldest is number 0."""
        rate = self.people * RESPONSES[kind]
        if self.is_daily:
            return self.at + (event + 1) / rate * DAY
        share = min((event + 1) / rate, 0.999_999)
        return self.at if kind == "sends" else self.at + HALF * share / (1 - share)


class Asked(NamedTuple):
    """The path and the query parameters of a request."""

    path: str
    query: dict[str, str]


class SimulatedApi:
    """The responses of the API for an account.

    Args:
        sender: What the account sends.
        weight: How many contacts, or events, one row stands for.
    """

    def __init__(self, sender: Sender, weight: int) -> None:
        self.sender = sender
        self.weight = weight

    @cached_property
    def emails(self) -> list[Email]:
        """All e-mails of the history and of the year, the oldest first."""
        people = self.sender.contacts
        first = BEGAN - HISTORY * DAY
        daily = [
            Email(number, first, people // 500, is_daily=True)
            for number in range(self.sender.automations)
        ]
        apart = 7 * DAY / self.sender.mailings_a_week
        number = int(2 * HISTORY * DAY / apart)
        sent = [Email(len(daily) + n, first + n * apart + 7 * 3600, people) for n in range(number)]
        return daily + sent

    def sent(self, now: float) -> list[Email]:
        """Return the e-mails that were sent so far, the newest first."""
        return [email for email in reversed(self.emails) if email.at <= now]

    def body(self, url: str, now: float) -> dict[str, Any]:
        """Return the body of the response to a request."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        asked = Asked(parts.path, query)
        match parts.path.split("/")[2:]:
            case ["contacts"]:
                body = self._contacts(asked, now)
            case ["emails"]:
                body = self._campaigns(asked, now)
            case ["emails", campaign_id]:
                part = {
                    "campaign_activity_id": key("4753", number_in(campaign_id)),
                    "role": "primary_email",
                }
                body = {
                    "campaign_id": campaign_id,
                    "name": campaign_id,
                    "campaign_activities": [part],
                }
            case ["reports", "stats", kind, ids]:
                name = "campaign_id" if kind == "email_campaigns" else "campaign_activity_id"
                body = {
                    "results": [
                        self._stats(name, one, now) for one in ids.replace("%2C", ",").split(",")
                    ]
                }
            case ["reports", "email_reports", activity_id, "tracking", kind]:
                body = self._events(asked, activity_id, kind, now)
            case ["reports", "contact_reports", contact_id, report]:
                body = self._of_contact(asked, contact_id, report, now)
            case _:
                raise NotImplementedError(url)
        return body

    def _page(self, name: str, asked: Asked, total: int, size: int, row: Any) -> dict[str, Any]:
        """Return a page of `size` rows, and the link to the next one; `row` makes row number n."""
        first = int(asked.query.get("cursor", 0))
        end = min(total, first + size)
        link = {"next": {"href": f"{asked.path}?{urlencode({**asked.query, 'cursor': end})}"}}
        return {
            name: [row(number) for number in range(first, end)],
            "contacts_count": total,
            "_links": link if end < total else {},
        }

    def _weighed(self, rows: int) -> int:
        return -(-rows // self.weight)

    def _contacts(self, asked: Asked, now: float) -> dict[str, Any]:
        total = self._weighed(self.sender.contacts)
        apart = 1000 * DAY / total
        changed_at = 0.0
        if "updated_after" in asked.query:
            days = (now - parse_instant(asked.query["updated_after"]).timestamp()) / DAY
            total, changed_at = min(total, self._weighed(int(CHANGED * days * total))), now - 60
        elif "optout_after" in asked.query:
            total, changed_at = min(total, 1), now - 60

        def number_at(bound: str) -> int:
            age = BEGAN - parse_instant(asked.query[bound]).timestamp()
            return min(total, max(0, math.ceil(age / apart)))

        first = number_at("created_before") if "created_before" in asked.query else 0
        last = number_at("created_after") if "created_after" in asked.query else total

        def row(number: int) -> dict[str, Any]:
            created_at = BEGAN - (first + number) * apart
            return {
                "contact_id": key("4752", first + number),
                "email_address": {"permission_to_send": "implicit", "opt_out_date": instant(now)},
                "created_at": instant(created_at),
                "updated_at": instant(changed_at or created_at),
            }

        size = max(1, 500 // self.weight)
        page = self._page("contacts", asked, max(0, last - first), size, row)
        return page | {REQUESTS: max(1, size * self.weight // 500)}

    def _campaigns(self, asked: Asked, now: float) -> dict[str, Any]:
        sent = self.sent(now)

        def row(number: int) -> dict[str, Any]:
            email = sent[number]
            return {
                "campaign_id": key("4754", email.number),
                "name": "mailing",
                "current_status": "Done",
                "created_at": instant(email.at - 3600),
                "updated_at": instant(email.at),
            }

        return self._page("campaigns", asked, len(sent), 500, row)

    def _stats(self, name: str, one: str, now: float) -> dict[str, Any]:
        email = self.emails[number_in(one)]
        counts = {COUNTS.get(kind, f"em_{kind}"): email.events(kind, now) for kind in RESPONSES}
        return {name: one, "stats": counts}

    def _events(self, asked: Asked, activity_id: str, kind: str, now: float) -> dict[str, Any]:
        email = self.emails[number_in(activity_id)]
        events = email.events(kind, now)
        contacts = self._weighed(self.sender.contacts)

        def row(number: int) -> dict[str, Any]:
            event = max(
                0, events - (number + 1) * self.weight
            )  # the oldest that the row stands for
            return {
                "contact_id": key("4752", event // self.weight % contacts),
                "campaign_activity_id": activity_id,
                "created_time": instant(email.time_of(kind, event)),
            }

        pages = max(1, int(asked.query.get("cursor", 0)) * self.weight // 500 * (GROWTH - 1))
        rows, size = self._weighed(events), max(1, 500 // self.weight)
        page = self._page("tracking_activities", asked, rows, pages * size, row)
        shown = len(page["tracking_activities"])
        return page | {REQUESTS: max(1, shown * self.weight // 500)}

    def _of_contact(self, asked: Asked, contact_id: str, report: str, now: float) -> dict[str, Any]:
        """Return a page of what a contact did: an open of every second mailing."""
        mailings = [email for email in self.sent(now) if not email.is_daily]
        if report == "activity_summary":
            start = parse_instant(asked.query["start"]).timestamp()
            mailings = [email for email in mailings if email.at >= start]
            events, size, name = len(mailings), 200, "campaign_activities"
        else:
            events, size, name = len(mailings) * 3 // 2, 100, "tracking_activities"

        def row(number: int) -> dict[str, Any]:
            last = min(events, (number + 1) * size) - 1  # one row a page: the oldest
            email = mailings[min(last * len(mailings) // max(1, events), len(mailings) - 1)]
            return {
                "contact_id": contact_id,
                "campaign_activity_id": key("4753", email.number),
                "tracking_activity_type": "em_sends",
                "created_time": instant(email.at),
                "start_on": instant(email.at),
            }

        page = self._page(name, asked, -(-events // size), 1, row)
        return page | {REQUESTS: self.weight}
