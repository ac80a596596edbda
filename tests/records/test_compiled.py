"""Rows with the documented types become the same records, whichever way they are converted."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.records.compiled import CompiledConverter, UnfitRowError
from tap_constantcontact.records.conversion import LenientConverter
from tap_constantcontact.records.rows import MOST_UNKNOWN, SHOWN, Rows
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.contacts import UNDOCUMENTED
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.transport.responses import page_in
from tests.parameters import one_of_each_kind_first

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


DAYS = st.sampled_from(["2026-01-31", "0001-01-01", "9999-12-31", "0000-00-00", "2026-02-30"])
TIMES = st.sampled_from(
    [
        *("T12:00:00", "t12:00:00", " 12:00:00", "T12:00", "T23:59:59", "T00:00:00", "T24:00:00"),
        *("T23:59:60", "T12", "", "x12:00:00", "T12:00:00.", "T1२:00:00"),
    ]
)
FRACTIONS = st.one_of(
    st.just(""),
    st.from_regex(r"\A[.,][0-9]{1,12}\Z"),
    st.sampled_from([".521", ".9999999", ".1234565", ".1234564999", ",5"]),
)
OFFSETS = st.sampled_from(
    [
        *("Z", "z", "", "+00:00", "-00:00", "+0000", " +0000", " -0800", "-08", " Z", "+05:30"),
        *("+14:00", "-23:59", "+25:00", "+00:60", "+05:30:15"),
    ]
)
DATE_TIMES = st.builds("{}{}{}{}".format, DAYS, TIMES, FRACTIONS, OFFSETS).map(json.dumps)

LITERALS = st.one_of(
    DATE_TIMES,
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [str(number) for n in (53, 63, 64, 70) for number in (2**n - 1, 2**n, 2**n + 1, -(2**n))]
    ),
    st.sampled_from(["-0", "-0.0", "0.0", "3.0", "1E5", "1e400", "-1e400", "1e-400", "5e-324"]),
    st.sampled_from(["1.7976931348623157e308", "9007199254740993.0", "0.1" + "0" * 30 + "1"]),
    st.sampled_from(["null", "true", "false", "[]", "{}", "[null]"]),
    st.sampled_from(['""', '"\\u0000"', '"a\\u0000b"', '"\\\\u0000"', '"\\ud800"', '"x\\udfff"']),
    st.sampled_from(
        ['"\\ud83d\\ude00"', '"true"', '"1"', '"1_000"', '"१"', '" 5 "', '"9007199254740993"']
    ),
    st.text(max_size=5).map(json.dumps),
    st.text(st.characters(exclude_categories=()), max_size=5).map(json.dumps),
)
"""Values as they stand in a body, many of them near the bounds of what is valid."""


def as_object(parts: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in parts.items()) + "}"


def written_object(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """A JSON object as a schema describes it, with any literal as a value of it."""
    parts = {name: written(part) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries({}, optional=parts).map(as_object)


def written(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """JSON as a schema describes it, with any literal anywhere."""
    if "properties" in schema:
        proper = written_object(schema)
    elif "items" in schema:
        proper = st.lists(written(schema["items"]), max_size=3).map(
            lambda items: f"[{','.join(items)}]"
        )
    elif schema.get("format") == "date-time":
        proper = DATE_TIMES
    else:
        proper = {
            "string": st.text(max_size=5).map(json.dumps),
            "integer": st.integers(-(2**63), 2**63 - 1).map(str),
            "number": st.floats(-9, 9).map(repr),
            "boolean": st.sampled_from(["true", "false"]),
        }[schema["type"][0]]
    return st.one_of(proper, proper, proper, proper, LITERALS)


def as_json(rows: list[Any]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(rows).encode())


def response_of(body: str) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response._content = body.encode()
    response.request = requests.Request("GET", "https://cc.test/v3/rows").prepare()
    return response


@pytest.mark.parametrize("stream", one_of_each_kind_first(STREAMS))
@given(data=st.data())
def test_a_row_becomes_the_same_record_whichever_way_it_takes(
    stream: Any, data: st.DataObject
) -> None:
    """Every way that is open for a row leads to the record of the lenient one."""
    schema = stream.row_schema or stream.schema
    row = data.draw(written_object(schema), label=stream.name)
    body = f'{{"rows":[{row}]}}'
    expected = LenientConverter(schema).record(json.loads(row))
    rows = Rows(stream.name, schema, ())
    page = page_in(response_of(body), rows.records, records_key="rows")
    assert shown(page.rows[0]) == shown(expected)
    assert shown(rows.records([json.loads(row)])[0]) == shown(expected)


NEW_FIELDS = st.dictionaries(
    st.sampled_from(["at", "new", "a.b", 'a "b"', "x[]"]), LITERALS, max_size=2
).map(as_object)


@pytest.mark.parametrize("stream", one_of_each_kind_first(STREAMS))
@given(data=st.data())
def test_the_same_is_told_of_all_pages_whichever_way_they_take(
    stream: Any, data: st.DataObject
) -> None:
    """No field or value is unknown or unfit and goes unsaid, on whatever page it comes."""
    schema = stream.row_schema or stream.schema
    row = st.tuples(written_object(schema), NEW_FIELDS).map(joined)
    pages = data.draw(st.lists(st.lists(row, max_size=3), max_size=4), label=stream.name)
    lenient = LenientConverter(schema)
    rows = Rows(stream.name, schema, ())
    for page in pages:
        expected = [lenient.record(json.loads(row)) for row in page]
        body = f'{{"rows":[{",".join(page)}]}}'
        records = page_in(response_of(body), rows.records, records_key="rows").rows
        assert [*map(shown, records)] == [*map(shown, expected)]
    assert rows._lenient.unknown == lenient.unknown
    assert rows._lenient.converted == lenient.converted
    assert rows._lenient.unreadable == lenient.unreadable


def joined(objects: tuple[str, ...]) -> str:
    """One JSON object with the members of several."""
    members = (members for one in objects if (members := one[1:-1]))
    return "{" + ",".join(members) + "}"


def shown(record: Any) -> Any:
    """The record as it is written: 3 and 3.0 differ, and so do 0.0 and -0.0."""
    return json.dumps(json.loads(msgspec.json.encode(record)), sort_keys=True)


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
def test_a_row_that_does_not_fit_the_schema_is_refused_by_the_compiled_conversion(row: Any) -> None:
    with pytest.raises(UnfitRowError):
        CompiledConverter(SCHEMA).records(as_json([{}, row]))


def compiled(*rows: Any) -> list[Any]:
    return [*CompiledConverter(SCHEMA).records(as_json([*rows]))]


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
    (record,) = compiled({"at": sent, "parts": [{"at": sent}, {}], "texts": None})
    wanted = {"at": kept, "parts": [{"at": kept}, {}], "texts": None}
    assert dict(record) == json.loads(msgspec.json.encode(record)) == wanted


def test_a_record_reads_like_a_dictionary() -> None:
    row = {"text": None, "at": "2026-01-31T07:00:00-05:00", "parts": [{"at": None}]}
    (record,) = compiled(row)
    assert record["at"] == record.get("at") == "2026-01-31T12:00:00Z"
    assert record["parts"] == [{"at": None}]
    assert record.get("text", "none") is None
    assert record.get("texts") is None
    assert record.get("never heard of", 7) == 7
    assert len(record) == len([*record]) == len(row)
    with pytest.raises(KeyError):
        record["texts"]


# Pages that have what the schema lacks


@pytest.fixture
def lenient_rows(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that are converted leniently, as they come."""
    rows: list[Any] = []
    record = LenientConverter.record

    def noted(self: LenientConverter, row: dict[str, Any]) -> dict[str, Any]:
        rows.append(row)
        return record(self, row)

    monkeypatch.setattr(LenientConverter, "record", noted)
    return rows


