"""Landing pages, which only a setting names."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.expected import Expected
from tests.parameters import DETAILS, NAMES
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20)

REPORTS = tuple(name for name in NAMES if name.startswith("landing_page_"))


def test_only_the_named_pages_are_read(run: Runner, account: Account, expected: Expected) -> None:
    of_optins = {row["campaign_activity_id"] for row in expected[REPORTS[-1]].values()}
    page = min(of_optins)
    result = run(streams=REPORTS, landing_page_activity_ids=[page])
    for report in REPORTS:
        of_page = {
            key: row for key, row in expected[report].items() if row["campaign_activity_id"] == page
        }
        assert of_page
        assert result.by_key(report) == of_page


@pytest.mark.parametrize("ids", [None, []], ids=repr)
def test_without_the_setting_nothing_is_requested_and_a_warning_says_why(
    run: Runner, requests_seen: list[Any], caplog: pytest.LogCaptureFixture, ids: Any
) -> None:
    result = run(streams="landing_page_opens", landing_page_activity_ids=ids)
    assert result.exit_code == 0
    assert not requests_seen
    assert "landing_page_activity_ids is not set" in caplog.text


def test_an_unknown_page_is_skipped(run: Runner, account: Account, expected: Expected) -> None:
    ids = [*account.landing_pages, "00000000-0000-0000-0000-000000000000"]
    result = run(streams="landing_page_unique_adds", landing_page_activity_ids=ids)
    assert result.by_key("landing_page_unique_adds") == expected.landing_page_unique_adds()


def test_an_open_has_the_same_key_as_in_the_contact_report(run: Runner, account: Account) -> None:
    result = run(streams=("landing_page_opens", DETAILS))
    of_contacts = {
        row["activity_id"]
        for row in result.records[DETAILS]
        if row["tracking_activity_type"] == "p_contact_open"
    }
    living = {key for key, contact in account.contacts.items() if "deleted_at" not in contact}
    of_pages = {
        row["activity_id"]
        for row in result.records["landing_page_opens"]
        if row["contact_id"] in living
    }
    assert of_pages == of_contacts
