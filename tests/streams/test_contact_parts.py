"""What contacts have several of, as tables of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import time_machine

from tap_constantcontact.commands import estimate
from tap_constantcontact.reading import spool
from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import read_whole, select
from tests.expected import Expected
from tests.faults import changing
from tests.runs import FaultyRunner, Run, Runner, config_for, sync, tap_with
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)


PARTS = tuple(stream.name for stream in STREAMS if issubclass(stream, RowsWithin))
MEMBERSHIPS, TAGGINGS, *_, CONSENTS = PARTS


@pytest.mark.slow
@pytest.mark.parametrize("in_memory", [0, spool.IN_MEMORY], ids=["on disk", "in memory"])
@pytest.mark.parametrize(
    "streams", [("contacts", *PARTS), PARTS, PARTS[3:]], ids=["with contacts", "without", "some"]
)
def test_contact_parts_cost_no_request_beside_those_of_contacts(  # noqa: PLR0913, PLR0917
    run: Runner,
    expected: Expected,
    requests_seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    streams: tuple[str, ...],
    in_memory: int,
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", in_memory)
    run(streams="contacts")
    without = len(requests_seen)
    result = run(streams=streams)
    assert len(requests_seen) == 2 * without
    for stream in streams:
        assert len(result.records[stream]) == len(expected[stream])
        assert result.by_key(stream) == expected[stream]
    assert [*result.records] == [*streams]


def test_a_contact_part_that_is_selected_later_reads_all_contacts_again(
    run: Runner, expected: Expected, account: Account
) -> None:
    first = run(streams=("contacts", TAGGINGS))
    second = run(first.state, streams=("contacts", TAGGINGS))
    assert not second.records[TAGGINGS]
    third = run(second.state, streams=("contacts", TAGGINGS, MEMBERSHIPS))
    assert third.by_key(MEMBERSHIPS) == expected[MEMBERSHIPS]
    assert third.by_key("contacts") == expected["contacts"]
    fourth = run(third.state, streams=(TAGGINGS, MEMBERSHIPS))
    assert not any(fourth.records.values())


def test_a_membership_that_is_gone_is_older_than_its_contact(run: Runner, account: Account) -> None:
    streams = ("contacts", MEMBERSHIPS)
    first = run(streams=streams)
    contact = next(c for c in account.contacts.values() if len(c["list_memberships"]) > 1)
    gone = contact["list_memberships"].pop()
    contact["updated_at"] = (account.now + timedelta(minutes=1)).isoformat()
    second = run(first.state, streams=streams)
    contacts = first.by_key("contacts") | second.by_key("contacts")
    rows = first.by_key(MEMBERSHIPS) | second.by_key(MEMBERSHIPS)
    older = {
        key
        for key, row in rows.items()
        if row["contact_updated_at"] < contacts[key[0]]["updated_at"]
    }
    assert older == {(contact["contact_id"], gone)}


@pytest.mark.slow
def test_no_contact_part_is_lost_after_any_state_of_a_run(run: Runner, expected: Expected) -> None:
    streams = ("contacts", *PARTS)
    whole = run(streams=streams)
    ends = [n for n, line in enumerate(whole.lines, 1) if line["type"] == "STATE"]
    assert len(ends) >= len(streams)
    for end in ends:
        killed = Run(whole.lines[:end])
        resumed = run(killed.state, streams=streams)
        for stream in streams:
            assert killed.by_key(stream) | resumed.by_key(stream) == expected[stream]


def test_a_row_without_its_key_is_fatal(read: FaultyRunner) -> None:
    def take_key(body: Any) -> None:
        for contact in body["contacts"]:
            for number in contact["phone_numbers"]:
                del number["phone_number_id"]

    result, (said,) = read(changing("contacts", take_key), streams=("contact_phone_numbers",))
    assert result.exit_code == 1
    assert "a row of contact_phone_numbers without phone_number_id" in said


FILTERS: dict[str, Callable[[Account], dict[str, Any]]] = {
    "status": lambda _: {"contact_status": ["unsubscribed"]},
    "list": lambda account: {"contact_list_ids": [*account.lists][:1]},
    "window": lambda _: {"updated_days_back": 90},
}


@pytest.mark.parametrize("streams", [("contacts", *PARTS), PARTS], ids=["with contacts", "without"])
@pytest.mark.parametrize("name", FILTERS)
def test_contact_parts_are_of_the_contacts_that_settings_choose(
    run: Runner, expected: Expected, account: Account, name: str, streams: tuple[str, ...]
) -> None:
    settings = FILTERS[name](account)
    chosen = run(streams="contacts", **settings).by_key("contacts").keys()
    assert 0 < len(chosen) < len(account.contacts)
    result = run(streams=streams, **settings)
    for stream in PARTS:
        wanted = {key: row for key, row in expected[stream].items() if key[0] in chosen}
        assert result.by_key(stream) == wanted


def test_only_the_part_that_is_needed_has_to_be_included(run: Runner, expected: Expected) -> None:
    result = run(streams=TAGGINGS, contact_includes=["taggings"])
    assert result.by_key(TAGGINGS) == expected[TAGGINGS]


@pytest.mark.parametrize("settings", [{"contact_includes": []}, {"segment_id": "2"}], ids=str)
def test_consents_come_with_every_contact_whatever_is_included(
    sandbox: Sandbox, tmp_path: Path, expected: Expected, account: Account, settings: dict[str, Any]
) -> None:
    account.segments["2"] = [*account.contacts][::2]
    chosen = account.segments["2"] if "segment_id" in settings else account.contacts
    wanted = {key: row for key, row in expected[CONSENTS].items() if key[0] in chosen}
    assert wanted
    config = config_for(sandbox, tmp_path, **settings)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, (CONSENTS,))
    assert sync(config, catalog=catalog).by_key(CONSENTS) == wanted


def test_every_row_is_valid_by_its_emitted_schema(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, PARTS)
    result = sync(config, catalog=catalog)
    schemas = {line["stream"]: line["schema"] for line in result.lines if line["type"] == "SCHEMA"}
    assert {*schemas} == {*result.records} == {*PARTS}
    for stream, schema in schemas.items():
        validator = jsonschema.Draft202012Validator(
            schema | {"additionalProperties": False}, format_checker=jsonschema.FormatChecker()
        )
        for record in result.records[stream]:
            validator.validate(record)


@pytest.mark.parametrize("by_name", [False, True])
def test_contact_parts_do_not_need_nested_properties_of_contacts_selected(
    sandbox: Sandbox, tmp_path: Path, expected: Expected, *, by_name: bool
) -> None:
    config = config_for(sandbox, tmp_path, custom_fields_by_name=by_name)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, ("contacts", *PARTS))
    contacts = next(one for one in catalog["streams"] if one["tap_stream_id"] == "contacts")
    nested = {stream.part for stream in STREAMS if issubclass(stream, RowsWithin)}
    for entry in contacts["metadata"]:
        if entry["breadcrumb"] and entry["breadcrumb"][1] in nested:
            entry["metadata"]["selected"] = False
    result = sync(config, catalog=catalog)
    assert not any(nested & contact.keys() for contact in result.records["contacts"])
    for stream in PARTS:
        assert result.by_key(stream) == expected[stream]


@pytest.mark.parametrize("streams", [("contacts", *PARTS), PARTS], ids=["with contacts", "without"])
def test_no_contact_part_is_lost_when_a_limit_stops_runs(
    run: Runner, expected: Expected, monkeypatch: pytest.MonkeyPatch, streams: tuple[str, ...]
) -> None:
    monkeypatch.setattr(ContactsStream, "page_size", 10)
    stopped = run(streams=streams, budget=3)
    assert "full_read_at" not in str(stopped.state)
    resumed = run(stopped.state, streams=streams)
    assert "full_read_at" in str(resumed.state)
    for stream in streams:
        assert stopped.by_key(stream)
        assert len(resumed.by_key(stream)) < len(expected[stream])
        assert stopped.by_key(stream) | resumed.by_key(stream) == expected[stream]


def is_over(row: dict[str, Any], contact: dict[str, Any]) -> bool:
    """Tell whether a row is gone, as a query would."""
    return "deleted_at" in contact or row["contact_updated_at"] < contact["updated_at"]


def test_a_removal_that_moves_no_date_shows_when_all_contacts_are_read_again(
    run: Runner, expected: Expected, account: Account
) -> None:
    streams = ("contacts", MEMBERSHIPS)
    first = run(streams=streams)
    contact = next(c for c in account.contacts.values() if len(c["list_memberships"]) > 1)
    gone = (contact["contact_id"], contact["list_memberships"].pop())
    second = run(first.state, streams=streams)
    assert not second.records[MEMBERSHIPS]
    with time_machine.travel(PRESENT + timedelta(days=8), tick=True):
        third = run(second.state, streams=streams)
    assert first.by_key(MEMBERSHIPS).keys() - third.by_key(MEMBERSHIPS).keys() == {gone}
    assert third.by_key(MEMBERSHIPS) == expected[MEMBERSHIPS]
    assert not is_over(first.by_key(MEMBERSHIPS)[gone], third.by_key("contacts")[gone[0]])


def test_the_memberships_of_a_deleted_contact_are_over(run: Runner, account: Account) -> None:
    streams = ("contacts", MEMBERSHIPS, TAGGINGS)
    first = run(streams=streams)
    contact = next(c for c in account.contacts.values() if c["list_memberships"] and c["taggings"])
    account.delete(contact["contact_id"], account.now + timedelta(minutes=1))
    second = run(first.state, streams=streams)
    assert not second.records[MEMBERSHIPS]
    assert {row["tag_id"] for row in second.records[TAGGINGS]} == {*contact["taggings"]}
    (deleted,) = second.by_key("contacts").values()
    rows = first.by_key(MEMBERSHIPS)
    own = [row for row in rows.values() if row["contact_id"] == contact["contact_id"]]
    assert own
    assert all(is_over(row, deleted) for row in own)


def test_the_memberships_of_a_contact_who_unsubscribes_come_again(
    run: Runner, account: Account
) -> None:
    streams = ("contacts", MEMBERSHIPS)
    first = run(streams=streams)
    contact = next(
        c for c in account.contacts.values() if c["list_memberships"] and status(c) == "active"
    )
    account.unsubscribe(contact["contact_id"], account.now + timedelta(minutes=1))
    second = run(first.state, streams=streams)
    (unsubscribed,) = second.by_key("contacts").values()
    again = second.by_key(MEMBERSHIPS)
    assert {list_id for _, list_id in again} == {*contact["list_memberships"]}
    assert again.items() <= first.by_key(MEMBERSHIPS).items()
    assert not any(is_over(row, unsubscribed) for row in again.values())


@pytest.mark.slow
def test_as_a_full_table_rows_that_are_gone_are_left_out_of_its_version(
    sandbox: Sandbox, tmp_path: Path, expected: Expected, account: Account
) -> None:
    config = config_for(sandbox, tmp_path, emit_activate_version_messages=True)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, ("contacts", MEMBERSHIPS))
    read_whole(catalog, MEMBERSHIPS)
    first = sync(config, catalog=catalog)
    contact = next(c for c in account.contacts.values() if len(c["list_memberships"]) > 1)
    contact["list_memberships"].pop()
    second = sync(config, first.state, catalog=catalog)
    assert second.by_key(MEMBERSHIPS) == expected[MEMBERSHIPS]
    lines = [line for line in second.lines if line.get("stream") == MEMBERSHIPS]
    assert [line["stream"] for line in second.lines if line["type"] == "ACTIVATE_VERSION"] == [
        MEMBERSHIPS
    ]
    assert lines[-1]["type"] == "ACTIVATE_VERSION"
    assert {line["version"] for line in lines if "version" in line} == {lines[-1]["version"]}


@pytest.mark.parametrize("streams", [("contacts", *PARTS), PARTS], ids=["with contacts", "without"])
def test_an_estimate_counts_the_requests_once(
    run: Runner,
    sandbox: Sandbox,
    tmp_path: Path,
    requests_seen: list[Any],
    streams: tuple[str, ...],
) -> None:
    state: dict[str, Any] = {}
    for _ in range(2):
        tap = tap_with(config_for(sandbox, tmp_path), state, streams)
        figures = estimate.estimated(tap)
        first, *others = (line["requests"] for line in figures["streams"])
        requests_seen.clear()
        state = run(state, streams=streams).state
        assert first == figures["total"]["requests"] == len(requests_seen) > 0
        assert others == [0] * (len(streams) - 1)
