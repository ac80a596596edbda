"""A catalog selects what it says, or is refused in one plain line before the first request."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_constantcontact.config.catalog import checked
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import DECLARED
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.parameters import primary_keys, stream_of
from tests.runs import Run, config_for, sync
from tests.sandboxes import account_of, record_requests

pytestmark = pytest.mark.contacts(6, young=True)

CONFIG = {"access_token": "t"}
WHOLE: dict[str, Any] = json.loads(TapConstantContact(config=CONFIG).catalog_json_text)
"""The catalog that the tap discovers."""

Change = Callable[[dict[str, Any]], Any]


def entry_of(catalog: dict[str, Any], stream: str) -> dict[str, Any]:
    return next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)


def metadata_of(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the metadata of a property, or of the stream."""
    crumb = [part for name in names for part in ("properties", name)]
    found: dict[str, Any] = next(
        part["metadata"] for part in entry["metadata"] if part["breadcrumb"] == crumb
    )
    return found


def of_contacts(change: Change) -> dict[str, Any]:
    """Return a catalog that selects contacts, with their entry changed."""
    catalog = copy.deepcopy(WHOLE)
    select(catalog, {"contacts"})
    change(entry_of(catalog, "contacts"))
    return catalog


def deselect(*names: str) -> Change:
    return lambda entry: metadata_of(entry, *names).update(selected=False)


def rename(old: str, new: str) -> Change:
    """Rename a property wherever an entry names it."""

    def change(entry: dict[str, Any]) -> None:
        properties = entry["schema"]["properties"]
        properties[new] = properties.pop(old)
        for part in entry["metadata"]:
            part["breadcrumb"] = [new if name == old else name for name in part["breadcrumb"]]

    return change


def errors_of(catalog: Any) -> str:
    """Return what the tap refuses a catalog with."""
    with pytest.raises(ConfigValidationError) as caught:
        checked(catalog, DECLARED, lambda _: None)
    return "; ".join(caught.value.errors)


def warnings_of(catalog: Any) -> list[str]:
    warnings: list[str] = []
    checked(catalog, DECLARED, warnings.append)
    return warnings


# What is refused


def also_of(*crumb: str, **metadata: Any) -> Change:
    """Add metadata of a breadcrumb."""
    part = {"breadcrumb": [*crumb], "metadata": {"selected": False, **metadata}}
    return lambda entry: entry["metadata"].append(part)


