"""Contacts' custom fields by name, from discovery to the records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.records.rows import Rows
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.data.audience import FIELDS
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams.audience import ContactCustomFieldsStream
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.streams.custom_fields import (
    BY_NAME,
    FIELD_KINDS,
    FieldsByName,
    RowsWithFields,
)
from tests.faults import answering, on_every
from tests.processes import run_tap
from tests.runs import Run, Runner, config_for, sync, tap_with
from tests.sandboxes import record_requests

pytestmark = pytest.mark.contacts(12)


VALUE_OF_TEXT: dict[str, Callable[[str], Any]] = {
    "number": float,
    "currency": float,
    "boolean": lambda value: value == "true",
    "datetime": parse,
}
SELECTS = {"interests": ["Baking", "Flowers"], "shop": None}


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> dict[str, Any]:
    return config_for(sandbox, tmp_path, custom_fields_by_name=True)


def by_name(result: Run) -> list[dict[str, Any]]:
    return [row["custom_fields_by_name"] for row in result.records["contacts"]]


def field(account: Account, name: str) -> dict[str, Any]:
    return next(row for row in account.custom_fields.values() if row["name"] == name)


def values(account: Account, name: str) -> list[dict[str, Any]]:
    """Return the contacts' values of a field, to be changed in place."""
    key = field(account, name)["custom_field_id"]
    return [
        value
        for contact in account.contacts.values()
        for value in contact["custom_fields"]
        if value["custom_field_id"] == key
    ]


def told(account: Account, contact: dict[str, Any]) -> dict[str, Any]:
    """Return a contact's values by name, from the sandbox's own data."""
    named = {}
    for value in contact["custom_fields"]:
        row = account.custom_fields.get(value["custom_field_id"])
        if row is None:
            continue
        if "choice_ids" in value:
            labels = {choice["choice_id"]: choice["choice_label"] for choice in row["choices"]}
            chosen = [labels[int(key)] for key in value["choice_ids"]]
            named[row["name"]] = chosen if row["type"] == "multi_select" else chosen[0]
        else:
            named[row["name"]] = VALUE_OF_TEXT.get(row["type"], str)(value["value"])
    return named


def warnings(caplog: pytest.LogCaptureFixture, said: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if said in record.getMessage()]


def discovered(config: dict[str, Any]) -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads(json.dumps(tap_with(config).catalog_dict))
    return catalog


def test_a_contact_has_fields_of_all_nine_types_by_name(run: Runner, account: Account) -> None:
    result = run(streams="contacts", custom_fields_by_name=True)
    kinds = set()
    for record in result.records["contacts"]:
        named = dict(record["custom_fields_by_name"])
        if "next_visit" in named:
            named["next_visit"] = parse(named["next_visit"])
        assert named == told(account, account.contacts[record["contact_id"]])
        kinds |= {field(account, name)["type"] for name in named}
    assert kinds == {kind for _, kind, _ in FIELDS}


def test_custom_fields_by_name_changes_nothing_else(run: Runner) -> None:
    plain = run(streams="contacts").by_key("contacts")
    named = run(streams="contacts", custom_fields_by_name=True).by_key("contacts")
    for record in named.values():
        del record["custom_fields_by_name"]
    assert named == plain


def test_the_records_are_valid_by_the_discovered_schema(config: dict[str, Any]) -> None:
    result = sync(config, streams=("contacts",))
    (schema,) = [line["schema"] for line in result.lines if line["type"] == "SCHEMA"]
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for record in result.records["contacts"]:
        validator.validate(record)
    named = schema["properties"]["custom_fields_by_name"]["properties"]
    assert {name: prop["type"][0] for name, prop in named.items()} == {
        "shoe_size": "string",
        "interests": "array",
        "customer_since": "string",
        "next_visit": "string",
        "credit": "number",
        "remarks": "string",
        "visits": "number",
        "has_a_dog": "boolean",
        "shop": "string",
    }
    assert named["next_visit"]["format"] == "date-time"


