"""Rows with the documented types become the same records, whichever way they are converted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_constantcontact.records import Conformer
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.typed import TypedConformer, UnfitRowError
from tests.harness import by_shape
from tests.test_records import grown_from

SCHEMA = {
    "properties": {
        "whole": {"type": ["integer", "null"]},
        "share": {"type": ["number", "null"]},
        "text": {"type": ["string", "null"]},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "texts": {"type": ["array", "null"], "items": {"type": ["string"]}},
        "parts": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {"at": {"type": ["string", "null"], "format": "date-time"}},
            },
        },
    }
}


def is_encodable(value: Any) -> bool:
    try:
        repr(value).encode()
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return "\\ud" not in repr(value)


@pytest.mark.parametrize("stream", by_shape(STREAMS))
@given(data=st.data())
def test_a_row_that_fits_becomes_the_same_record(stream: Any, data: st.DataObject) -> None:
    schema = stream.row_schema or stream.schema
    row = data.draw(grown_from(schema), label=stream.name)
    assume(isinstance(row, dict) and is_encodable(row))
    conform, conform_fitting = Conformer(schema), TypedConformer(schema)
    expected = conform(row)
    try:
        record = conform_fitting(row)
    except UnfitRowError:
        return
    assert record == expected
    (decoded,) = conform_fitting.decode(msgspec.Raw(json.dumps([row]).encode()))
    assert dict(decoded) == expected
    assert json.loads(msgspec.json.encode(decoded)) == expected
    assert not conform.unknown | conform.converted | conform.unreadable


@pytest.mark.parametrize(
    "row",
    [
        {"whole": 3.0},
        {"whole": "3"},
        {"whole": 2**63},
        {"whole": True},
        {"share": float("nan")},
        {"share": float("inf")},
        {"text": 1},
        {"at": "2026-01-31T12:00:00"},
        {"at": "2026-01-31"},
        {"at": "0001-01-01T00:00:00+05:00"},
        {"at": ""},
        {"texts": [None]},
        {"texts": "one"},
        {"parts": [{"at": "soon"}]},
        {"unknown": 1},
        None,
        [],
    ],
    ids=repr,
)
def test_a_row_that_does_not_fit_is_refused(row: Any) -> None:
    conform = TypedConformer(SCHEMA)
    with pytest.raises(UnfitRowError):
        conform(row)
    with pytest.raises(UnfitRowError):
        conform.decode(msgspec.Raw(json.dumps([{}, row]).encode()))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T07:00:00-05:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.521+0000", "2026-01-31T12:00:00.521000Z"),
        (None, None),
    ],
)
def test_date_times_leave_in_utc_wherever_they_are(sent: Any, kept: Any) -> None:
    row = {"at": sent, "parts": [{"at": sent}, {}], "texts": None}
    record = {"at": kept, "parts": [{"at": kept}, {}], "texts": None}
    assert TypedConformer(SCHEMA)(row) == record


def test_an_array_of_rows_becomes_the_same_records() -> None:
    rows = [
        {"at": "2026-01-31T07:00:00-05:00", "parts": [{"at": None}, {}], "texts": ["a", "b"]},
        {"whole": 3, "share": 0.5, "text": "\u00e9\n"},
        {},
    ]
    conform = TypedConformer(SCHEMA)
    records = conform.decode(msgspec.Raw(msgspec.json.encode(rows)))
    assert [dict(record) for record in records] == [conform(row) for row in rows]
    assert [json.loads(msgspec.json.encode(record)) for record in records] == [
        conform(row) for row in rows
    ]


def test_a_record_reads_like_a_dictionary() -> None:
    row = {"text": None, "at": "2026-01-31T07:00:00-05:00", "parts": [{"at": None}]}
    (record,) = TypedConformer(SCHEMA).decode(msgspec.Raw(msgspec.json.encode([row])))
    assert record["at"] == record.get("at") == "2026-01-31T12:00:00Z"
    assert record["parts"] == [{"at": None}]
    assert record.get("text", "none") is None
    assert record.get("texts") is None
    assert record.get("never heard of", 7) == 7
    assert len(record) == len([*record]) == len(row)
    with pytest.raises(KeyError):
        record["texts"]


def test_most_contacts_fit(account: Account) -> None:
    conform = TypedConformer(ContactsStream.schema)
    rows = [row for row in account.contacts.values() if "deleted_at" not in row]
    assert [conform(row)["contact_id"] for row in rows] == [row["contact_id"] for row in rows]
