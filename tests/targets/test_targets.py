"""What real targets make of the sandbox's account: rows, values, types, changes, deletions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.records.conversion import storable
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import read_whole, select
from tests.comparison import key_of
from tests.expected import Expected
from tests.generate import ROOT
from tests.parameters import primary_keys, stream_of
from tests.runs import config_for, sync
from tests.servers import BINARIES, postgres
from tests.targets import loading
from tests.targets.loading import LOADED
from tests.targets.oddities import BEYOND_A_DOUBLE, ODD_TEXTS, add_oddities
from tests.targets.targets import (
    CSV,
    OPAQUE,
    TARGETS,
    VENVS,
    Database,
    Postgres,
    Rows,
    Target,
)

pytestmark = pytest.mark.timeout(300)

MEMBERSHIPS = "contact_list_memberships"
COMPARED = (
    "contact_lists",
    "contacts",
    MEMBERSHIPS,
    "contact_custom_field_values",
    "contact_action_summary",
    "contact_activity_details",
    "email_campaigns",
)

STREAMS_OF_NESTED_ROWS = tuple(stream.name for stream in STREAMS if issubclass(stream, RowsWithin))
COLUMNS = {
    "text": ("contacts", "contact_id"),
    "texts": ("contacts", "list_memberships"),
    "objects": ("contacts", "phone_numbers"),
    "object": ("contacts", "email_address"),
    "date-time": ("contacts", "created_at"),
    "integer": ("contacts", "birthday_month"),
    "number": ("contact_open_and_click_rates", "average_open_rate"),
    "boolean": ("contact_lists", "favorite"),
}
"""A column of each kind."""

QUERY = (ROOT / "docs/loaders.md").read_text("utf-8").split("```sql\n", 1)[1].split("```")[0]
"""The query for live memberships."""

Load = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if not request.param.command("python").exists():
        pytest.skip(f"no {request.param.name} in TARGETS_VENVS")
    if not issubclass(request.param, Postgres):
        yield request.param(tmp_path)
    elif BINARIES is None:
        pytest.skip("no Postgres")
    else:
        with postgres() as url:
            yield request.param(tmp_path, url)


@pytest.fixture
def load(target: Target, sandbox: Sandbox, tmp_path: Path) -> Load:
    """Read the sandbox from a state, and load it; returns the new state."""
    return partial(loading.load, target, config_for(sandbox, tmp_path))


def alike(found: Any, wanted: Any) -> bool:  # noqa: PLR0911 - a line for each kind
    """Tell whether a value that was loaded means what the sandbox has."""
    if wanted is None:
        return found in (None, "")
    if isinstance(wanted, (dict, list)):
        found = json.loads(found) if isinstance(found, str) else found
    if isinstance(wanted, dict):
        return all(alike(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(alike, found, wanted))
    if isinstance(wanted, datetime):
        instant = datetime.fromisoformat(found.replace("Z", "+00:00"))
        return (instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)) == wanted
    if isinstance(wanted, bool):
        return str(found).lower() == str(wanted).lower()
    if isinstance(wanted, (int, float)):
        return float(found) == wanted
    return str(found) == str(wanted)


def in_utc(name: str, value: Any) -> Any:
    """Return a date-time of a key with the zone that the target's column lacks."""
    is_bare = name in {"created_time", "start_on"} and isinstance(value, str) and len(value) > 10
    return f"{value}+00:00" if is_bare and value[-6] not in "+-" and value[-1] != "Z" else value


def test_a_first_load_has_every_row_with_its_values_under_a_key(
    target: Target, load: Load, expected: Expected
) -> None:
    load({})
    tables = {stream: target.table(stream) for stream in LOADED if expected[stream]}
    for stream, (rows, _) in tables.items():
        assert len(rows) == len(expected[stream]), stream
    for stream in COMPARED:
        compare(stream, *tables[stream], expected[stream])
        if isinstance(target, Database):
            assert {*target.keys(stream)} == {*primary_keys(stream_of(stream))}
    for kind, (stream, column) in COLUMNS.items():
        assert tables[stream][1][column].startswith(target.kinds[kind]), kind
    nested = tuple(target.kinds[kind] for kind in ("texts", "objects", "object"))
    for stream in STREAMS_OF_NESTED_ROWS:
        assert not [kind for kind in tables[stream][1].values() if kind.startswith(nested)]


def compare(
    stream: str, rows: Rows, types: Mapping[str, str], wanted: Mapping[Any, Mapping[str, Any]]
) -> None:
    """Assert that the rows of a stream that were loaded mean what the sandbox has."""
    found = {
        key_of(stream, {name: in_utc(name, value or None) for name, value in row.items()}): row
        for row in rows
    }
    for key, row in wanted.items():
        for name, value in row.items():
            if types.get(name) != OPAQUE:
                assert alike(found[key].get(name), value), (stream, name, found[key], value)


