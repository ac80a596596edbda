"""The published contract as judge of every request and every field.

Set CONSTANT_CONTACT_OPENAPI to the path of the API's Swagger 2.0 file.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.campaigns import SentTo
from tap_constantcontact.streams.contacts import ContactsStream
from tests.drift import difference, loaded
from tests.faults import ROW_IN
from tests.parameters import (
    CONTACT_REPORTS,
    DETAILS,
    NAMES,
    SUMMARY,
    Stream,
    has_events,
    named,
    primary_keys,
    stream_of,
)
from tests.runs import Runner
from tests.sandboxes import is_request_for, path_of

CONTRACT = os.environ.get("CONSTANT_CONTACT_OPENAPI")
pytestmark = [
    pytest.mark.contacts(12),
    pytest.mark.skipif(
        not CONTRACT, reason="CONSTANT_CONTACT_OPENAPI names no Swagger file of the API"
    ),
]
FURTHER_ROWS = {
    SUMMARY: ("ContactCampaignActivitiesSummary",),
    DETAILS: ("ClicksTrackingActivity", "BouncesTrackingActivity", "OptoutsTrackingActivity"),
}
"""Definitions of what the rows of an endpoint also have, by their names in the contract."""

MADE_BY_THE_TAP = {
    "contact_lists": ("channel_type",),
    "contact_counts": ("counted_at",),
    "email_campaign_activities": ("updated_at",),
    "email_campaign_activity_lists": ("campaign_id", "updated_at"),
    "email_campaign_activity_segments": ("campaign_id", "updated_at"),
    "email_previews": ("campaign_id", "updated_at"),
    "email_schedules": ("campaign_id",),
}
"""Fields that the contract's rows do not have, beside those that the request's path names."""


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return loaded(Path(CONTRACT or ""))


def judge(contract: dict[str, Any], request: Any) -> None:
    path = request.path.removeprefix(contract["basePath"])
    templates = [
        template
        for template in contract["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    template = min(templates, key=lambda template: template.count("{"))
    parameters = contract["paths"][template]["get"].get("parameters", [])
    known = {p["name"]: p for p in parameters if p["in"] == "query"}
    if "cursor" in request.query:
        assert set(request.query) == {"cursor"}
        return
    assert set(request.query) <= set(known)
    assert {name for name, p in known.items() if p["required"]} <= set(request.query)
    for name, value in request.query.items():
        parameter = known[name]
        choices = parameter.get("enum") or parameter.get("items", {}).get("enum")
        values = value.split(",")
        if choices:
            assert set(values) <= set(choices), name
        if name in ("lists", "tags", "segment_id"):
            assert len(values) <= parameter["maximum"]
        elif "maximum" in parameter:
            assert parameter["minimum"] <= int(value) <= parameter["maximum"], name
        if parameter.get("format") == "date-time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value), name
        if name in ("start", "end"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", value), name


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"contact_includes": []},
        {"contact_status": ["active", "unsubscribed"]},
        {"contact_list_ids": [str(n) for n in range(60)], "contact_tag_ids": ["a"] * 120},
        {"segment_id": "1"},
        {"updated_days_back": 3, "report_days_back": 3},
        {"start_date": "2026-01-01", "tracking_activity_types": ["em_opens"]},
        {"report_source": "campaigns"},
    ],
)
def test_every_request_is_in_the_contract(
    contract: dict[str, Any],
    run: Runner,
    requests_seen: list[Any],
    settings: dict[str, Any],
) -> None:
    streams = ("contacts", *CONTACT_REPORTS) if settings else NAMES
    first = run(streams=streams, **settings)
    run(state=first.state, streams=streams, **settings)
    paths = {request.path for request in requests_seen}
    unread = [
        name for name in streams if not any(is_request_for(stream_of(name), path) for path in paths)
    ]
    assert paths
    assert settings or not unread
    for request in requests_seen:
        judge(contract, request)


def resolve(contract: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in definition:
        definition = contract["definitions"][definition["$ref"].rpartition("/")[2]]
    return definition


def compare(
    contract: dict[str, Any], schema: dict[str, Any], definition: dict[str, Any], path: str
) -> None:
    definition = resolve(contract, definition)
    assert definition["type"] in schema["type"], path
    if definition.get("format") in ("date-time", "date"):
        assert schema["format"] == "date-time", path
    if "properties" in definition:
        assert set(schema["properties"]) == set(definition["properties"]), path
        for name, part in definition["properties"].items():
            compare(contract, schema["properties"][name], part, f"{path}.{name}")
    if "items" in definition:
        compare(contract, schema["items"], definition["items"], f"{path}[]")


def row_of(contract: dict[str, Any], stream: Stream) -> dict[str, Any]:
    """Return the definition of the rows that the endpoint of a stream answers with."""
    if issubclass(stream, RowsWithin):
        return row_within(contract, stream)
    responses = contract["paths"][path_of(stream)]["get"]["responses"]
    success = responses.get("200") or responses["209"]
    body = resolve(contract, success["schema"])
    if name := stream.records_key or ROW_IN.get(stream.name):
        body = resolve(contract, body["properties"][name])
    if issubclass(stream, SentTo):
        named = resolve(contract, body["properties"][stream.listed_in])
        return {"properties": {primary_keys(stream)[-1]: named["items"]}}
    return resolve(contract, body["items"]) if body["type"] == "array" else body


def row_within(contract: dict[str, Any], stream: type[RowsWithin]) -> dict[str, Any]:
    """Return the definition of the rows within contacts, or of their keys; arrays become texts.

    The rows of an array within an object have the fields of the object as well.
    """
    part = resolve(contract, row_of(contract, ContactsStream)["properties"][stream.part])
    fields = dict(part.get("properties", {}))
    arrays = [part, *fields.values()]
    (row,) = (resolve(contract, one["items"]) for one in arrays if one["type"] == "array")
    if "properties" not in row:
        return {"properties": {primary_keys(stream)[-1]: row}}
    fields |= row["properties"]
    return {"properties": {name: of for name, of in fields.items() if of.get("type") != "array"}}


@pytest.mark.parametrize("stream", STREAMS, ids=named)
def test_every_field_is_in_the_contract(contract: dict[str, Any], stream: Stream) -> None:
    further = [contract["definitions"][name] for name in FURTHER_ROWS.get(stream.name, ())]
    rows = [row_of(contract, stream), *further]
    definitions = {name: part for row in reversed(rows) for name, part in row["properties"].items()}
    properties = dict(stream.schema["properties"])
    made = (*MADE_BY_THE_TAP.get(stream.name, ()), *re.findall(r"\{(\w+)\}", path_of(stream)))
    if has_events(stream):
        made += ("activity_id",)
    if issubclass(stream, RowsWithin):
        made += (*stream.holder_keys, "choice_ids")
    for name in made:
        if name not in definitions:
            properties.pop(name, None)
    for name, schema in properties.items():
        assert schema["description"]
        compare(contract, schema, definitions[name], name)
    missing = set(rows[0]["properties"]) - set(properties)
    assert missing <= {*stream.left_out}


def test_nothing_that_the_tap_reads_has_changed(contract: dict[str, Any]) -> None:
    changes = difference(contract)
    assert not changes, f"run python -m tests.drift:\n{changes}"


Change = Callable[[dict[str, Any]], Any]
CHANGES: dict[str, tuple[Change, str]] = {
    "a path is gone": (
        lambda contract: contract["paths"].pop("/segments"),
        "GET /segments\n- scopes: contact_data",
    ),
    "a bound": (
        lambda contract: parameter_of(contract, "/contacts", "limit").update(maximum=100),
        "+ ?limit: integer, minimum 1, maximum 100",
    ),
    "a choice": (
        lambda contract: parameter_of(contract, "/contact_lists", "channel_type")["enum"].append(
            "fax"
        ),
        "one of email fax sms",
    ),
    "a new field": (
        lambda contract: contract["definitions"]["SegmentDetail"]["properties"].update(
            size={"type": "integer"}
        ),
        "GET /segments/{segment_id}\n+ .size: integer",
    ),
    "a right": (
        lambda contract: contract["paths"]["/segments"]["get"].update(security=[]),
        "GET /segments\n- scopes: contact_data\n+ scopes: none",
    ),
}


def parameter_of(contract: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    parameters = contract["paths"][path]["get"]["parameters"]
    return next(one for one in parameters if one.get("name") == name)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_contract_is_told(contract: dict[str, Any], change: str) -> None:
    spoil, said = CHANGES[change]
    changed = copy.deepcopy(contract)
    spoil(changed)
    told = difference(changed)
    assert said in told
    assert len([line for line in told.splitlines() if line.startswith("GET ")]) == 1
