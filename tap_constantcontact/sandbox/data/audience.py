"""Lists, tags, custom fields and segments: how contacts are described and grouped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache

from tap_constantcontact.sandbox.data.basics import OPENED, Row, Seed, write

LISTS = ("Newsletter", "Customers", "Prospects", "Spring Event", "VIP", "Retired: 2023 Raffle")
SMS_LISTS = ("Text Alerts", "Retired: 2024 Text Alerts")
TAGS = ("gold", "silver", "webinar")
UNUSED_TAG = "trade fair"
CHOICES = {
    "Interests": ("Baking", "Books", "Flowers"),
    "Shop": ("Main Street", "Harbor"),
}
FIELDS: tuple[tuple[str, str, Row], ...] = (
    ("Shoe size", "string", {}),
    ("Interests", "multi_select", {"display_type": "checkbox"}),
    ("Customer since", "date", {"display_format": "YYYY-MM-DD"}),
    ("Next visit", "datetime", {}),
    ("Credit", "currency", {"currency_code": "USD", "integer": False, "decimal_places": 2}),
    ("Remarks", "text_area", {}),
    ("Visits", "number", {"allow_negative": False, "integer": True}),
    ("Has a dog", "boolean", {}),
    ("Shop", "single_select", {"display_type": "radio"}),
)
"""Label, type and metadata of the custom fields, one of each of the nine types."""

GONE_FIELD = len(FIELDS) + 1
"""Number of a field that was deleted; contacts keep its values."""

SEGMENTS = ("Active contacts", "Opened the last newsletter", "Bakers")


def lists(seed: Seed, opened: datetime) -> dict[str, Row]:
    """Return the contact lists by `list_id`, those for e-mail before those for SMS."""
    rows = {}
    for number, name in enumerate((*LISTS, *SMS_LISTS)):
        made = opened + timedelta(days=number)
        row: Row = {
            "list_id": list_key(seed, number),
            "name": name,
            "favorite": number == 0,
            "created_at": write(made, 1),
            "updated_at": write(made + timedelta(days=number), 1),
        }
        if number % 2:
            row["description"] = f"{name}, kept by marketing"
        if name.startswith("Retired"):
            row["deleted_at"] = write(made + timedelta(days=90), 2)
        rows[row["list_id"]] = row
    return rows


def tags(seed: Seed, opened: datetime) -> dict[str, Row]:
    """Return the tags by `tag_id`."""
    rows = {}
    for number, name in enumerate((*TAGS, UNUSED_TAG)):
        made = opened + timedelta(days=number)
        tag_id = seed.dated_key(made, "tag", name)
        rows[tag_id] = {
            "tag_id": tag_id,
            "name": name,
            "created_at": write(made, 1),
            "updated_at": write(made + timedelta(days=number), 1),
        }
        if number:
            rows[tag_id]["tag_source"] = "Contact" if number % 2 else "Account"
    return rows


def custom_fields(seed: Seed, opened: datetime) -> dict[str, Row]:
    """Return the definitions of the custom fields by `custom_field_id`."""
    rows = {}
    for number, (label, kind, metadata) in enumerate(FIELDS, start=1):
        made = opened + timedelta(days=number)
        row: Row = {
            "custom_field_id": field_key(seed, number),
            "label": label,
            "name": label.lower().replace(" ", "_"),
            "type": kind,
            "created_at": write(made, 1),
            "updated_at": write(made + timedelta(days=100 * (number % 2)), 1),
        }
        if metadata:
            row["metadata"] = metadata
        if number > 1:  # fields of old have no version
            row["version"] = 2 if kind.startswith("date") else 1
        if label in CHOICES:
            row["choices"] = [
                _choice(row["custom_field_id"], place, name, made)
                for place, name in enumerate(CHOICES[label], start=1)
            ]
        rows[row["custom_field_id"]] = row
    rows[field_key(seed, 9)]["choices"][1]["deleted_at"] = "2024-03-01"
    return rows


@cache
def list_key(seed: Seed, number: int) -> str:
    """Return the `list_id` of the n-th list, counted from 0."""
    return seed.dated_key(OPENED + timedelta(days=number), "list", number)


@cache
def field_key(seed: Seed, number: int) -> str:
    """Return the `custom_field_id` of the n-th custom field, counted from 1."""
    return seed.dated_key(OPENED + timedelta(days=number), "field", number)


def _choice(custom_field_id: str, place: int, label: str, made: datetime) -> Row:
    return {
        "custom_field_id": custom_field_id,
        "choice_id": place,
        "choice_label": label,
        "display_order": place,
        "created_at": write(made, 0),
        "updated_at": write(made, 0),
    }


def field_values(seed: Seed, contact_id: str, joined: datetime) -> list[Row]:
    """Return a contact's values of all custom fields but the first two."""
    rng = seed.chance("fields", contact_id)
    values = (
        f"{joined:%Y-%m-%d}",
        write(joined + timedelta(days=30), 1),
        f"{rng.randrange(10_000) / 100:.2f}",
        "Likes to be called\nin the evening",
        str(rng.randrange(100)),
        rng.choice(("true", "false")),
    )
    rows: list[Row] = [
        {"custom_field_id": field_key(seed, number), "value": value}
        for number, value in enumerate(values, start=3)
    ]
    shop = f"{rng.randrange(1, 3):06}"
    rows.append({"custom_field_id": field_key(seed, 9), "choice_ids": [shop]})
    if rng.random() < 0.2:
        rows.append({"custom_field_id": field_key(seed, GONE_FIELD), "value": "kept"})
    return rows


def segments(opened: datetime) -> dict[str, Row]:
    """Return the segments, with their criteria, by `segment_id`."""
    rows = {}
    for number, name in enumerate(SEGMENTS, start=1):
        made = opened + timedelta(days=10 * number)
        criteria = {
            "version": "1.0.0",
            "criteria": {
                "type": "and",
                "group": [{"source": "contacts", "field": "status", "op": "eq", "value": name}],
            },
        }
        rows[str(number)] = {
            "segment_id": number,
            "name": name,
            "created_at": write(made, 0),
            "edited_at": write(made + timedelta(days=number), 0),
            "segment_criteria": json.dumps(criteria),
        }
    return rows
