"""Files for people: what they hold, and that each is whole or is not there."""

from __future__ import annotations

import csv
import errno
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.cli import Command
from tap_constantcontact.output.files.destination import Destination
from tap_constantcontact.output.files.formats import CSVTable, cell
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import partly_slow
from tests.runs import Runner, config_for

pytestmark = pytest.mark.contacts(12, young=True)

STREAMS = ["contact_lists", "contacts"]


class Files:
    """Runs the tap into files."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder

    def __call__(
        self, to: Path, form: str | None = None, catalog: Any = None, **settings: Any
    ) -> None:
        config = config_for(self.sandbox, self.folder, **{"streams": STREAMS, **settings})
        files = Destination(to, form, logging.getLogger("tap-constantcontact").info)
        tap = Command(
            config=config,
            state=files.previous,
            catalog=catalog,
            message_writer=WholeLineWriter(files),
        )
        tap.write(files)


@pytest.fixture
def write(sandbox: Sandbox, tmp_path: Path) -> Files:
    return Files(sandbox, tmp_path)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".state.json.lock"}


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, with values as JSON has them."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [*csv.DictReader(file)]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def typed(value: Any) -> Any:
    """A value of a message as Parquet has it: date-times as such, and no missing properties."""
    if isinstance(value, Mapping):
        return {name: typed(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [typed(one) for one in value]
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return msgspec.convert(value, datetime) if "T" in value and len(value) >= 20 else value
        except msgspec.ValidationError:
            return value
    return value


CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a map to null": {"stream_maps": {"contacts": {"email_address": None}}},
    "a hash": {"stream_maps": {"contacts": {"first_name": "md5(contact_id)"}}},
    "a filter": {"stream_maps": {"contacts": {"__filter__": "updated_at > '2024-11-20'"}}},
    "an alias": {"stream_maps": {"contacts": {"__alias__": "people"}}},
    "a copy": {"stream_maps": {"more": {"__source__": "contacts", "email_address": None}}},
    "flattening": {"flattening_enabled": True, "flattening_max_depth": 2},
}


def of_stdout(run: Runner, **settings: Any) -> tuple[dict[str, list[Any]], dict[str, list[str]]]:
    """The records of a run to stdout, and the columns of its schemas, by stream."""
    read = run(streams=STREAMS, **settings)
    columns = {
        line["stream"]: [*line["schema"]["properties"]]
        for line in read.lines
        if line["type"] == "SCHEMA"
    }
    return {stream: read.records[stream] for stream in columns}, columns


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("change", partly_slow(["flattening"], [*CHANGES][:-1]))
def test_a_file_has_the_columns_and_rows_of_the_messages(
    run: Runner, write: Files, tmp_path: Path, form: str, change: str
) -> None:
    records, columns = of_stdout(run, **CHANGES[change])
    folder = tmp_path / "tables"
    write(folder, form, **CHANGES[change])
    assert names(folder) == {*(f"{stream}.{form}" for stream in records), "state.json"}
    for stream, expected in records.items():
        found = rows_of(folder / f"{stream}.{form}")
        if form == "csv":
            assert found == [
                {name: cell(row.get(name)) for name in columns[stream]} for row in expected
            ]
        elif form == "jsonl":
            assert found == expected
        else:
            assert pq.read_schema(folder / f"{stream}.parquet").names == columns[stream]
            assert typed(found) == typed(expected)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_deselected_property_has_no_column(write: Files, tmp_path: Path, form: str) -> None:
    config = config_for(write.sandbox, tmp_path)
    catalog: dict[str, Any] = Command(config=config).catalog_dict
    for entry in catalog["streams"]:
        for one in entry["metadata"]:
            if one["breadcrumb"] == ["properties", "email_address"]:
                one["metadata"]["selected"] = False
    write(tmp_path / f"contacts.{form}", catalog=catalog, streams=["contacts"])
    assert "email_address" not in rows_of(tmp_path / f"contacts.{form}")[0]


def test_a_later_run_writes_what_is_new_beside(write: Files, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    write(folder)
    first = (folder / "contacts.csv").read_bytes()
    write(folder)
    assert names(folder) == {"contacts.csv", "contact_lists.csv", "state.json"}
    assert (folder / "contacts.csv").read_bytes() == first
    contact_id = next(iter(write.sandbox.account.contacts))
    write.sandbox.account.contacts[contact_id]["updated_at"] = "2036-01-01T00:00:00Z"
    write(folder)
    (later,) = (path for path in folder.glob("contacts-*.csv"))
    assert [row["contact_id"] for row in rows_of(later)] == [contact_id]


def test_one_file_is_the_whole_table_each_time(write: Files, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    write(path, streams=["contacts"])
    first = path.read_bytes()
    write(path, streams=["contacts"])
    assert path.read_bytes() == first
    with pytest.raises(ConfigValidationError) as refusal:
        write(path)
    assert "is one file, and 2 streams are selected" in "".join(refusal.value.errors)


def test_a_stream_that_is_cut_short_has_no_file_and_leaves_the_state(
    write: Files, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    write(folder, streams=["contacts"])
    state = json.loads((folder / "state.json").read_bytes())
    write(folder, streams=["email_campaign_activities"], request_budget=1)
    assert names(folder) == {"contacts.csv", "state.json"}
    kept = json.loads((folder / "state.json").read_bytes())["bookmarks"]["contacts"]
    assert kept == state["bookmarks"]["contacts"]


@pytest.mark.slow
def test_a_sweep_over_many_runs_is_in_the_files_once(
    run: Runner, write: Files, tmp_path: Path
) -> None:
    stream = "contact_activity_details"
    expected = run(streams=stream).records[stream]
    folder = tmp_path / "tables"
    for _ in range(30):
        write(folder, "jsonl", streams=[stream], request_budget=6)
    found = [row for path in folder.glob("*.jsonl") for row in rows_of(path)]
    assert len(names(folder)) > 3
    assert sorted(row["activity_id"] for row in found) == sorted(
        row["activity_id"] for row in expected
    )


def test_a_full_disk_leaves_whole_files(
    write: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tables"
    put = CSVTable.write

    def full(table: CSVTable, row: bytes) -> None:
        if b"email_address" in row:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(table, row)

    monkeypatch.setattr(CSVTable, "write", full)
    with pytest.raises(SystemExit):
        write(folder)
    assert names(folder) == {"contact_lists.csv", "state.json"}


def test_a_disk_that_fills_up_within_a_sweep_leaves_the_state_before_it(
    run: Runner, write: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = "contact_activity_details"
    expected = run(streams=stream).records[stream]
    folder = tmp_path / "tables"
    write(folder, streams=["contact_lists"])
    put, room = CSVTable.write, len(expected) - 3

    def filling(table: CSVTable, row: bytes) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(table, row)

    with monkeypatch.context() as patched:
        patched.setattr(CSVTable, "write", filling)
        with pytest.raises(SystemExit):
            write(folder, streams=[stream])
    assert names(folder) == {"contact_lists.csv", "state.json"}
    write(folder, streams=[stream])
    assert len(rows_of(folder / f"{stream}.csv")) == len(expected)


def test_a_folder_keeps_its_format(write: Files, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    write(folder, "jsonl", streams=["contact_lists"])
    with pytest.raises(ConfigValidationError) as refusal:
        write(folder, "csv", streams=["contact_lists"])
    assert "has jsonl files" in "".join(refusal.value.errors)
    write(folder, streams=["contacts"])
    assert "contacts.jsonl" in names(folder)


def test_a_file_that_was_removed_is_not_taken_for_the_whole_table(
    write: Files, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    write(folder, streams=["contacts"])
    (folder / "contacts.csv").unlink()
    contact_id = next(iter(write.sandbox.account.contacts))
    write.sandbox.account.contacts[contact_id]["updated_at"] = "2036-01-01T00:00:00Z"
    write(folder, streams=["contacts"])
    assert "contacts.csv" not in names(folder)
    assert len([*folder.glob("contacts-*.csv")]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_whole_files(tmp_path: Path, signum: int) -> None:
    folder = tmp_path / "tables"
    command = [sys.executable, "-m", "tap_constantcontact", "--sandbox", "--to", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (folder / "contacts.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signum)
    kept = set(folder.glob("*.csv"))
    with (folder / "contacts.csv").open(encoding="utf-8", newline="") as file:
        assert len([*csv.reader(file)]) == 304
    state = json.loads((folder / "state.json").read_bytes())["bookmarks"]
    again = subprocess.run(command, capture_output=True, check=False)
    assert again.returncode == 0
    assert not [*folder.glob(".*.part")]
    if "contacts" in state:
        assert {path.name for path in kept} <= names(folder)


def test_two_runs_into_one_folder_are_refused(write: Files, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    first = Destination(folder, None, lambda _: None)
    with pytest.raises(ConfigValidationError) as refusal:
        Destination(folder, None, lambda _: None)
    assert "another run writes to" in "".join(refusal.value.errors)
    assert first.previous is None


def test_two_runs_into_one_file_are_refused(tmp_path: Path) -> None:
    first = Destination(tmp_path / "a.csv", None, lambda _: None)
    with pytest.raises(ConfigValidationError):
        Destination(tmp_path / "a.csv", None, lambda _: None)
    Destination(tmp_path / "b.csv", None, lambda _: None).close()
    first.close()
    Destination(tmp_path / "a.csv", None, lambda _: None).close()


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_what_a_killed_run_had_to_commit_is_committed_by_the_next(
    tmp_path: Path, renamed: int
) -> None:
    parts = {f".{name}.of-a-folder.part": f"{name}.csv" for name in ("a", "b")}
    for number, (part, name) in enumerate(parts.items()):
        (tmp_path / (name if number < renamed else part)).write_text(name)
    commit = {"files": parts, "state": {"bookmarks": {"a": {"sweep": "x"}}}}
    (tmp_path / ".commit.json").write_text(json.dumps(commit))
    (tmp_path / ".mine.part").write_text("")
    files = Destination(tmp_path, None, lambda _: None)
    assert files.previous == commit["state"]
    files.close()
    assert names(tmp_path) == {"a.csv", "b.csv", "state.json", ".mine.part"}


@pytest.mark.parametrize("to", ["a.xlsx", "a.json", "file.csv/b", "x" * 300 + ".csv"])
def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path, to: str) -> None:
    (tmp_path / "file.csv").write_text("")
    with pytest.raises(ConfigValidationError) as refusal:
        Destination(tmp_path / to, None, lambda _: None)
    assert len(refusal.value.errors) == 1


def test_batches_are_refused(write: Files, tmp_path: Path) -> None:
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": f"file://{tmp_path}/batches"}}
    with pytest.raises(ConfigValidationError) as refusal:
        write(tmp_path / "tables", batch_config=batches)
    assert "batch_config contradicts" in "".join(refusal.value.errors)


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("contact_lists.membership_count", "1.5"),
        ("contact_lists.membership_count", "membership_count == 3"),
        ("contact_lists.membership_count", "10 ** 19"),
        ("contacts.email_address", "1.5"),
    ],
)
def test_a_value_that_does_not_fit_its_column_ends_a_run_with_one_line(
    write: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture, column: str, expression: str
) -> None:
    stream, name = column.split(".")
    maps = {stream: {name: expression}}
    with pytest.raises(SystemExit):
        write(tmp_path / "tables", "parquet", streams=[stream], stream_maps=maps)
    assert "Parquet cannot be written" in caplog.text
    assert f"at `$.{name}`" in caplog.text
    assert names(tmp_path / "tables") == set()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_any_text_is_read_back_from_a_csv_and_none_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    table = CSVTable(path, {"properties": {"a": {}, "b": {}}})
    for one, other in rows:
        table.write(msgspec.json.encode({"a": one, "b": other}))
    table.close()
    found = rows_of(path)
    assert [(row["a"], row["b"]) for row in found] == [(cell(a), cell(b)) for a, b in rows]
    for row, (a, b) in zip(found, rows, strict=True):
        assert (row["a"] + " ")[0] not in "=+-@\t\r\n"
        assert (row["a"].removeprefix("'"), row["b"].removeprefix("'")) == (
            a.removeprefix("'"),
            b.removeprefix("'"),
        )
