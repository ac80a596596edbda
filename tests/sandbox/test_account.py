"""The account: what makes reading it hard, how it grows, whose it is."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
import yaml

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.sandboxes import PRESENT


def test_the_account_has_what_makes_reading_hard(account: Account) -> None:
    whole = Account(now=PRESENT)
    assert 280 <= len(whole.contacts) <= 350
    assert {status(contact) for contact in whole.contacts.values()} == {
        "active",
        "deleted",
        "not_set",
        "pending_confirmation",
        "temp_hold",
        "unsubscribed",
    }
    kinds = {row["tracking_activity_type"] for rows in account.events.values() for row in rows}
    assert len(kinds) == 10
    assert max(map(len, account.events.values())) > 250
    assert any(
        "opt_out_date" in contact.get("email_address", {})
        and parse(contact["updated_at"]) < parse(contact["email_address"]["opt_out_date"])
        for contact in account.contacts.values()
    )


def test_a_later_present_keeps_the_past() -> None:
    now = datetime(2026, 6, 1, tzinfo=timezone.utc)
    early, late = Account(size=30, now=now), Account(size=30, now=now + timedelta(days=90))
    for contact_id, events in early.events.items():
        known = {(row["created_time"], row["tracking_activity_type"]) for row in events}
        assert known <= {
            (row["created_time"], row["tracking_activity_type"]) for row in late.events[contact_id]
        }


# Whose account it is

OTHER = Account(seed=2, size=0, now=FIRST_NEWSLETTER)
CONTRACT = os.environ.get("CONSTANT_CONTACT_OPENAPI")


def summary(sandbox: Sandbox, scope: str = "account_read", **query: str) -> requests.Response:
    token = sandbox.authorization.issue(scope)
    return requests.get(
        f"{sandbox.api_url}/account/summary",
        params=query,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def test_the_summary_tells_whose_account_it_is(sandbox: Sandbox, account: Account) -> None:
    details = summary(sandbox).json()
    assert details["encoded_account_id"] == account.encoded_account_id
    assert details["organization_name"] == account.organization_name
    assert all(details.values())
    more = summary(sandbox, extra_fields="physical_address,company_logo").json()
    assert more.keys() - details.keys() == {"physical_address", "company_logo"}
    assert summary(sandbox, extra_fields="plan").status_code == 400
    account.organization_name = ""
    assert "organization_name" not in summary(sandbox).json()


def test_the_summary_needs_its_scope(sandbox: Sandbox) -> None:
    response = summary(sandbox, "contact_data")
    assert response.status_code == 403
    assert response.json().keys() == {"error_key", "error_message"}


def test_a_seed_tells_accounts_apart(account: Account) -> None:
    assert account.profile() == Account(size=5).profile()
    assert account.encoded_account_id != OTHER.encoded_account_id


@pytest.mark.skipif(not CONTRACT, reason="CONSTANT_CONTACT_OPENAPI names no Swagger file")
def test_the_summary_is_in_the_contract() -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(Path(CONTRACT or "").read_text("utf-8"), loader)["definitions"]
    for seed in range(8):
        profile = Account(seed, 0).profile(("physical_address", "company_logo"))
        assert profile.keys() <= definition["Customer"]["properties"].keys()
        assert isinstance(profile["physical_address"], dict)
