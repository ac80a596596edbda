"""What the README says works as it says."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from tap_constantcontact.sandbox.account import Account
from tests.generate import ROOT
from tests.runs import Runner

README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """Return the text below a heading."""
    return re.split(r"(?m)^#+ ", README.split(f" {title}\n", 1)[1], maxsplit=1)[0]


def settings_of(title: str) -> dict[str, Any]:
    """Return the settings that a recipe shows."""
    found: dict[str, Any] = json.loads(section(title).split("```json\n")[1].split("```")[0])
    return found


def anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def test_links_lead_somewhere() -> None:
    anchors = {anchor(title) for title in re.findall(r"(?m)^#+ (.+)$", README)}
    for link in re.findall(r"\]\(([^)]+)\)", README):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif not link.startswith("https://"):
            assert (ROOT / link).exists(), link


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
