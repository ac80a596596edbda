"""What contacts do with the e-mails that they get."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import Row

REASONS = ("Too many e-mails", "No longer interested", None)
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
    return {"url_id": f"11005777{number}", "link_url": LINKS[number]}


def to_newsletter(rng: random.Random, sent_at: datetime, *, heavy: bool) -> Iterator[Reaction]:
    """Yield what one contact does with one newsletter; a heavy reader opens it eight times."""
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
        for number in range(rng.randrange(1, 3)):
            yield "em_clicks", opened, {**device, **link(number)}
    if rng.random() < 0.05:
        yield "em_forwards", opened, {}
    if rng.random() < 0.15:
        for kind in ("p_contact_open", "p_contact_click", "p_contact_update", "p_contact_add"):
            yield kind, opened + timedelta(minutes=1), device if kind.endswith(("k", "n")) else {}
    if not heavy and rng.random() < 0.02:
        reason = rng.choice(REASONS)
        extra = {"opt_out_reason": reason} if reason else {}
        yield "em_optouts", opened + timedelta(minutes=5), extra


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
