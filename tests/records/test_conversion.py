"""Every record is valid by its emitted schema, whatever the API sent."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config.dates import instant_of, parse_instant, rfc3339
from tap_constantcontact.records.conversion import LenientConverter, printable
from tap_constantcontact.streams import STREAMS
from tests.parameters import one_of_each_kind_first

FORMATS = jsonschema.Draft7Validator.FORMAT_CHECKER

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=5),
    st.sampled_from(
        [
            *("3", "true", "False", "", "now", "P1D", "2026-11-24", "\ud800", "x\udfff"),
            *("0000-00-00", "0000-00-00T00:00:00Z", "2016-12-31T23:59:60Z"),
            *("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"),
            *("2026-09-29T14:37:13.521+0000", "2023-01-23 06:09:23 -0800"),
        ]
    ),
    st.datetimes().map(lambda instant: f"{instant.isoformat()}Z"),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def grown_from(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values as a schema describes them, spoilt anywhere, now and then."""
    if "properties" in schema:
        parts = {name: grown_from(part) for name, part in schema["properties"].items()}
        proper: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=parts)
    elif "items" in schema:
        proper = st.lists(grown_from(schema["items"]), max_size=3)
    elif schema.get("format") == "date-time":
        proper = st.datetimes().map(lambda instant: f"{instant.isoformat()}+02:00")
    else:
        proper = {
            "string": st.text(max_size=5),
            "integer": st.integers(-9, 9),
            "number": st.floats(-9, 9),
            "boolean": st.booleans(),
        }[schema["type"][0]]
    return st.one_of(proper, proper, proper, ANYTHING)


