"""What real targets make of the sandbox's account: rows, values, types, changes, deletions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.expected import Expected
from tests.generate import ROOT
from tests.harness import config_for, key_of, primary_keys, stream_of, sync
from tests.servers import BINARIES, postgres
from tests.targets.targets import CSV, OPAQUE, TARGETS, JSONLines, Parquet, Postgres, Target

pytestmark = pytest.mark.timeout(300)

LOADED = [
    stream.name
    for stream in STREAMS
    if stream.selected_by_default or stream.name.startswith("contact_")
]
COMPARED = (
    "contact_lists",
    "contacts",
    "contact_list_memberships",
    "contact_custom_field_values",
    "contact_action_summary",
    "contact_activity_details",
    "email_campaigns",
)

Load = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if not request.param.command("python").exists():
        pytest.skip(f"no {request.param.name} in TARGETS_VENVS")
    if request.param is not Postgres:
        yield request.param(tmp_path)
    elif BINARIES is None:
        pytest.skip("no Postgres")
    else:
        with postgres() as url:
            yield Postgres(tmp_path, url)


@pytest.fixture
def load(target: Target, sandbox: Sandbox, tmp_path: Path) -> Load:
    """Read the sandbox from a state, and load it; returns the new state."""

    def load_from(state: dict[str, Any]) -> dict[str, Any]:
        config = config_for(sandbox, tmp_path)
        catalog = TapConstantContact(config=config).catalog_dict
        select(catalog, LOADED)
        if isinstance(target, Parquet):
            target.run(config, catalog, state)
            return {}
        run = sync(config, state, catalog=catalog)
        assert run.exit_code == 0
        target.load(run.lines)
        return run.state

    return load_from


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


def test_a_first_load_has_every_row_and_value(
    target: Target, load: Load, expected: Expected
) -> None:
    load({})
    for stream in LOADED:
        if not (wanted := expected[stream]):
            continue
        rows, types = target.table(stream)
        assert len(rows) == len(wanted), stream
        assert set(types) >= set(primary_keys(stream_of(stream)))
        if stream not in COMPARED:
            continue
        found = {
            key_of(stream, {name: in_utc(name, value or None) for name, value in row.items()}): row
            for row in rows
        }
        for key, row in wanted.items():
            for name, value in row.items():
                if types.get(name) != OPAQUE:
                    assert alike(found[key].get(name), value), (stream, name, found[key], value)


def test_a_change_takes_the_place_of_the_row_and_a_deletion_is_seen(
    target: Target, load: Load, account: Account
) -> None:
    state = load({})
    edited, deleted, *_ = (
        key for key in account.contacts if "deleted_at" not in account.contacts[key]
    )
    now = datetime.now(timezone.utc)
    account.edit(edited, now)
    account.delete(deleted, now)
    load(state)
    rows, _ = target.table("contacts")
    found = {row["contact_id"]: row for row in rows}
    if target.has_keys:
        assert len(rows) == len(found) == len(account.contacts)
    newest = [row.get("job_title") for row in rows if row["contact_id"] == edited]
    assert account.contacts[edited]["job_title"] in newest
    assert any(row.get("deleted_at") for row in rows if row["contact_id"] == deleted)


DATES = {"postgres": "timestamp without time zone", "duckdb": "TIMESTAMP"}


def test_columns_have_types(target: Target, load: Load) -> None:
    load({})
    _, contacts = target.table("contacts")
    _, details = target.table("contact_activity_details")
    assert contacts["created_at"] == DATES.get(target.name, contacts["created_at"])
    assert details["created_time"] == DATES.get(target.name, details["created_time"])
    if target.name == "csv":
        assert contacts["custom_fields"] == OPAQUE
    if target.name == "parquet":
        assert contacts["list_memberships"] == "list<element: string>"


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


def test_the_script_of_the_readme_goes_on_from_the_last_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    if not JSONLines.command("target-jsonl").exists():
        pytest.skip("no jsonl in TARGETS_VENVS")
    readme = (ROOT / "README.md").read_text("utf-8")
    script = tmp_path / "run.sh"
    script.write_text(readme.split("```sh\n", 1)[1].split("```")[0])
    script.chmod(0o700)
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox, tmp_path)))
    commands = (JSONLines.command("target-jsonl").parent, Path(sys.executable).parent)
    path = os.pathsep.join([*map(str, commands), os.environ["PATH"]])
    for rows in (len(sandbox.account.contacts), 0):
        subprocess.run([script], check=True, env={**os.environ, "PATH": path})
        files = list(tmp_path.glob("contacts-*.jsonl"))
        assert sum(len(file.read_text().splitlines()) for file in files) == rows
        for file in files:
            file.unlink()
        assert json.loads((tmp_path / "state.json").read_text())["bookmarks"]["contacts"]
