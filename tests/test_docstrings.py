"""The examples in docstrings work as they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import tap_constantcontact
from tap_constantcontact.streams import campaigns, contacts, events, landing_pages

PACKAGE = Path(tap_constantcontact.__file__).parent
MODULES = sorted(
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for file in PACKAGE.rglob("*.py")
    if ">>>" in file.read_text("utf-8")
)
KNOWN = {
    "CAMPAIGNS": campaigns.CAMPAIGNS,
    "CONTACTS": contacts.CONTACTS,
    "EventDetails": events.EventDetails,
    "LANDING_PAGES": landing_pages.LANDING_PAGES,
    "SENT_ACTIVITIES": campaigns.SENT_ACTIVITIES,
}
"""Names that the examples of shapes use without importing them, as they stand above the shapes."""


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name: str) -> None:
    assert doctest.testmod(import_module(name), extraglobs=KNOWN).failed == 0
