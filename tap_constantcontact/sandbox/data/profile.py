"""The account itself: its owner, its e-mail addresses and what its user may do."""

from __future__ import annotations

import string
from collections.abc import Collection
from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import CITIES, FIRST_NAMES, LAST_NAMES, Row, Seed

TRADES = ("Bakery", "Books", "Florist", "& Sons", "Gallery")
PRIVILEGES = {
    2: "account:read",
    3: "account:update",
    30: "campaign:create",
    31: "campaign:read",
    39: "ui:campaign:metrics",
    42: "contacts:read",
    43: "contacts:write",
    52: "contacts:lists:read",
    74: "customer-journey:read",
}
"""The privileges that reading needs, and some others, by their keys. (Recorded.)"""


def named(seed: Seed) -> tuple[str, str]:
    """Return the account's key and the name of its organization."""
    rng = seed.chance("account")
    letters = string.ascii_lowercase + string.digits
    key = f"a07e{''.join(rng.choices(letters, k=10))}"
    return key, f"{rng.choice(LAST_NAMES)} {rng.choice(TRADES)}"


def profile(seed: Seed, key: str, organization_name: str, extra: Collection[str]) -> Row:
    """Return an account's details, without those that are empty.

    Args:
        seed: What the account grew from.
        key: The account's `encoded_account_id`.
        organization_name: Whose account it is.
        extra: What to tell beside them: `physical_address`, `company_logo`.
    """
    rng = seed.chance("profile")
    city, state, code = rng.choice(CITIES)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    details = {
        "contact_email": f"{first}.{last}@example.com".lower(),
        "contact_phone": f"617555{rng.randrange(1000, 9999)}",
        "country_code": "us",
        "encoded_account_id": key,
        "encoded_partner_id": rng.choice(("", "a01-15dl")),
        "first_name": first,
        "last_name": last,
        "organization_name": organization_name,
        "organization_phone": rng.choice(("", "6175550100")),
        "state_code": rng.choice(("", state)),
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


def addresses(owner: str, opened: datetime) -> list[Row]:
    """Return an account's e-mail addresses: three that are confirmed and one that waits for it."""

    def confirmed(number: int, address: str, source: str, roles: list[str]) -> Row:
        at = opened + timedelta(days=number, milliseconds=521)
        return {
            "email_id": number,
            "email_address": address,
            "confirm_status": "CONFIRMED",
            # As recorded from the live service: an offset without a colon.
            "confirm_time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}+0000",
            # As recorded from the live service; the contract does not name it.
            "confirm_source": f"192.0.2.{number}",
            "confirm_source_type": source,
            "roles": roles,
        }

    return [
        confirmed(1, owner, "SITE_OWNER", ["CONTACT", "DEFAULT_FROM", "REPLY_TO"]),
        confirmed(2, "billing@example.com", "SUPPORT", ["BILLING"]),
        confirmed(3, "news@example.com", "FORCEVERIFY", ["OTHER"]),
        {
            "email_id": 4,
            "email_address": "new@example.com",
            "confirm_status": "UNCONFIRMED",
            "roles": [],
            "pending_roles": ["JOURNALING"],
        },
    ]


def clients(seed: Seed) -> list[Row]:
    """Return the accounts of a partner's clients."""
    rows = []
    for number in range(120):
        rng = seed.chance("client", number)
        rows.append(
            {
                "encoded_account_id": f"a08e{rng.randrange(10**9):09}",
                "subscriber_count": rng.randrange(5000),
                "organization_name": f"{rng.choice(LAST_NAMES)} {rng.choice(TRADES)}",
                "site_owner_name": f"owner{number}",
                "billing_status": rng.choice(("Trial", "Open", "Canceled", "Trial End")),
            }
        )
    return rows