def without_required(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its keys, which a row must have in any case."""
    return {"type": "object", "properties": schema["properties"]}


def is_valid(record: Any, schema: dict[str, Any]) -> None:
    line = json.dumps(record, allow_nan=False, ensure_ascii=False).encode()
    validator = jsonschema.Draft7Validator(without_required(schema), format_checker=FORMATS)
    validator.validate(json.loads(line))
    assert all(-(2**63) <= number < 2**63 for number in integers(record))
    assert b"\\u0000" not in line


def integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in integers(part)]
    if isinstance(value, list):
        return [number for part in value for number in integers(part)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


@pytest.mark.parametrize("stream", one_of_each_kind_first(STREAMS))
@given(data=st.data())
def test_a_spoilt_row_becomes_a_valid_record(stream: Any, data: st.DataObject) -> None:
    properties = {
        name: schema
        for name, schema in stream.schema["properties"].items()
        if name not in stream.schema.get("required", ())
    }
    schema = {"properties": properties}
    row = data.draw(grown_from(schema).filter(lambda row: isinstance(row, dict)), label=stream.name)
    lenient = LenientConverter(schema)
    is_valid(lenient.record(row), schema)


SCHEMA = {
    "properties": {
        "whole": {"type": ["integer", "null"]},
        "share": {"type": ["number", "null"]},
        "flag": {"type": ["boolean", "null"]},
        "text": {"type": ["string", "null"]},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "texts": {"type": ["array", "null"], "items": {"type": ["string"]}},
        "parts": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"whole": {"type": ["integer", "null"]}}},
        },
    }
}


@pytest.mark.parametrize(
    ("name", "sent", "kept", "told"),
    [
        ("whole", "3", 3, "converted"),
        ("whole", 3.0, 3, "converted"),
        ("whole", 3.5, None, "unreadable"),
        ("whole", True, None, "unreadable"),
        ("whole", 2**63, None, "unreadable"),
        ("whole", "many", None, "unreadable"),
        ("whole", "", None, None),
        ("share", "0.5", 0.5, "converted"),
        ("share", 1, 1, None),
        ("share", math.inf, None, "unreadable"),
        ("flag", "true", True, "converted"),
        ("flag", "False", False, "converted"),
        ("flag", 1, True, "converted"),
        ("flag", "perhaps", None, "unreadable"),
        ("text", 1, "1", "converted"),
        ("text", 2**70, str(2**70), "converted"),
        ("text", True, "true", "converted"),
        ("text", {}, None, "unreadable"),
        ("text", "a\ud800b", "a\ufffdb", "converted"),
        ("text", "\ud83d\ude00", "😀", "converted"),
        ("at", "0000-00-00", None, "unreadable"),
        ("at", 1_700_000_000, None, "unreadable"),
        ("texts", ["a", None, 3, {}], ["a", "3"], "converted"),
        ("texts", "a", None, "unreadable"),
        ("parts", [{"whole": "1"}, None, 5], [{"whole": 1}], "converted"),
        ("parts", None, None, None),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_schema(
    name: str, sent: Any, kept: Any, told: str | None
) -> None:
    lenient = LenientConverter(SCHEMA)
    assert lenient.record({name: sent}) == {name: kept}
    if told:
        assert any(path.startswith(name) for path in getattr(lenient, told))
    else:
        assert not lenient.converted | lenient.unreadable


def utc(text: str) -> str | None:
    instant = instant_of(text)
    return None if instant is None else rfc3339(instant)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2016-03-03T10:53:04-05:00", "2016-03-03T15:53:04Z"),
        ("2022-01-01T16:37:59.091Z", "2022-01-01T16:37:59.091000Z"),
        ("2022-01-01T16:37:59.000Z", "2022-01-01T16:37:59Z"),
        ("2026-09-29T14:37:13.521+0000", "2026-09-29T14:37:13.521000Z"),
        ("2023-01-23 06:09:23 -0800", "2023-01-23T14:09:23Z"),
        ("2016-07-08", "2016-07-08T00:00:00Z"),
        ("now", None),
        ("2016-12-31T23:59:60Z", None),
    ],
)
def test_date_times_in_every_form_that_was_seen(sent: str, kept: str | None) -> None:
    assert utc(sent) == kept


@pytest.mark.parametrize("length", [299, 300, 301, 10**6])
def test_a_text_from_the_api_takes_little_of_a_log_and_one_line(length: int) -> None:
    assert printable("é" * length) == "é" * min(length, 300)
    assert printable("a\nb\r\x1b[2J\ud800\u2028c") == "a?b??[2J\ufffd?c"


OFFSETS = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-840, 840))


@given(st.datetimes(timezones=OFFSETS))
def test_each_instant_is_written_in_one_form(instant: datetime) -> None:
    text = utc(instant.isoformat())
    if text is not None:
        assert text == utc(instant.isoformat().replace("T", " "))
        assert parse_instant(text) == instant


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("9007199254740993", 9007199254740993),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63 - 1) + ".0", 2**63 - 1),
        ("100000000000000000000", 1e20),
        ("99999999999999999999", None),
        ("0.1", 0.1),
        ("12.50", 12.5),
        (" 5 ", 5),
        ("0\x1f", 0),
        ("0.1000000000000000055511151231257827", None),
        ("1e400", None),
        ("1e-400", None),
        ("1_000", None),
        ("१२", None),
        ("0x10", None),
        ("nan", None),
        ("1" * 5000, None),
    ],
)
def test_a_number_in_a_text_keeps_all_its_digits_or_is_left_empty(sent: str, kept: Any) -> None:
    lenient = LenientConverter(SCHEMA)
    assert lenient.record({"share": sent}) == {"share": kept}
    assert lenient.unreadable == (set() if kept is not None else {"share"})


@pytest.mark.parametrize("sent", ["१२", "1_000"])
def test_a_whole_number_has_digits_of_ascii_alone(sent: str) -> None:
    assert LenientConverter(SCHEMA).record({"whole": sent}) == {"whole": None}


SPELLINGS = (
    "2026-01-31T12:00:00.9999999Z",
    "2026-01-31t12:00:00.9999999z",
    "2026-01-31 12:00:00,9999999 +0000",
    "2026-01-31T12:00:00.9999999",
    "2026-01-31T07:00:00.9999999-05",
)


@pytest.mark.parametrize("sent", SPELLINGS)
def test_an_instant_is_rounded_alike_however_it_is_spelled(sent: str) -> None:
    assert utc(sent) == "2026-01-31T12:00:01Z"