REFUSED: dict[str, tuple[Change, str]] = {
    "an unknown stream": (lambda e: e.update(tap_stream_id="contacs"), "'contacs' (did you mean"),
    "metadata of an unknown property": (
        also_of("properties", "email_adress"),
        "no property 'email_adress' (did you mean email_address?)",
    ),
    "metadata of an unknown property of an object": (
        also_of("properties", "email_address", "properties", "adress"),
        "no property 'email_address.adress' (did you mean address?)",
    ),
    "metadata below an unknown property": (
        also_of("properties", "email_adress", "properties", "address"),
        "no property 'email_adress' (did you mean email_address?)",
    ),
    "metadata within the items of an array": (
        also_of("properties", "street_addresses", "items", "properties", "street"),
        "what is in street_addresses is selected as a whole",
    ),
    "a schema that lacks a part of an array's items": (
        lambda e: e["schema"]["properties"]["street_addresses"]["items"]["properties"].pop(
            "street"
        ),
        "lacks a part of what is in street_addresses",
    ),
    "a breadcrumb that is none": (also_of("email_address"), "no property"),
    "a schema with an unknown property": (
        rename("email_address", "email_adress"),
        "did you mean email_address?",
    ),
    "a misspelt key of an entry": (
        lambda e: e.update(metdata=e.pop("metadata")),
        "unknown key 'metdata' in the entry (did you mean metadata?)",
    ),
    "a misspelt key of metadata": (
        lambda e: metadata_of(e, "email_address").update(selcted=False),
        "'selcted' (did you mean selected?)",
    ),
    "a key of metadata with underscores": (
        lambda e: metadata_of(e, "email_address").update(selected_by_default=False),
        "did you mean selected-by-default?",
    ),
    "a text for a choice": (
        lambda e: metadata_of(e, "email_address").update(selected="false"),
        "selected of email_address is neither true nor false",
    ),
    "a misspelt inclusion": (
        lambda e: metadata_of(e, "email_address").update(inclusion="unsuported"),
        "inclusion of email_address",
    ),
    "a choice beside the metadata": (
        lambda e: e.update(selected=False),
        "selected of the entry contradicts the metadata",
    ),
    "a choice in the schema": (
        lambda e: e["schema"]["properties"]["email_address"].update(selected=False),
        "selected of email_address is in the schema",
    ),
    "two choices": (also_of("properties", "email_address"), "a breadcrumb twice"),
    "another name": (lambda e: e.update(stream="people"), "__alias__"),
    "an alias": (lambda e: e.update(stream_alias="people"), "__alias__"),
    "an unknown key": (
        lambda e: e.update(key_properties=["contact"]),
        "no property 'contact' for a key (did you mean contact_id?)",
    ),
    "a deselected key": (
        lambda e: (e.update(key_properties=["created_at"]), deselect("created_at")(e)),
        "the key created_at is deselected",
    ),
    "a key that is no list": (
        lambda e: metadata_of(e).update({"table-key-properties": "contact_id"}),
        "not a list",
    ),
    "a schema without the key": (
        lambda e: e["schema"]["properties"].pop("contact_id"),
        "lacks the key contact_id",
    ),
    "no schema": (lambda e: e.pop("schema"), "schema"),
    "a schema of another form": (lambda e: e.update(schema=[]), "Expected `object`"),
    "metadata of another form": (lambda e: e.update(metadata={}), "Expected `array`"),
    "no selected stream": (deselect(), "selects no stream"),
    "an automatic choice": (
        lambda e: metadata_of(e).update(selected=False, inclusion="automatic"),
        "selects no stream",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_catalog_with_impossible_metadata_is_refused(name: str) -> None:
    change, said = REFUSED[name]
    assert said in errors_of(of_contacts(change))


@pytest.mark.parametrize("catalog", [{}, {"streams": []}, {"streams": {}}, [], "a", {"strems": []}])
def test_a_malformed_catalog_is_refused(catalog: Any) -> None:
    assert "catalog" in errors_of(catalog)


def test_a_stream_that_is_there_twice_is_refused() -> None:
    catalog = of_contacts(deselect("email_address"))
    catalog["streams"].append(entry_of(WHOLE, "contacts"))
    assert "the stream contacts twice" in errors_of(catalog)


def test_nothing_is_sent_before_a_catalog_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    seen = record_requests(sandbox)
    catalog = of_contacts(also_of("properties", "email_adress"))
    with pytest.raises(ConfigValidationError):
        sync(config_for(sandbox, tmp_path, custom_fields_by_name=True), catalog=catalog)
    assert not seen


# What is warned of

WARNED: dict[str, tuple[Change, str]] = {
    "an unknown replication key": (
        lambda e: metadata_of(e).update({"replication-key": "nope"}),
        "replication-key 'nope' has no effect: the stream is read INCREMENTAL by updated_at",
    ),
    "another replication key": (lambda e: e.update(replication_key="created_at"), "'created_at'"),
    "a method that the tap does not have": (
        lambda e: e.update(replication_method="LOG_BASED"),
        "replication_method 'LOG_BASED' has no effect",
    ),
    "a method in the metadata alone": (
        lambda e: metadata_of(e).update({"replication-method": "FULL_TABLE"}),
        "replication-method 'FULL_TABLE' has no effect",
    ),
    "unknown metadata": (lambda e: metadata_of(e).update(colour="red"), "metadata 'colour'"),
    "no key": (
        lambda e: (
            e.update(key_properties=[]) or metadata_of(e).update({"table-key-properties": []})
        ),
        "key_properties is empty",
    ),
    "a key in the metadata alone": (
        lambda e: metadata_of(e).update({"table-key-properties": ["created_at"]}),
        "table-key-properties has no effect",
    ),
    "a key that is left out": (
        lambda e: metadata_of(e, "contact_id").update(selected=False, inclusion="available"),
        "contact_id is read although it is deselected",
    ),
    "a part of a deselected object": (
        lambda e: (
            deselect("email_address")(e),
            metadata_of(e, "email_address", "address").update(selected=True),
        ),
        "to select email_address.address has no effect, as email_address is deselected",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_metadata_without_effect_is_warned_of(name: str) -> None:
    change, said = WARNED[name]
    (warning,) = warnings_of(of_contacts(change))
    assert said in warning


def test_a_part_of_the_catalog_that_has_no_effect_is_warned_of() -> None:
    assert "'version'" in warnings_of({**WHOLE, "version": 1})[0]


# What runners write


def as_meltano(entry: dict[str, Any], **metadata: Any) -> None:
    """Write metadata of a stream as Meltano does: with underscores into its entry, too."""
    metadata_of(entry).update({name.replace("_", "-"): one for name, one in metadata.items()})
    entry.update(metadata)


def by_pattern(entry: dict[str, Any]) -> None:
    """Choose as Meltano does for `contacts.*` and `!contacts.email_address`."""
    for part in entry["metadata"]:
        part["metadata"]["selected"] = True
    metadata_of(entry, "email_address")["selected"] = False
    entry["selected"] = True


VALID: dict[str, Change] = {
    "as discovered": lambda _: None,
    "Meltano's patterns": by_pattern,
    "Meltano's metadata": lambda e: as_meltano(e, replication_method="FULL_TABLE", selected=True),
    "every key of the SDK": lambda e: e.update(
        is_view=False, database_name="d", table_name="t", row_count=1, stream_alias=None
    ),
    "without a name": lambda e: e.pop("stream"),
    "without metadata": lambda e: e.pop("metadata"),
    "a key for the target": lambda e: e.update(key_properties=["contact_id", "created_at"]),
    "of an older version": lambda e: e["schema"]["properties"].pop("sms_channel"),
    "another type": lambda e: e["schema"]["properties"].update(email_address={"type": "string"}),
    "a key that is always read": deselect("contact_id"),
}


@pytest.mark.parametrize("name", VALID)
def test_metadata_that_runners_write_is_taken_without_a_warning(name: str) -> None:
    assert warnings_of(of_contacts(VALID[name])) == []


# What is written


def columns(run: Run, stream: str) -> set[str]:
    """Return the columns of a stream, which its schema and its records have in common."""
    assert run.exit_code == 0
    (schema,) = (line for line in run.lines if line["type"] == "SCHEMA")
    assert schema["stream"] == stream
    assert {*schema.get("bookmark_properties", ())} <= schema["schema"]["properties"].keys()
    assert {*schema["key_properties"]} <= schema["schema"]["properties"].keys()
    written = {name for record in run.records[stream] for name in record}
    assert written <= schema["schema"]["properties"].keys()
    return written


OPTIONAL = [
    name
    for name in DECLARED["contacts"].schema["properties"]
    if name not in ("contact_id", "updated_at", "custom_fields_by_name")
]


MAPS: tuple[dict[str, Any], ...] = ({}, {"contacts": {"more": "'more'"}})


@pytest.fixture(scope="module")
def columns_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., set[str]]]:
    """Read contacts, with their entry changed, for all examples of a property."""
    folder = tmp_path_factory.mktemp("run")
    with Sandbox(account_of(6, young=True)) as sandbox:

        def read(change: Change, maps: dict[str, Any]) -> set[str]:
            config = config_for(sandbox, folder, stream_maps=copy.deepcopy(maps))
            return columns(sync(config, catalog=of_contacts(change)), "contacts")

        yield read


@pytest.fixture(scope="module")
def all_columns(columns_with: Callable[..., set[str]]) -> list[set[str]]:
    return [columns_with(lambda _: None, maps) for maps in MAPS]


@settings(max_examples=min(30, settings().max_examples))  # each reads an account
@given(
    deselected=st.sets(st.sampled_from(OPTIONAL)),
    lacking=st.sets(st.sampled_from(OPTIONAL)),
    number=st.sampled_from(range(len(MAPS))),
)
def test_the_columns_are_those_that_are_selected(
    columns_with: Callable[..., set[str]],
    all_columns: list[set[str]],
    deselected: set[str],
    lacking: set[str],
    number: int,
) -> None:
    def change(entry: dict[str, Any]) -> None:
        for name in deselected:
            metadata_of(entry, name)["selected"] = False
        for name in lacking:
            del entry["schema"]["properties"][name]

    found = columns_with(change, MAPS[number])
    assert found == all_columns[number] - deselected - lacking


def test_batches_of_a_deselected_property_are_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": (tmp_path / "b").as_uri()}}
    config = config_for(sandbox, tmp_path, batch_config=batches)
    seen = record_requests(sandbox)
    for change in (
        deselect("email_address"),
        deselect("email_address", "address"),
        lambda entry: entry["schema"]["properties"].pop("email_address"),
    ):
        with pytest.raises(ConfigValidationError) as caught:
            sync(config, catalog=of_contacts(change))
        assert "what is deselected of contacts (email_address" in caught.value.errors[0]
    assert not seen
    assert sync(config, catalog=of_contacts(lambda _: None)).exit_code == 0


def test_batches_take_the_catalog_that_the_tap_discovers(sandbox: Sandbox, tmp_path: Path) -> None:
    encoding = {"format": "jsonl", "compression": "gzip"}
    batches = {"encoding": encoding, "storage": {"root": (tmp_path / "batches").as_uri()}}
    config = config_for(sandbox, tmp_path, batch_config=batches)
    assert TapConstantContact(config=config, catalog=copy.deepcopy(WHOLE))


def test_the_types_are_those_of_the_stream_whatever_a_catalog_says() -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["schema"]["properties"]["first_name"] = {"type": "integer"}

    entry = entry_of(checked(of_contacts(change), DECLARED, lambda _: None), "contacts")
    assert entry["schema"]["properties"]["first_name"]["type"] == ["string", "null"]


def test_custom_fields_by_name_are_deselected_as_well(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path, custom_fields_by_name=True)
    catalog = json.loads(TapConstantContact(config=config).catalog_json_text)
    select(catalog, {"contacts"})
    whole = sync(config, catalog=copy.deepcopy(catalog))
    assert "custom_fields_by_name" in columns(whole, "contacts")
    entry = entry_of(catalog, "contacts")
    deselect("custom_fields_by_name", "visits")(entry)
    some = sync(config, catalog=copy.deepcopy(catalog))
    fields = [row.get("custom_fields_by_name") or {} for row in some.records["contacts"]]
    assert any(fields)
    assert not any("visits" in row for row in fields)
    deselect("custom_fields_by_name")(entry)
    assert "custom_fields_by_name" not in columns(sync(config, catalog=catalog), "contacts")


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda e: (
            e.update(key_properties=[]) or metadata_of(e).update({"table-key-properties": []})
        ),
        lambda e: e.pop("key_properties"),
        lambda e: e.pop("replication_key", None) or metadata_of(e).pop("replication-key", None),
    ],
    ids=["no key", "no key named", "no replication key"],
)
def test_rows_are_told_apart_by_the_streams_own_keys(
    sandbox: Sandbox, tmp_path: Path, change: Change
) -> None:
    config = config_for(sandbox, tmp_path)
    whole = sync(config, catalog=copy.deepcopy(WHOLE))
    catalog = copy.deepcopy(WHOLE)
    for entry in catalog["streams"]:
        change(entry)
    run = sync(config, catalog=catalog)
    assert run.exit_code == 0
    for line in run.lines:
        if line["type"] == "SCHEMA":
            own = primary_keys(stream_of(line["stream"]))
            assert tuple(line["key_properties"]) == own
    assert {name: len(rows) for name, rows in run.records.items()} == {
        name: len(rows) for name, rows in whole.records.items()
    }


