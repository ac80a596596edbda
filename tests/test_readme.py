"""What the README says works as it says, and the links of all pages lead somewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.generate import ROOT
from tests.runs import Runner

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def section(title: str) -> str:
    """Return the text below a heading."""
    return re.split(r"(?m)^#+ ", README.split(f" {title}\n", 1)[1], maxsplit=1)[0]


def settings_of(title: str) -> dict[str, Any]:
    """Return the settings that a recipe shows."""
    found: dict[str, Any] = json.loads(section(title).split("```json\n")[1].split("```")[0])
    return found


def anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    return {anchor(title) for title in re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if not link.startswith("https://"):
            path, _, title = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not title or title in anchors_of(target), link


def test_every_page_of_the_documentation_is_linked() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert {*PAGES[1:]} <= linked


def test_the_recipe_for_hashes_hides_every_address(run: Runner, account: Account) -> None:
    settings = settings_of("Hash e-mail addresses")
    result = run(streams="contacts", **settings)
    pepper = settings["stream_map_config"]["pepper"]
    found = {row["contact_id"]: row for row in result.records["contacts"]}
    for key, contact in account.contacts.items():
        assert "email_address" not in found[key]
        if address := contact.get("email_address"):
            text = pepper + address["address"].lower()
            assert found[key]["email_hash"] == hashlib.sha256(text.encode()).hexdigest()
        else:
            assert found[key]["email_hash"] is None


def test_the_recipe_without_personal_data_leaves_none(run: Runner, account: Account) -> None:
    result = run(**settings_of("A warehouse without personal data"))
    rows = json.dumps(result.records["contacts"])
    everything = json.dumps(result.lines)
    for name in ("first_name", "last_name", "company_name", "job_title", "custom_fields"):
        assert f'"{name}": ' not in rows
    for contact in account.contacts.values():
        if address := contact.get("email_address"):
            assert json.dumps(address["address"]) not in everything
        for number in contact["phone_numbers"]:
            assert number["phone_number"] not in everything
