"""The contacts, by every filter."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.parameters import DETAILS, SUMMARY, partly_slow
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20)


@pytest.mark.parametrize(
    "wanted", partly_slow([["unsubscribed", "deleted"], ["all"]], [["active"], ["temp_hold"]])
)
def test_contact_status(run: Runner, expected: Expected, wanted: list[str]) -> None:
    def match(contact: dict[str, Any]) -> bool:
        return wanted == ["all"] or status(contact) in wanted

    result = run(contact_status=wanted)
    assert result.by_key("contacts") == expected.contacts(match)
    assert result.by_key(SUMMARY) == expected.contact_action_summary(match)
    assert result.by_key(DETAILS) == expected.contact_activity_details(match)


def test_contact_lists_and_tags(run: Runner, account: Account, expected: Expected) -> None:
    lists = list(account.lists)[1:3]
    tags = account.tags[:1]

    def match(contact: dict[str, Any]) -> bool:
        return bool(
            set(lists) & set(contact["list_memberships"]) and tags[0] in contact["taggings"]
        )

    result = run(contact_list_ids=lists, contact_tag_ids=tags)
    assert result.records["contacts"]
    assert result.by_key("contacts") == expected.contacts(match)
    assert result.by_key(SUMMARY) == expected.contact_action_summary(match)


def test_more_lists_and_tags_than_a_request_may_name(
    run: Runner, account: Account, expected: Expected
) -> None:
    lists = [f"none-{number}" for number in range(30)] + list(account.lists)
    tags = [f"none-{number}" for number in range(60)] + account.tags
    result = run(streams="contacts", contact_list_ids=lists, contact_tag_ids=tags)
    assert result.by_key("contacts") == expected.contacts(
        lambda c: bool(c["list_memberships"] and c["taggings"])
    )


@pytest.mark.slow
def test_a_segment(run: Runner, sandbox: Sandbox, account: Account) -> None:
    sandbox.api.pending_segments["1"] = 1
    members = set(account.segments["1"])
    result = run(streams=("contacts", SUMMARY), segment_id="1")
    assert {r["contact_id"] for r in result.records["contacts"]} == members
    assert {r["contact_id"] for r in result.records[SUMMARY]} <= members
    held = run(streams="contacts", segment_id="1", contact_status=["unsubscribed"])
    assert {r["contact_id"] for r in held.records["contacts"]} == {
        key for key in members if status(account.contacts[key]) == "unsubscribed"
    }


@pytest.mark.parametrize("includes", [[], ["taggings"], ["notes", "phone_numbers"]])
def test_contact_includes(run: Runner, includes: list[str]) -> None:
    sub_resources = {
        "custom_fields",
        "list_memberships",
        "notes",
        "phone_numbers",
        "street_addresses",
        "taggings",
    }
    records = run(streams="contacts", contact_includes=includes).records["contacts"]
    assert {name for record in records for name in record} & sub_resources == set(includes)
