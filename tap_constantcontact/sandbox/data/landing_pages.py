"""Landing pages: who saw them and what they did there."""

from __future__ import annotations

from tap_constantcontact.sandbox.data.basics import Row, Seed

PAGES = 5
PAGE_LINK = {"url_id": "1100577700009", "link_url": "https://shop.example.com/subscribe"}
"""The one link that all landing pages have; contacts' events do not tell it."""


def page_of(seed: Seed, number: int) -> Row:
    """Return what contacts' events tell of the landing page of the n-th newsletter."""
    number %= PAGES
    return {
        "campaign_activity_id": seed.key("page", number),
        "campaign_activity_name": f"Landing page {number + 1}",
    }


def page_ids(seed: Seed) -> list[str]:
    """Return the `campaign_activity_id`s of the landing pages."""
    return [seed.key("page", number) for number in range(PAGES)]
