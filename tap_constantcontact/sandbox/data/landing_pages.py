"""Landing pages: who saw them and what they did there."""

from __future__ import annotations

from tap_constantcontact.sandbox.data.basics import Row, Seed

PAGES = 5


def page_of(seed: Seed, number: int) -> Row:
    """Return what contacts' events tell of the landing page of the n-th newsletter."""
    number %= PAGES
    return {
        "campaign_activity_id": seed.key("page", number),
        "campaign_activity_name": f"Landing page {number + 1}",
    }