def test_a_key_for_the_target_tells_no_rows_apart(
    sandbox: Sandbox, tmp_path: Path, account: Account
) -> None:
    wanted = ["create_source"]
    catalog = of_contacts(lambda entry: entry.update(key_properties=wanted))
    run = sync(config_for(sandbox, tmp_path), catalog=catalog)
    assert [line["key_properties"] for line in run.lines if line["type"] == "SCHEMA"] == [wanted]
    assert run.by_key("contacts").keys() == account.contacts.keys()


# Any JSON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(OPTIONAL),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
PARTS = (
    "tap_stream_id",
    "stream",
    "schema",
    "metadata",
    "key_properties",
    "replication_key",
    "replication_method",
    "selected",
    "stream_alias",
    "selcted",
)
METADATA = (
    "selected",
    "selected-by-default",
    "inclusion",
    "replication-key",
    "replication-method",
    "table-key-properties",
    "forced-replication-method",
)


@st.composite
def catalogs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid catalog with some parts changed, at any depth."""
    catalog = {"streams": [copy.deepcopy(entry_of(WHOLE, "contacts"))]}
    for _ in range(draw(st.integers(1, 3))):
        entry = catalog["streams"][0]
        part = draw(st.sampled_from(entry["metadata"])) if entry.get("metadata") else {}
        of: list[tuple[Any, Any]] = [(entry, draw(st.sampled_from(PARTS)))]
        if isinstance(part, dict) and isinstance(part.get("metadata"), dict):
            of += [(part["metadata"], draw(st.sampled_from(METADATA))), (part, "breadcrumb")]
        schema = entry.get("schema")
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if properties and isinstance(properties, dict):
            name = draw(st.sampled_from(sorted(properties)))
            keys = ("type", "properties", "items", "anyOf", "required", "selected", "format")
            of += [(entry["schema"], "properties"), (entry["schema"]["properties"], name)]
            if isinstance(entry["schema"]["properties"][name], dict):
                of += [(entry["schema"]["properties"][name], draw(st.sampled_from(keys)))]
        where, key = draw(st.sampled_from(of))
        where[key] = draw(JSON)
        if not isinstance(catalog["streams"][0].get("metadata"), list):
            break
    return catalog


@given(catalog=catalogs() | st.fixed_dictionaries({"streams": JSON}) | JSON)
def test_any_json_as_a_catalog_is_read_or_refused(catalog: Any) -> None:
    try:
        tap = TapConstantContact(config=CONFIG, catalog=catalog)
    except ConfigValidationError as error:
        said = "; ".join(error.errors)
    else:
        said = "selected"
        assert catalog is None or any(stream.selected for stream in tap.streams.values())
    assert said.isprintable()