def test_discovery_asks_once_with_the_setting_and_never_without(
    config: dict[str, Any], requests_seen: list[Any]
) -> None:
    discovered({**config, "custom_fields_by_name": False})
    assert not requests_seen
    discovered(config)
    assert [request.path for request in requests_seen] == ["/v3/contact_custom_fields"]


def test_with_a_catalog_only_reading_contacts_asks(
    config: dict[str, Any], requests_seen: list[Any]
) -> None:
    catalog = discovered(config)
    requests_seen.clear()
    sync(config, streams=("contact_tags",), catalog=catalog)
    assert "/v3/contact_custom_fields" not in [request.path for request in requests_seen]
    assert by_name(sync(config, streams=("contacts",), catalog=catalog))
    assert [request.path for request in requests_seen].count("/v3/contact_custom_fields") == 1


@pytest.mark.slow
def test_a_catalog_from_without_the_setting_goes_on_without_the_fields(
    config: dict[str, Any], requests_seen: list[Any]
) -> None:
    catalog = discovered({**config, "custom_fields_by_name": False})
    records = sync(config, streams=("contacts",), catalog=catalog).records["contacts"]
    assert records
    assert not any("custom_fields_by_name" in record for record in records)
    assert "/v3/contact_custom_fields" not in [request.path for request in requests_seen]