def test_a_change_takes_the_place_of_the_row_and_a_deletion_is_seen(
    target: Target, load: Load, account: Account, expected: Expected
) -> None:
    state = load({})
    loaded = expected[MEMBERSHIPS]
    edited, deleted = [c for c in account.contacts.values() if len(c["list_memberships"]) > 1][:2]
    left = edited["contact_id"], edited["list_memberships"].pop()
    now = datetime.now(timezone.utc)
    account.edit(edited["contact_id"], now)
    account.delete(deleted["contact_id"], now)
    load(state)
    rows, _ = target.table("contacts")
    newest = [row.get("job_title") for row in rows if row["contact_id"] == edited["contact_id"]]
    assert edited["job_title"] in newest
    assert any(row.get("deleted_at") for row in rows if row["contact_id"] == deleted["contact_id"])
    if isinstance(target, Database):
        assert len(rows) == len({row["contact_id"] for row in rows}) == len(account.contacts)
        memberships, _ = target.table(MEMBERSHIPS)
        assert {key_of(MEMBERSHIPS, row) for row in memberships} == loaded.keys()
        live = {key_of(MEMBERSHIPS, row) for row in target.query(QUERY)}
        assert live == expected[MEMBERSHIPS].keys() < loaded.keys() - {left}


@pytest.mark.parametrize("target", [Postgres], indirect=True)
def test_a_full_table_loses_the_rows_that_are_gone(
    target: Postgres, sandbox: Sandbox, tmp_path: Path, account: Account, expected: Expected
) -> None:
    config = config_for(sandbox, tmp_path, emit_activate_version_messages=True)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, (MEMBERSHIPS,))
    read_whole(catalog, MEMBERSHIPS)
    left = next(c for c in account.contacts.values() if len(c["list_memberships"]) > 1)
    target.load(sync(config, catalog=catalog).lines, activate_version=True, hard_delete=True)
    left["list_memberships"].pop()
    target.load(sync(config, catalog=catalog).lines, activate_version=True, hard_delete=True)
    rows, _ = target.table(MEMBERSHIPS)
    assert {key_of(MEMBERSHIPS, row) for row in rows} == expected[MEMBERSHIPS].keys()


def test_a_flattened_table_has_arrays_but_no_objects(sandbox: Sandbox, tmp_path: Path) -> None:
    target = CSV(tmp_path)
    if not target.command("python").exists():
        pytest.skip("no csv in TARGETS_VENVS")
    config = config_for(sandbox, tmp_path, flattening_enabled=True, flattening_max_depth=3)
    target.load(sync(config, streams=("contacts",)).lines)
    rows, types = target.table("contacts")
    assert rows
    assert types["email_address__address"] == "text"
    assert "email_address" not in types
    assert types["custom_fields"] == OPAQUE


def test_unusual_names_and_values_are_loaded(
    target: Target, sandbox: Sandbox, tmp_path: Path, account: Account, expected: Expected
) -> None:
    add_oddities(account, datetime.now(timezone.utc))
    load = partial(loading.load, target, config_for(sandbox, tmp_path, custom_fields_by_name=True))
    load({})
    rows, _ = target.table("contacts")
    names = {row["contact_id"]: row.get("first_name") for row in rows}
    stored = {text: storable(text) for text in ODD_TEXTS}
    for contact in [*account.contacts.values()][: len(ODD_TEXTS)]:
        assert names[contact["contact_id"]] == stored[contact["first_name"]]
    named = [row["custom_fields_by_name"] for row in rows]
    if isinstance(target, Postgres):
        for row in named:
            found = json.loads(row) if isinstance(row, str) else row
            assert {*stored.values()} <= {*map(str, found.values())}
        assert BEYOND_A_DOUBLE in str(named)
    details, _ = target.table("contact_activity_details")
    assert len(details) == len({row["activity_id"] for row in details})
    assert {row["activity_id"] for row in details} == {
        activity_id for _, activity_id in expected["contact_activity_details"]
    }


def test_singer_check_tap_finds_every_message_valid(sandbox: Sandbox, tmp_path: Path) -> None:
    program = VENVS / "singer-tools" / "bin" / "singer-check-tap"
    if not program.exists():
        pytest.skip("no singer-tools in TARGETS_VENVS")
    lines = sync(config_for(sandbox, tmp_path)).lines
    checked = subprocess.run(
        [program],
        input="\n".join(map(json.dumps, lines)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "The output is valid." in checked.stdout
    assert f"It contained {len(lines)} messages" in checked.stdout
