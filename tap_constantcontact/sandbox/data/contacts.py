"""Contacts: how they join, and the status that the API files them under."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data import audience
from tap_constantcontact.sandbox.data.basics import (
    CITIES,
    FIRST_NAMES,
    LAST_NAMES,
    STATES,
    Row,
    Seed,
    write,
)

PERMISSIONS = ("explicit", "implicit", "not_set", "pending_confirmation", "temp_hold")
PERMISSION_WEIGHTS = (50, 35, 5, 5, 5)
UNDOCUMENTED = "source_details"
"""A field that the contract lacks, as some of the live service's answers have one."""

HEAVY_READER = 7
"""Place of the contact who opens everything, several times."""


def status(contact: Row) -> str:
    """Return the status that the API files a contact under."""
    if "deleted_at" in contact:
        return "deleted"
    permission = contact.get("email_address", {}).get("permission_to_send", "not_set")
    return "active" if permission in ("explicit", "implicit") else str(permission)


def joined_by_mail(
    seed: Seed, number: int, joined: datetime, lists: Sequence[str], tags: Sequence[str]
) -> Row:
    """Return a contact who gave an e-mail address.

    Args:
        seed: What the account grows from.
        number: Which of the account's contacts it is.
        joined: When it joined.
        lists: Keys of the lists that it may be on.
        tags: Keys of the tags that it may have.
    """
    rng = seed.chance("contact", number)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    permission = rng.choices(PERMISSIONS, PERMISSION_WEIGHTS)[0]
    contact: Row = {
        "contact_id": seed.dated_key(joined, "contact", number),
        "email_address": {
            "address": f"{first}.{last}.{number}@example.com".lower(),
            "permission_to_send": "explicit" if number == HEAVY_READER else permission,
            "created_at": write(joined, 1),
            "updated_at": write(joined, 1),
            "opt_in_source": rng.choice(("Contact", "Account")),
            "opt_in_date": write(joined, 1),
            "confirm_status": "pending" if permission == "pending_confirmation" else "off",
        },
        "create_source": rng.choice(("Contact", "Account")),
        "created_at": write(joined, 1),
        "updated_at": write(joined + timedelta(minutes=rng.randrange(60)), 1),
        "list_memberships": sorted(rng.sample(lists, rng.randrange(1, len(lists)))),
        "taggings": sorted(rng.sample(tags, rng.randrange(len(tags)))),
        "custom_fields": [],
        "phone_numbers": [],
        "street_addresses": [],
        "notes": [],
    }
    if number % 10 == 0:
        contact[UNDOCUMENTED] = "Website"
    if number % 10 != 5:  # some give no name
        contact |= {"first_name": first, "last_name": last}
    if number % 3:
        contact["update_source"] = "Account"
    _adorn(contact, rng, seed, joined)
    return contact


def joined_by_sms(seed: Seed, joined: datetime, lists: list[str]) -> Row:
    """Return a contact who gave a phone number and no e-mail address."""
    contact_id = seed.dated_key(joined, "contact", "sms")
    return {
        "contact_id": contact_id,
        "first_name": "Kofi",
        "create_source": "Contact",
        "update_source": "Contact",
        "created_at": write(joined, 1),
        "updated_at": write(joined, 1),
        "list_memberships": lists,
        "taggings": [],
        "custom_fields": [],
        "phone_numbers": [],
        "street_addresses": [],
        "notes": [],
        "sms_channel": _sms_channel(seed, contact_id, joined),
    }


def _sms_channel(seed: Seed, contact_id: str, joined: datetime) -> Row:
    return {
        "sms_channel_id": seed.key("sms", contact_id),
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


def _adorn(contact: Row, rng: random.Random, seed: Seed, joined: datetime) -> None:
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
                "custom_field_id": audience.field_key(seed, 1),
                "value": f"Shoe size {rng.randrange(36, 46)}",
            },
            {"custom_field_id": audience.field_key(seed, 2), "choice_ids": ["000001", "000003"]},
            *audience.field_values(seed, key, joined),
        ]
    if rng.random() < 0.4:
        city, state, code = rng.choice(CITIES)
        contact["street_addresses"] = [
            {
                "street_address_id": seed.dated_key(joined, "address", key),
                "kind": "home",
                "street": f"{rng.randrange(1, 300)} Main Street",
                "city": city,
                "state": STATES[state],
                "postal_code": code,
                "country": "United States",
                "created_at": write(joined, 1),
                "updated_at": write(joined, 1),
            }
        ]
        contact["phone_numbers"] = [
            {
                "phone_number_id": seed.dated_key(joined, "phone", key),
                "phone_number": f"+1-555-{rng.randrange(1000, 9999)}",
                "kind": "mobile",
                "created_at": write(joined, 1),
                "updated_at": write(joined, 1),
                "update_source": "Contact",
            }
        ]
        if rng.random() < 0.5:  # the number was there when the contact joined
            contact["phone_numbers"][0]["create_source"] = "Contact"
    if rng.random() < 0.2:
        note = {"note_id": seed.key("note", key), "created_at": write(joined, 1)}
        contact["notes"] = [{**note, "content": "Met at the fair."}]
        contact["sms_channel"] = _sms_channel(seed, key, joined)
