"""The sandbox account: its contacts, lists and events, grown from a seed up to the present.

The same seed and the same present give the same account, and a later present the same account with
more history: every fourth Tuesday a newsletter goes out, is opened and clicked, some contacts join,
some are edited, unsubscribed or deleted. So a second run finds what a real account would show it:
little that is new.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

Row = dict[str, Any]

FIRST_NEWSLETTER = datetime(2024, 7, 2, 14, tzinfo=timezone.utc)
INTERVAL = timedelta(days=28)
FIRST_CONTACTS = 270
HEAVY_READER = 7
"""Number of the contact who opens everything, several times."""

EASTERN = timezone(timedelta(hours=-5))
PERMISSIONS = ("explicit", "implicit", "not_set", "pending_confirmation", "temp_hold")
PERMISSION_WEIGHTS = (50, 35, 5, 5, 5)
FIRST_NAMES = ("Ada", "Ben", "Chloé", "Dmitri", "Elif", "Fatou", "Grace", "Hiro", "Inés", "Jonas")
LAST_NAMES = ("Abbott", "Brandão", "Castillo", "Diallo", "Egede", "Fischer", "Güneş", "Hoang")
CITIES = (("Boston", "MA", "02110"), ("Chicago", "IL", "60609"), ("Denver", "CO", "80202"))
TRADES = ("Bakery", "Books", "Florist", "& Sons", "Gallery")
LISTS = ("Newsletter", "Customers", "Prospects", "Spring Event", "VIP", "Retired: 2023 Raffle")
SMS_LISTS = ("Text Alerts", "Retired: 2024 Text Alerts")
REASONS = ("Too many e-mails", "No longer interested", None)
LINKS = (
    "https://shop.example.com/sale",
    "https://shop.example.com/new",
    "https://blog.example.com",
)
DEVICES = ("computer", "mobile", "tablet")


def parse(text: str) -> datetime:
    """Read one of the forms in which the account writes a date or date-time."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def write(instant: datetime, form: int = 0) -> str:
    """Write an instant in one of three forms: milliseconds in UTC, seconds in UTC or in Boston."""
    if form == 0:
        return instant.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"
    if form == 1:
        return instant.astimezone(timezone.utc).isoformat(timespec="seconds")[:-6] + "Z"
    return instant.astimezone(EASTERN).isoformat(timespec="seconds")


def status(contact: Row) -> str:
    """Return the status that the API files a contact under."""
    if "deleted_at" in contact:
        return "deleted"
    permission = contact.get("email_address", {}).get("permission_to_send", "not_set")
    return "active" if permission in ("explicit", "implicit") else str(permission)