def test_a_renamed_field_does_not_fail_a_run_with_an_old_catalog(
    config: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discovered(config)
    field(account, "visits")["name"] = "Calls"
    result = sync(config, streams=("contacts",), catalog=catalog)
    assert result.exit_code == 0
    assert any("credit" in named for named in by_name(result))
    assert not any({"visits", "Calls"} & named.keys() for named in by_name(result))
    (warning,) = warnings(caplog, "that the catalog does not have")
    assert "Calls" in warning
    assert not warnings(caplog, "not found in catalog schema")


def test_a_field_of_another_type_keeps_the_type_of_the_old_catalog(
    config: dict[str, Any], account: Account
) -> None:
    catalog = discovered(config)
    field(account, "remarks")["type"] = "number"
    field(account, "visits")["type"] = "string"
    named = [row for row in by_name(sync(config, streams=("contacts",), catalog=catalog)) if row]
    assert all(row["remarks"] == "Likes to be called\nin the evening" for row in named)
    assert all(isinstance(row["visits"], float) for row in named)


def test_a_deleted_field_is_absent_with_one_warning(
    config: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discovered(config)
    gone = field(account, "shop")["custom_field_id"]
    del account.custom_fields[gone]
    for old in (catalog, None):
        caplog.clear()
        result = sync(config, streams=("contacts",), catalog=old)
        assert result.exit_code == 0
        assert any(by_name(result))
        assert not any("shop" in named for named in by_name(result))
        (warning,) = warnings(caplog, "does not define any more")
        assert gone in warning


def test_a_field_of_an_unknown_type_is_a_text(config: dict[str, Any], account: Account) -> None:
    field(account, "visits")["type"] = "hologram"
    named = [row for row in by_name(sync(config, streams=("contacts",))) if row]
    sent = [value["value"] for value in values(account, "visits")]
    assert sorted(row["visits"] for row in named) == sorted(sent)


def test_a_custom_field_value_that_does_not_fit_its_type_is_null_with_one_warning(
    config: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    unfit: dict[str, dict[str, Any]] = {
        "visits": {"value": "many"},
        "credit": {"value": "$ 5"},
        "has_a_dog": {"value": "a cat"},
        "next_visit": {"value": "2026-01-31T12:00:00"},
        "shop": {"choice_ids": ["000009"]},
    }
    for name, value in unfit.items():
        for kept in values(account, name):
            kept.update(value)
    for kept in values(account, "interests"):
        kept["choice_ids"] = [1, "000009"]
    for kept in values(account, "remarks"):
        kept["value"] = ""
    named = [row for row in by_name(sync(config, streams=("contacts",))) if row]
    assert named
    for row in named:
        assert {name: row[name] for name in unfit} == dict.fromkeys(unfit)
        assert row["interests"] == ["Baking"]
    (warning,) = warnings(caplog, "another type")
    paths = (f"custom_fields_by_name.{name}" for name in (*sorted(unfit), "interests[]"))
    assert all(path in warning for path in paths)
    assert "remarks" not in warning


@pytest.mark.parametrize(
    ("value", "shop"),
    [
        ({"choice_ids": [1]}, "Main Street"),
        ({"choice_ids": ["1"]}, "Main Street"),
        ({"choice_ids": ["000002"]}, "Harbor"),
        ({"choice_ids": []}, None),
        ({"choice_ids": ["1", "2"]}, None),
        ({"choice_ids": 7}, None),
        ({"choice_ids": [{}]}, None),
        ({"choice_ids": [["Harbor"]]}, None),
        ({"value": {"Harbor": 1}}, None),
        ({"value": "Harbor"}, "Harbor"),
        ({"value": "2"}, "Harbor"),
        ({"value": "Elsewhere"}, None),
        ({}, None),
    ],
)
def test_a_choice_is_its_label_however_it_is_sent(
    config: dict[str, Any], account: Account, value: dict[str, Any], shop: str | None
) -> None:
    for kept in values(account, "shop"):
        kept.pop("choice_ids")
        kept.update(value)
    named = [row for row in by_name(sync(config, streams=("contacts",))) if row]
    assert named
    assert all(row["shop"] == shop for row in named)


@pytest.mark.parametrize("damage", [None, 7, [None, 7, {}], [{"custom_field_id": 5}]])
def test_damaged_fields_fail_no_run(config: dict[str, Any], account: Account, damage: Any) -> None:
    for contact in account.contacts.values():
        contact["custom_fields"] = damage
    result = sync(config, streams=("contacts",))
    assert result.exit_code == 0
    assert len(result.records["contacts"]) == len(account.contacts)


def test_the_older_of_two_fields_keeps_the_name(config: dict[str, Any], account: Account) -> None:
    young = {**field(account, "visits"), "custom_field_id": "young", "type": "string"}
    young["created_at"] = "2026-01-01T00:00:00Z"
    account.custom_fields = {"young": young, **account.custom_fields}
    for contact in account.contacts.values():
        contact["custom_fields"].append({"custom_field_id": "young", "value": "new"})
    named = by_name(sync(config, streams=("contacts",)))
    assert all(row["visits_young"] == "new" for row in named)
    assert any(isinstance(row.get("visits"), float) for row in named)


def test_a_field_without_a_name_has_its_key_for_one() -> None:
    fields = FieldsByName([{"custom_field_id": "a1", "name": None, "type": None}])
    assert fields.of([{"custom_field_id": "a1", "value": "x"}], fields.properties) == {"a1": "x"}


def test_the_fields_need_the_sub_resource(tmp_path: Path, sandbox: Sandbox) -> None:
    seen = record_requests(sandbox)
    settings = {"custom_fields_by_name": True, "contact_includes": ["notes"]}
    for option in ((), ("--discover",), ("--test",)):
        result = run_tap(tmp_path, *option, config=config_for(sandbox, tmp_path, **settings))
        assert result.returncode == 1
        (error,) = [line for line in result.stderr.splitlines() if "ERROR" in line]
        assert "custom_fields_by_name needs `custom_fields` in contact_includes" in error
        assert "Traceback" not in result.stderr
        assert not result.stdout
    assert not seen


REFUSALS = {
    "forbidden": (403, "the privilege contacts:read"),
    "quota_exceeded": (429, "quota is used up until"),
}


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--discover", "--estimate"])
@pytest.mark.parametrize("key", REFUSALS)
def test_a_failure_at_discovery_ends_with_one_line(
    account: Account, tmp_path: Path, option: str, key: str
) -> None:
    status, said = REFUSALS[key]
    fault = on_every(
        1, answering(status, json.dumps({"error_key": key})), "/v3/contact_custom_fields"
    )
    with Sandbox(account, middlewares=[fault]) as sandbox:
        config = config_for(sandbox, tmp_path, custom_fields_by_name=True)
        result = run_tap(tmp_path, option, config=config)
    assert result.returncode == 1
    (error,) = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert said in error
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_a_quota_ends_a_run_with_a_catalog_as_it_does_without_the_fields(
    account: Account, tmp_path: Path, present: None
) -> None:
    limits: list[bool] = []

    @web.middleware
    async def limit(request: web.Request, handler: Any) -> Any:
        if limits and request.path.startswith("/v3/"):
            return web.json_response({"error_key": "quota_exceeded"}, status=429)
        return await handler(request)

    with Sandbox(account, middlewares=[limit]) as sandbox:
        config = config_for(sandbox, tmp_path, custom_fields_by_name=True)
        catalog = discovered(config)
        limits.append(True)
        result = sync(config, streams=("contacts",), catalog=catalog)
    assert result.exit_code == 0
    assert not result.records["contacts"]


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(["visits", "visits", "VISITS", "Straße", "STRASSE", "a", "A_k1", "a_k0", ""]),
    st.sampled_from(['"', "\\", "\n", "\0", "\ud800", '","', "a.b", "x" * 300, "İ", "k1"]),
)
SENT = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(["1_000", "१२", "1e400", "0.10000000000000000001", "9" * 30, str(2**53 + 1)]),
    st.sampled_from(["true", "2026-01-31T12:00:00Z", "2026-01-31", "a", "a\0", "1", None, 7]),
)
KINDS = st.sampled_from(
    [*FIELD_KINDS, "string", "date", "text_area", "single_select", "hologram", None]
)


@given(
    fields=st.lists(st.tuples(NAMES, KINDS), min_size=1, max_size=5),
    sent=st.lists(SENT, min_size=5, max_size=5),
)
def test_custom_fields_may_have_any_text_as_name_and_value(fields: Any, sent: Any) -> None:
    defined = [
        {
            "custom_field_id": f"k{number}",
            "name": name,
            "type": kind,
            "choices": [{"choice_id": 1, "choice_label": "a"}],
        }
        for number, (name, kind) in enumerate(fields)
    ]
    definitions = Rows("fields", ContactCustomFieldsStream.schema, ()).records(defined)
    by_id = FieldsByName(definitions)
    properties = ContactsStream.schema["properties"]
    schema = {**ContactsStream.schema, "properties": {**properties, BY_NAME: by_id.schema}}
    values = [
        {"custom_field_id": f"k{number}", "value": value}
        for number, value in enumerate(sent[: len(fields)])
    ]
    body = json.dumps({"contacts": [{"contact_id": "1", "custom_fields": values}]})
    rows = RowsWithFields("contacts", schema, ("contact_id",), by_id)
    contacts = json.loads(body)["contacts"]
    records = [rows.records(contacts)]
    if "\\u0000" not in body and "\\ud" not in body:
        records.append(rows.records(msgspec.Raw(json.dumps(contacts).encode())))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for (record,) in records:
        line = msgspec.json.encode(record)
        assert b"\\u0000" not in line
        validator.validate(json.loads(line))
        assert json.loads(line) == json.loads(msgspec.json.encode(records[0][0]))
    assert len({name.casefold() for name in by_id.names.values()}) == len(fields)


ODD_NAMES = ('Say "hi"', "C:\\temp", "two\nlines", "nul\0l", "visits", "a.b")


def test_fields_of_odd_names_are_read(config: dict[str, Any], account: Account) -> None:
    for number, name in enumerate(ODD_NAMES):
        key = f"odd-{number}"
        account.custom_fields[key] = {**field(account, "remarks"), "custom_field_id": key}
        account.custom_fields[key] |= {"name": name, "created_at": "2026-01-01T00:00:00Z"}
        for contact in account.contacts.values():
            contact["custom_fields"].append({"custom_field_id": key, "value": name})
    catalog = discovered(config)
    result = sync(config, streams=("contacts",), catalog=catalog)
    assert result.exit_code == 0
    wanted = {name: name for name in ODD_NAMES} | {"null": "null", "visits_odd-4": "visits"}
    del wanted["nul\0l"], wanted["visits"]
    for named in by_name(result):
        assert wanted.items() <= named.items()
