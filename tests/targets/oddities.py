"""Values that few programs expect, in the sandbox's account."""

from __future__ import annotations

from datetime import datetime

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.basics import Seed, write

ODD_TEXTS = (
    "nul\0l",
    "Remarks",
    "remarks",
    'Say "hi"',
    "C:\\temp",
    "two\nlines",
    "a.b",
    "50 %s {name}",
    "smile \U0001f600",
    "half of it \ud83d",
)
"""Texts that people or programs may have entered, as values and as names."""

BEYOND_A_DOUBLE = str(2**53 + 1)
"""A whole number that a double does not hold."""


def add_oddities(account: Account, at: datetime) -> None:
    """Give all contacts values that few programs expect, in custom fields named like them."""
    seed = Seed(account.seed)
    remarks = next(row for row in account.custom_fields.values() if row["type"] == "text_area")
    for number, name in enumerate(ODD_TEXTS):
        key = seed.key("odd field", number)
        changed = {"custom_field_id": key, "name": name, "label": name, "created_at": write(at)}
        account.custom_fields[key] = remarks | changed
        for contact in account.contacts.values():
            contact["custom_fields"].append({"custom_field_id": key, "value": name})
    for contact, name in zip(account.contacts.values(), ODD_TEXTS, strict=False):
        contact["first_name"] = name
    for contact in account.contacts.values():
        for value in contact["custom_fields"]:
            if account.custom_fields.get(value["custom_field_id"], remarks)["type"] == "number":
                value["value"] = BEYOND_A_DOUBLE
