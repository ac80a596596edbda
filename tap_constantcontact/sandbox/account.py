"""The sandbox account: its data, generated from a seed up to the present.

The same seed and present give the same account; a later present gives the same account with more
history. So a second run finds a little new data, as with a real account.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from itertools import islice

from tap_constantcontact.sandbox.data import (
    audience,
    automations,
    contact_jobs,
    events,
    landing_pages,
    profile,
    sms,
)
from tap_constantcontact.sandbox.data.basics import (
    FIRST_NEWSLETTER,
    OPENED,
    Row,
    newest_first,
    parse,
    write,
)
from tap_constantcontact.sandbox.data.contacts import status
from tap_constantcontact.sandbox.data.history import INTERVAL, History
from tap_constantcontact.sandbox.data.ledger import Ledger

__all__ = [
    "FIRST_CONTACTS",
    "FIRST_NEWSLETTER",
    "INTERVAL",
    "Account",
    "Row",
    "parse",
    "status",
    "write",
]

FIRST_CONTACTS = 270
SUMMARY_COUNTS = {
    "em_sends": "em_sends",
    "em_opens": "em_opens",
    "em_clicks": "em_clicks",
    "em_bounces": "em_bounces",
    "em_forwards": "em_forwards",
    "em_optouts": "em_unsubscribes",
}


class Account(Ledger):
    """An account as the API shows it; what it holds and how it changes stands in `Ledger`.

    Args:
        seed: What it grows from.
        size: How many contacts it has before its first newsletter.
        now: Up to when it grows; the present unless given.

    Attributes:
        segments: The `contact_id`s of each segment, by `segment_id` as text; who lives like one of
            them is in it as well.
        segment_rows: The segments' details, by the same.
        landing_pages: The `campaign_activity_id`s of the landing pages.
        marketing_events: What people can register for, by `event_id`.
    """

    def __init__(
        self, seed: int = 1, size: int = FIRST_CONTACTS, now: datetime | None = None
    ) -> None:
        super().__init__(seed, size, now or datetime.now(timezone.utc))
        History(self).grow()
        active = [*map(self.contacts.key, self.contacts.lives(_is_active))]
        self.segment_rows = audience.segments(OPENED)
        self.landing_pages = landing_pages.page_ids(self._seed)
        self.marketing_events = events.events(self._seed, FIRST_NEWSLETTER, self.organization_name)
        self.segments = {"1": active[:90], "2": active[::3], "3": []}

    def profile(self, extra: Collection[str] = ()) -> Row:
        """Return the account's details, without those that are empty.

        Args:
            extra: What to tell beside them: `physical_address`, `company_logo`.
        """
        return profile.profile(self._seed, self.encoded_account_id, self.organization_name, extra)

    def as_client(self) -> Row:
        """Return what a partner sees of the account."""
        active = sum(count for row, count in self.contacts.weighed() if _is_active(row))
        return {
            "encoded_account_id": self.encoded_account_id,
            "subscriber_count": active,
            "organization_name": self.organization_name,
            "site_owner_name": self.profile()["contact_email"],
            "billing_status": "Open",
        }

    def addresses(self) -> list[Row]:
        """Return the account's e-mail addresses."""
        return profile.addresses(str(self.profile()["contact_email"]), OPENED)

    def newest_first(self) -> list[Row]:
        """Return the contacts in the API's order."""
        return [*map(self.contacts.row, self.contacts.newest_first(bool))]

    def details(self, contact_id: str) -> list[Row]:
        """Return a contact's events, the newest first."""
        return newest_first(self.events.look(contact_id))

    def summary(self, contact_id: str) -> list[Row]:
        """Return what a contact did with each e-mail, the newest e-mail first."""
        rows: dict[str, Row] = {}
        for event in self.events.look(contact_id):
            kind = event["tracking_activity_type"]
            if not kind.startswith("em_"):
                continue
            row = rows.setdefault(
                event["campaign_activity_id"],
                {"campaign_activity_id": event["campaign_activity_id"]}
                | dict.fromkeys(SUMMARY_COUNTS.values(), 0),
            )
            row[SUMMARY_COUNTS[kind]] += 1
            if kind == "em_sends":
                row["start_on"] = event["created_time"]
        sent = [row for row in rows.values() if "start_on" in row]
        return sorted(sent, key=lambda row: parse(row["start_on"]), reverse=True)

    def list_rows(self) -> list[Row]:
        """Return the lists with their counts of all members and of active ones."""
        members, active = Counter[str](), Counter[str]()
        for contact, count in self.contacts.weighed():
            for list_id in contact["list_memberships"]:
                members[list_id] += count
                active[list_id] += count * _is_active(contact)
        return [
            {**row, "counts": {"all": members[list_id], "active": active[list_id]}}
            for list_id, row in self.lists.items()
        ]

    def workflows(self) -> list[Row]:
        """Return the automations, the newest first."""
        return automations.workflows(self._seed, OPENED)

    def contact_jobs(self) -> list[Row]:
        """Return the bulk jobs, the newest first."""
        return contact_jobs.jobs(self._seed, self.now)

    def sms_campaigns(self) -> list[Row]:
        """Return the campaigns of text messages, the newest first."""
        return sms.campaigns(self._seed, FIRST_NEWSLETTER + timedelta(days=10), self.now)

    def sms_engagement(self, contact_id: str) -> list[Row]:
        """Return what a contact consented to by SMS, the oldest first."""
        return sms.engagement(self._seed, self.contacts.look(contact_id) or {})

    def registrations(self, event_id: str) -> list[Row]:
        """Return who registered for an event, the first first."""
        number = [*self.marketing_events].index(event_id)
        made = parse(self.marketing_events[event_id]["create_time"])
        first = islice(self.contacts.values(), 60)
        known = [row["email_address"]["address"] for row in first if "email_address" in row]
        return events.registrations(self._seed, number, made, known)

    def partner_accounts(self) -> list[Row]:
        """Return the accounts that a partner manages or knows."""
        return profile.clients(self._seed)


def _is_active(contact: Row) -> bool:
    return status(contact) == "active"
