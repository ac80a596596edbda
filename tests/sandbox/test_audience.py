"""Tags, custom fields, segments and the account's addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.sandbox.conftest import Client

NINE_TYPES = {
    "string",
    "date",
    "datetime",
    "currency",
    "text_area",
    "number",
    "boolean",
    "single_select",
    "multi_select",
}


def test_tags_are_counted_by_contact(client: Client, served: Account) -> None:
    rows = client.rows("/contact_tags", "tags", include_count="true")
    assert [row["tag_id"] for row in rows] == sorted(served.tag_rows)
    for row in rows:
        having = [c for c in served.contacts.values() if row["tag_id"] in c["taggings"]]
        assert row["contacts_count"] == len(having)
    assert {row["tag_id"] for row in rows if row["contacts_count"]} == set(served.tags)
    assert not any("contacts_count" in row for row in client.rows("/contact_tags", "tags"))
    assert "_links" not in client.body("/contact_tags")


def test_a_page_of_tags_begins_at_a_key(living: Client) -> None:
    account = living.sandbox.account
    pages = living.pages("/contact_tags", "tags", limit=2)
    first = next(pages)
    del account.tag_rows[first[0]["tag_id"]]
    assert [row["tag_id"] for row in next(pages)] == sorted(account.tag_rows)[1:]


def test_custom_fields_define_what_contacts_have(client: Client, served: Account) -> None:
    fields = {
        row["custom_field_id"]: row
        for row in client.rows("/contact_custom_fields", "custom_fields")
    }
    assert {row["type"] for row in fields.values()} == NINE_TYPES
    contacts = client.rows("/contacts", "contacts", include="custom_fields")
    values = [value for contact in contacts for value in contact["custom_fields"]]
    used = {value["custom_field_id"] for value in values}
    assert used > set(fields)
    assert len(used - set(fields)) == 1, "a field that was deleted"
    for value in values:
        for choice_id in value.get("choice_ids", ()):
            choices = fields[value["custom_field_id"]]["choices"]
            assert int(choice_id) in {choice["choice_id"] for choice in choices}
    choices = [choice for row in fields.values() for choice in row.get("choices", ())]
    assert any("deleted_at" in choice for choice in choices)


def test_segments_have_criteria_only_one_by_one(client: Client, served: Account) -> None:
    rows = client.rows("/segments", "segments")
    edited = [row["edited_at"] for row in rows]
    assert edited == sorted(edited, reverse=True)
    names = [row["name"] for row in client.rows("/segments", "segments", sort_by="name")]
    assert names == sorted(names)
    for row in rows:
        assert "segment_criteria" not in row
        detail = client.body(f"/segments/{row['segment_id']}")
        criteria = detail.pop("segment_criteria")
        assert json.loads(criteria)["version"] == "1.0.0"
        assert detail == row
        members = client.rows("/contacts", "contacts", segment_id=row["segment_id"])
        assert {c["contact_id"] for c in members} == set(served.segments[str(row["segment_id"])])
    assert client.get("/segments/99").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"confirm_status": "U"}, [4]),
        ({"confirm_status": "CONFIRMED"}, [1, 2, 3]),
        ({"role_code": "BILLING"}, [2]),
        ({"role_code": "R"}, [1]),
        ({"email_address": "news@example.com"}, [3]),
    ],
)
def test_account_emails(client: Client, query: dict[str, Any], found: list[int]) -> None:
    assert [row["email_id"] for row in client.body("/account/emails", **query)] == found


def test_account_emails_by_two_filters_are_refused(client: Client) -> None:
    assert client.get("/account/emails", confirm_status="C", role_code="C").status_code == 400


def test_the_logo_is_told_when_asked_for(client: Client) -> None:
    assert "company_logo" not in client.body("/account/summary")
    assert "company_logo" in client.body("/account/summary", extra_fields="company_logo")
