"""Records that a stream writes itself, and the same records by way of the SDK."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact import client
from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import Run, Runner, config_for, sync, tap_with

pytestmark = pytest.mark.contacts(12, young=True)

STREAMS_READ = (
    "contacts",
    "contact_lists",
    "contact_action_summary",
    "contact_activity_details",
    "email_campaign_activities",
)


def messages(result: Run) -> list[Any]:
    """The messages of a run, without the times that no two runs share."""
    lines = [{**line, "time_extracted": None} for line in result.lines]
    for line in lines:
        line.pop("version", None)
    return [line for line in lines if line["type"] == "RECORD"]


@pytest.fixture
def by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(client, "is_plain", lambda _: False)


def test_the_messages_are_those_of_the_sdk(run: Runner, by_the_sdk: Callable[[], None]) -> None:
    ours = run(streams=STREAMS_READ)
    by_the_sdk()
    theirs = run(streams=STREAMS_READ)
    assert messages(ours) == messages(theirs)
    assert [*map(sorted, ours.lines)] == [*map(sorted, theirs.lines)]


@pytest.mark.parametrize("maps", [{}, {"contacts": {}}], ids=["none", "identity"])
def test_deselected_properties_are_left_out(
    sandbox: Sandbox, tmp_path: Path, maps: dict[str, Any]
) -> None:
    config = config_for(sandbox, tmp_path, stream_maps=maps)
    whole = sync(config, streams=("contacts",))
    catalog = json.loads(json.dumps(tap_with(config, streams=("contacts",)).catalog_dict))
    deselected = [
        ["properties", "first_name"],
        ["properties", "email_address", "properties", "address"],
    ]
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] in deselected:
                entry["metadata"]["selected"] = False
    some = sync(config, streams=("contacts",), catalog=catalog)
    expected = [
        {
            name: {k: v for k, v in value.items() if k != "address"}
            if name == "email_address"
            else value
            for name, value in record.items()
            if name != "first_name"
        }
        for record in whole.records["contacts"]
    ]
    assert some.records["contacts"] == expected
    assert any("first_name" in record for record in whole.records["contacts"])


def test_flattened_records_hold_the_same_values(run: Runner) -> None:
    plain = run(streams=("contacts",))
    flat = run(streams=("contacts",), flattening_enabled=True, flattening_max_depth=1)
    contacts = plain.records["contacts"]
    addresses = [record.get("email_address", {}).get("address") for record in contacts]
    assert [
        record.get("email_address__address") for record in flat.records["contacts"]
    ] == addresses


def test_batches_hold_the_same_records(run: Runner, tmp_path: Path) -> None:
    plain = run(streams=("contacts",))
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    batched = run(streams=("contacts",), batch_config=config)
    files = [
        Path(name.removeprefix("file://"))
        for line in batched.lines
        if line["type"] == "BATCH"
        for name in line["manifest"]
    ]
    rows = [
        json.loads(line)
        for file in files
        for line in gzip.decompress(file.read_bytes()).splitlines()
    ]
    assert rows == plain.records["contacts"]