@pytest.mark.parametrize(
    "odd",
    [
        {"new": {"any": ["thing"]}},
        {"parts": [{"new": 1}]},
        {"at": "2026-01-31"},
        {"at": ""},
        {"at": "2026-01-31 07:00:00 -0500"},
        {"parts": [{"at": "2026-01-31"}]},
        {"whole": "3"},
        {"share": "many"},
        {"text": 5},
        {"texts": [1, None]},
        {"texts": "one"},
        {"parts": [None, {"at": None}]},
        {"parts": {}},
    ],
    ids=repr,
)
def test_what_pages_have_in_common_takes_the_slow_way_once(
    odd: dict[str, Any], lenient_rows: list[Any]
) -> None:
    expected = LenientConverter(SCHEMA).record(odd)
    lenient_rows.clear()
    rows = Rows("rows", SCHEMA, ())
    page = [odd, {"text": "a"}]
    for _ in range(3):
        first, second = rows.records(as_json(page))
        assert dict(first) == expected
        assert second["text"] == "a"
    assert lenient_rows == page


def test_ever_new_fields_are_all_told(caplog: pytest.LogCaptureFixture) -> None:
    rows = Rows("rows", SCHEMA, ())
    for number in range(2 * MOST_UNKNOWN):
        rows.records(as_json([{"text": "a"}, {f"new_{number}": 1}]))
    rows.report(logging.getLogger())
    assert f"and {2 * MOST_UNKNOWN - SHOWN} more" in caplog.text


def test_few_contacts_are_converted_leniently(
    account: Account, lenient_rows: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    contacts = account.newest_first()
    assert any(UNDOCUMENTED in row for row in contacts)
    assert any(len(row.get("deleted_at", "")) == len("2026-01-31") for row in contacts)
    rows = Rows("contacts", ContactsStream.schema, ("contact_id",))
    pages = [contacts[start : start + 20] for start in range(0, len(contacts), 20)]
    records = [record for page in pages for record in rows.records(as_json(page))]
    assert len(records) == len(contacts)
    assert len(lenient_rows) <= 60
    rows.report(logging.getLogger())
    assert caplog.text.count(UNDOCUMENTED) == 1
