"""What contacts do with the e-mails that they get."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import Row

REASONS: tuple[Row, ...] = (
    {"opt_out_reason": "Too many e-mails"},
    {"opt_out_reason": "No longer interested"},
    {},
)
LINKS = (
    "https://shop.example.com/sale",
    "https://shop.example.com/new",
    "https://blog.example.com",
)
DEVICES = ("computer", "mobile", "tablet")

Reaction = tuple[str, datetime, Row]
"""Type of an event, when it happens, and what else its row tells."""


def link(number: int) -> Row:
    """Return what a click's row tells of a link."""
    return {"url_id": f"110057770000{number}", "link_url": LINKS[number]}


def to_newsletter(rng: random.Random, sent_at: datetime, *, heavy: bool) -> Iterator[Reaction]:
    """Yield what one contact does with one newsletter; a heavy reader opens it eight times."""
    yield "em_sends", sent_at, {}
    minute, chance = rng.randrange(1, 6000), rng.randrange(1000)
    # Reports keep whole minutes (guide), and a scanner reads for a quarter of the contacts.
    read = opened = sent_at + timedelta(minutes=minute)
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
        for number in range(rng.randrange(1, 3)):
            yield "em_clicks", opened, {**device, **link(number)}
    if rng.random() < 0.05:
        yield "em_forwards", opened, {}
    if rng.random() < 0.15:
        yield from _visit(opened + timedelta(minutes=1), device)
    if not heavy and rng.random() < 0.02:
        yield "em_optouts", opened + timedelta(minutes=5), rng.choice(REASONS)
    if chance % 4 == 0:
        yield from _scan(read, device)


def _visit(at: datetime, device: Row) -> Iterator[Reaction]:
    """Yield what a contact does on a landing page."""
    for kind in ("p_contact_open", "p_contact_click", "p_contact_update", "p_contact_add"):
        yield kind, at, device if kind.endswith(("k", "n")) else {}


def _scan(at: datetime, device: Row) -> Iterator[Reaction]:
    """Yield what a mail scanner does in the minute in which a contact opens an e-mail.

    One open is like the contact's in everything, and one in everything but the device; the clicks
    differ in no more than the link or the device.
    """
    other = {"device_type": next(name for name in DEVICES if name != device["device_type"])}
    yield "em_opens", at, device
    yield "em_opens", at, other
    for each in (device, other, device):
        yield "em_clicks", at, {**each, **link(1)}
    yield "em_clicks", at, {**device, **link(0)}


def to_later_mail(rng: random.Random, sent_at: datetime) -> Iterator[Reaction]:
    """Yield what one contact does with a resend or with an automation's e-mail."""
    yield "em_sends", sent_at, {}
    if rng.random() > 0.3:
        return
    opened = sent_at + timedelta(minutes=rng.randrange(1, 3000))
    device = {"device_type": rng.choice(DEVICES)}
    yield "em_opens", opened, device
    if rng.random() < 0.4:
        yield "em_clicks", opened, {**device, **link(2)}