class Account:
    """An account's data, as the API would send it, and the changes that can befall it.

    Attributes:
        encoded_account_id: Key of the account.
        organization_name: Whose account it is; may be empty.
        contacts: Contacts by `contact_id`.
        lists: Contact lists by `list_id`.
        sms_lists: Keys of those that are for SMS.
        tags: Keys of the tags in use.
        segments: The `contact_id`s of each segment.
        events: Rows of activity by `contact_id`, the oldest first.
    """

    def __init__(
        self, seed: int = 1, size: int = FIRST_CONTACTS, now: datetime | None = None
    ) -> None:
        self.seed = seed
        self.now = now or datetime.now(timezone.utc)
        rng = self._random("account")
        letters = string.ascii_lowercase + string.digits
        self.encoded_account_id = f"a07e{''.join(rng.choices(letters, k=10))}"
        self.organization_name = f"{rng.choice(LAST_NAMES)} {rng.choice(TRADES)}"
        self.contacts: dict[str, Row] = {}
        self.lists: dict[str, Row] = {}
        self.sms_lists = [self._id("list", len(LISTS) + n) for n in range(len(SMS_LISTS))]
        self.events: dict[str, list[Row]] = {}
        self.tags = [self._id("tag", name) for name in ("gold", "silver", "webinar")]
        self._make_lists()
        for number in range(size):
            joined = FIRST_NEWSLETTER - timedelta(hours=30 * (size - number) + 1)
            self._join(number, joined)
        self._join_by_sms(FIRST_NEWSLETTER - timedelta(hours=30 * size + 1))
        self._live(size)
        self.segments = {
            "1": [key for key, contact in self.contacts.items() if status(contact) == "active"][:90]
        }

    # Growing up

    def _id(self, *name: object) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, ":".join(map(str, (self.seed, *name)))))

    def _random(self, *name: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, *name))))

    def _make_lists(self) -> None:
        for number, name in enumerate((*LISTS, *SMS_LISTS)):
            made = FIRST_NEWSLETTER - timedelta(days=400 - number)
            row: Row = {
                "list_id": self._id("list", number),
                "name": name,
                "favorite": number == 0,
                "created_at": write(made, number % 3),
                "updated_at": write(made + timedelta(days=number), (number + 1) % 3),
            }
            if number % 2:
                row["description"] = f"{name}, kept by marketing"
            if name.startswith("Retired"):
                row["deleted_at"] = write(made + timedelta(days=90), 2)
            self.lists[row["list_id"]] = row

    def _join(self, number: int, joined: datetime) -> str:
        rng = self._random("contact", number)
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        contact_id = self._id("contact", number)
        kept = [
            key
            for key, row in self.lists.items()
            if "deleted_at" not in row and key not in self.sms_lists
        ]
        permission = rng.choices(PERMISSIONS, PERMISSION_WEIGHTS)[0]
        contact: Row = {
            "contact_id": contact_id,
            "email_address": {
                "address": f"{first}.{last}.{number}@example.com".lower(),
                "permission_to_send": "explicit" if number == HEAVY_READER else permission,
                "created_at": write(joined, 2),
                "updated_at": write(joined, rng.randrange(3)),
                "opt_in_source": rng.choice(("Contact", "Account")),
                "opt_in_date": write(joined, rng.randrange(3)),
                "confirm_status": "pending" if permission == "pending_confirmation" else "off",
            },
            "first_name": first,
            "last_name": last,
            "create_source": rng.choice(("Contact", "Account")),
            "update_source": "Account",
            "created_at": write(joined, rng.randrange(3)),
            "updated_at": write(joined + timedelta(minutes=rng.randrange(60)), rng.randrange(3)),
            "list_memberships": sorted(rng.sample(kept, rng.randrange(1, len(kept)))),
            "taggings": sorted(rng.sample(self.tags, rng.randrange(len(self.tags)))),
            "custom_fields": [],
            "phone_numbers": [],
            "street_addresses": [],
            "notes": [],
        }
        self._adorn(contact, rng, joined)
        self.contacts[contact_id] = contact
        self.events[contact_id] = []
        return contact_id

    def _join_by_sms(self, joined: datetime) -> None:
        """Let somebody join who gave a phone number and no e-mail address."""
        contact_id = self._id("contact", "sms")
        self.contacts[contact_id] = {
            "contact_id": contact_id,
            "first_name": "Kofi",
            "create_source": "Contact",
            "update_source": "Contact",
            "created_at": write(joined),
            "updated_at": write(joined),
            "list_memberships": self.sms_lists[:1],
            "taggings": [],
            "custom_fields": [],
            "phone_numbers": [],
            "street_addresses": [],
            "notes": [],
            "sms_channel": self._sms_channel(contact_id, joined),
        }
        self.events[contact_id] = []

    def _sms_channel(self, contact_id: str, joined: datetime) -> Row:
        return {
            "sms_channel_id": self._id("sms", contact_id),
            "sms_address": "7815551212",
            "dial_code": "1",
            "country_code": "US",
            "create_source": "Account",
            "update_source": "Account",
            "sms_channel_consents": [
                {
                    "sms_consent_permission": "explicit",
                    "consent_type": "promotional_sms",
                    "opt_in_date": write(joined, 2),
                    "advertised_frequency": "1",
                    "advertised_interval": "monthly",
                    "created_at": write(joined, 0),
                    "updated_at": write(joined, 1),
                }
            ],
        }

    def _adorn(self, contact: Row, rng: random.Random, joined: datetime) -> None:
        key = contact["contact_id"]
        if rng.random() < 0.5:
            contact |= {
                "job_title": "Buyer",
                "company_name": "Example Corp.",
                "birthday_month": rng.randrange(1, 13),
                "birthday_day": rng.randrange(1, 29),
                "anniversary": "2006-11-15",
            }
            contact["custom_fields"] = [
                {
                    "custom_field_id": self._id("field", 1),
                    "value": f"Shoe size {rng.randrange(36, 46)}",
                },
                {"custom_field_id": self._id("field", 2), "choice_ids": ["000001", "000003"]},
            ]
        if rng.random() < 0.4:
            city, state, code = rng.choice(CITIES)
            contact["street_addresses"] = [
                {
                    "street_address_id": self._id("address", key),
                    "kind": "home",
                    "street": f"{rng.randrange(1, 300)} Main Street",
                    "city": city,
                    "state": state,
                    "postal_code": code,
                    "country": "United States",
                    "created_at": write(joined, 2),
                    "updated_at": write(joined, 0),
                }
            ]
            contact["phone_numbers"] = [
                {
                    "phone_number_id": self._id("phone", key),
                    "phone_number": f"+1-555-{rng.randrange(1000, 9999)}",
                    "kind": "mobile",
                    "created_at": write(joined, 2),
                    "updated_at": write(joined, 1),
                    "create_source": "Contact",
                    "update_source": "Contact",
                }
            ]
        if rng.random() < 0.2:
            note = {"note_id": self._id("note", key), "created_at": write(joined, 1)}
            contact["notes"] = [{**note, "content": "Met at the fair."}]
            contact["sms_channel"] = self._sms_channel(key, joined)

    def _live(self, size: int) -> None:
        number = 0
        sent_at = FIRST_NEWSLETTER
        while sent_at < self.now:
            rng = self._random("newsletter", number)
            if joined := self._past(sent_at - timedelta(days=3)):
                self._join(size + number, joined)
            # Chosen from those who were there from the start, so that the past stays as it was.
            living = [self._id("contact", n) for n in range(size)]
            self._send(number, sent_at)
            for contact_id in rng.sample(living, min(3, size)):
                self._when(self.edit, contact_id, sent_at + timedelta(days=1, minutes=number))
            if number % 3 == 0 and size > HEAVY_READER + 1:
                victim = self._id("contact", rng.randrange(HEAVY_READER + 1, size))
                self._when(self.delete, victim, sent_at + timedelta(days=5))
            number += 1
            sent_at += INTERVAL

    def _past(self, instant: datetime) -> datetime | None:
        return instant if instant < self.now else None

    def _when(self, change: Any, contact_id: str, at: datetime) -> None:
        if self._past(at) and status(self.contacts[contact_id]) != "deleted":
            change(contact_id, at)

    def _send(self, number: int, sent_at: datetime) -> None:
        mail = {
            "campaign_activity_id": self._id("activity", number),
            "campaign_activity_name": f"Newsletter {number + 1}",
        }
        page = {
            "campaign_activity_id": self._id("page", number % 5),
            "campaign_activity_name": f"Landing page {number % 5 + 1}",
        }
        for index, contact_id in enumerate(list(self.contacts)):
            draw = self._random("mail", number, contact_id)
            if status(self.contacts[contact_id]) != "active":
                continue
            for kind, at, extra in _reactions(draw, sent_at, heavy=index == HEAVY_READER):
                if self._past(at):
                    source = page if kind.startswith("p_") else mail
                    self.add_event(contact_id, kind, at, form=draw.randrange(3), **source, **extra)
                    if kind == "em_optouts":
                        self.unsubscribe(contact_id, at, extra.get("opt_out_reason"))

    # Changes

    def add_contact(self, at: datetime) -> str:
        """Let somebody join; returns the new `contact_id`."""
        contact_id = self._join(100_000 + len(self.contacts), at)
        self.contacts[contact_id] |= {"created_at": write(at), "updated_at": write(at)}
        return contact_id

    def edit(self, contact_id: str, at: datetime) -> None:
        """Change a contact's job, which moves its `updated_at`."""
        contact = self.contacts[contact_id]
        contact["job_title"] = f"Buyer since {at:%B %Y}"
        contact["updated_at"] = write(at, at.day % 3)

    def unsubscribe(self, contact_id: str, at: datetime, reason: str | None = None) -> None:
        """Withdraw a contact's permission, which does not move its `updated_at`."""
        address = self.contacts[contact_id]["email_address"]
        address |= {
            "permission_to_send": "unsubscribed",
            "opt_out_source": "Contact",
            "opt_out_date": write(at, at.day % 3),
            "updated_at": write(at, (at.day + 1) % 3),
        }
        if reason:
            address["opt_out_reason"] = reason

    def delete(self, contact_id: str, at: datetime) -> None:
        """Delete a contact: it keeps its data but for its list memberships."""
        contact = self.contacts[contact_id]
        contact["deleted_at"] = f"{at:%Y-%m-%d}" if at.day % 2 else write(at, 2)
        contact["updated_at"] = write(at)
        contact["list_memberships"] = []

    def add_event(
        self,
        contact_id: str,
        kind: str,
        at: datetime,
        *,
        form: int = 0,
        **fields: Any,
    ) -> None:
        """Let a contact do something."""
        row = {
            "contact_id": contact_id,
            **fields,
            "created_time": write(at, form),
            "tracking_activity_type": kind,
        }
        self.events[contact_id].append(row)

    # Views

    def profile(self, extra: Collection[str] = ()) -> Row:
        """Return the account's details, without those that are empty.

        Args:
            extra: What to tell beside them: `physical_address`, `company_logo`.
        """
        rng = self._random("profile")
        city, state, code = rng.choice(CITIES)
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        details = {
            "contact_email": f"{first}.{last}@example.com".lower(),
            "contact_phone": f"+1-555-{rng.randrange(1000, 9999)}",
            "country_code": "US",
            "encoded_account_id": self.encoded_account_id,
            "first_name": first,
            "last_name": last,
            "organization_name": self.organization_name,
            "organization_phone": rng.choice(("", "+1-555-0100")),
            "state_code": state,
            "time_zone_id": "US/Eastern",
            "website": rng.choice(("", "https://shop.example.com")),
        }
        more: Row = {
            "physical_address": {
                "address_line1": f"{rng.randrange(1, 300)} Main Street",
                "city": city,
                "state_code": state,
                "postal_code": code,
                "country_code": "US",
            },
            "company_logo": {"external_url": "https://shop.example.com/logo.png"},
        }
        shown = details | {name: more[name] for name in extra}
        return {name: value for name, value in shown.items() if value}

    def newest_first(self) -> list[Row]:
        """Return the contacts in the API's order."""
        return sorted(
            self.contacts.values(),
            key=lambda contact: (parse(contact["created_at"]), contact["contact_id"]),
            reverse=True,
        )

    def details(self, contact_id: str) -> list[Row]:
        """Return a contact's events, the newest first."""
        return sorted(
            self.events[contact_id], key=lambda row: parse(row["created_time"]), reverse=True
        )

    def summary(self, contact_id: str) -> list[Row]:
        """Return what a contact did with each e-mail, the newest e-mail first."""
        rows: dict[str, Row] = {}
        for event in self.events[contact_id]:
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
        rows = []
        for list_id, row in self.lists.items():
            members = [c for c in self.contacts.values() if list_id in c["list_memberships"]]
            active = sum(status(contact) == "active" for contact in members)
            rows.append({**row, "counts": {"all": len(members), "active": active}})
        return rows


