"""Rows that are made into records, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.streams import STREAMS
from tests.faults import changing, rows_in
from tests.parameters import (
    ONE_OF_EACH_KIND,
    Stream,
    one_of_each_kind_first,
    partly_slow,
    sent_keys,
    stream_of,
)
from tests.runs import FaultyRunner, Runner

pytestmark = pytest.mark.contacts(20, young=True)


EMPTY: tuple[Any, ...] = (None, "", [], {})
IN_LISTS = [stream for stream in STREAMS if stream.records_key or stream.is_array]


@pytest.mark.slow
@pytest.mark.parametrize("stream", one_of_each_kind_first(IN_LISTS))
@pytest.mark.parametrize("row", partly_slow([None], ["row", 7, []]), ids=repr)
def test_a_row_that_is_not_an_object_is_fatal(read: FaultyRunner, stream: Stream, row: Any) -> None:
    result, (said,) = read(
        changing(stream.name, lambda body: rows_in(stream, body).insert(0, row)),
        streams=(stream.name,),
    )
    assert result.exit_code == 1
    assert f"a row of {stream.name} that is not an object" in said


KEYS = [(stream.name, name) for stream in STREAMS for name in sent_keys(stream)]


@pytest.mark.parametrize(
    ("stream", "name"),
    partly_slow(
        [key for key in KEYS if key[0] in ONE_OF_EACH_KIND],
        [key for key in KEYS if key[0] not in ONE_OF_EACH_KIND],
    ),
)
@pytest.mark.parametrize("key", partly_slow(["absent"], EMPTY), ids=repr)
def test_a_row_without_its_key_is_fatal(
    read: FaultyRunner, stream: str, name: str, key: Any
) -> None:
    def take_key(body: Any) -> None:
        for row in rows_in(stream_of(stream), body)[:1]:
            row[name] = key
            if key == "absent":
                del row[name]

    result, (said,) = read(changing(stream, take_key), streams=(stream,))
    assert result.exit_code == 1
    assert f"a row of {stream} without {name}" in said


def test_numbers_for_keys_are_read_as_text(read: FaultyRunner, account: Account) -> None:
    def number(body: dict[str, Any]) -> None:
        for n, row in enumerate(body["lists"]):
            row["list_id"] = n

    result, errors = read(changing("contact_lists", number), streams=("contact_lists",))
    assert not errors
    assert [row["list_id"] for row in result.records["contact_lists"]] == list("012345")


def test_one_warning_names_what_was_converted_and_what_was_left_empty(
    read: FaultyRunner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for contact in account.contacts.values():
        contact["birthday_month"] = "11"
        contact["birthday_day"] = "soon"
        contact["taggings"] = [None, 7]
        contact["updated_at"] = "0000-00-00"
        contact["first_name"] = "Z\ud800"
    result, errors = read(streams=("contacts",))
    assert not errors
    for record in result.records["contacts"]:
        assert record["birthday_month"] == 11
        assert record["birthday_day"] is None
        assert record["updated_at"] is None
        assert record["first_name"] == "Z\ufffd"
        if "taggings" in record:
            assert record["taggings"] == ["7"]
    (warning,) = [r.getMessage() for r in caplog.records if "another type" in r.getMessage()]
    assert "converted birthday_month, first_name, taggings[]" in warning
    assert "left empty birthday_day, updated_at" in warning


def test_u0000_is_dropped_from_texts_and_keys(run: Runner, account: Account) -> None:
    for contact in account.contacts.values():
        contact["first_name"] = "nul\0l"
        contact["contact_id"] = contact["contact_id"] + "\0"
    for row in account.lists.values():
        row["name"] = "\0"
    result = run(streams=("contacts", "contact_lists"))
    assert "\0" not in str(result.lines)
    assert {row["first_name"] for row in result.records["contacts"]} == {"null"}
    assert {row["contact_id"] for row in result.records["contacts"]} == {*account.contacts}
    assert {row["name"] for row in result.records["contact_lists"]} == {""}


def test_unknown_fields_are_dropped_with_one_warning(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for contact in account.contacts.values():
        contact["shoe_size"] = 44
        contact.get("email_address", {})["mood"] = "good"
    records = run(streams="contacts").records["contacts"]
    assert all("shoe_size" not in record for record in records)
    warnings = [r.getMessage() for r in caplog.records if "Left out" in r.getMessage()]
    assert len(warnings) == 1
    assert "email_address.mood, shoe_size, source_details" in warnings[0]


def test_fields_left_out_on_purpose_are_not_warned_of(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    assert any("confirm_source" in row for row in account.addresses())
    records = run(streams="account_emails").records["account_emails"]
    assert not any("confirm_source" in record for record in records)
    assert "Left out" not in caplog.text