SUMMARY_COUNTS = {
    "em_sends": "em_sends",
    "em_opens": "em_opens",
    "em_clicks": "em_clicks",
    "em_bounces": "em_bounces",
    "em_forwards": "em_forwards",
    "em_optouts": "em_unsubscribes",
}


def _reactions(
    rng: random.Random, sent_at: datetime, *, heavy: bool
) -> Iterator[tuple[str, datetime, Row]]:
    """Yield what one contact does with one newsletter."""
    yield "em_sends", sent_at, {}
    opened = sent_at + timedelta(minutes=rng.randrange(1, 6000), milliseconds=rng.randrange(1000))
    if not heavy and rng.random() < 0.03:
        yield "em_bounces", sent_at + timedelta(minutes=2), {"bounce_code": rng.choice("BDFSVXZ")}
        return
    if not heavy and rng.random() > 0.3:
        return
    device = {"device_type": rng.choice(DEVICES)}
    for _ in range(8 if heavy else 1):
        yield "em_opens", opened, device
        opened += timedelta(hours=1)
    if rng.random() < 0.4:
        # A mail scanner follows two links in one instant.
        for number, link in enumerate(LINKS[: rng.randrange(1, 3)]):
            yield "em_clicks", opened, {**device, "url_id": f"11005777{number}", "link_url": link}
    if rng.random() < 0.05:
        yield "em_forwards", opened, {}
    if rng.random() < 0.15:
        for kind in ("p_contact_open", "p_contact_click", "p_contact_update", "p_contact_add"):
            yield kind, opened + timedelta(minutes=1), device if kind.endswith(("k", "n")) else {}
    if not heavy and rng.random() < 0.02:
        reason = rng.choice(REASONS)
        extra = {"opt_out_reason": reason} if reason else {}
        yield "em_optouts", opened + timedelta(minutes=5), extra
