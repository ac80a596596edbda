"""The recipe for dlt, into DuckDB and Postgres.

DLT_VENV names a virtual environment with `examples/dlt/requirements.txt` installed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import config_for
from tests.servers import BINARIES, postgres

EXAMPLE = Path(__file__).parents[2] / "examples" / "dlt"
PYTHON = Path(os.environ.get("DLT_VENV", "/nowhere")) / "bin" / "python"

pytestmark = [
    pytest.mark.skipif(
        not (PYTHON.exists() and BINARIES), reason="no Postgres, or no DLT_VENV with dlt"
    ),
    pytest.mark.contacts(30, young=True),
    pytest.mark.timeout(300),
]

STREAMS = ["contacts", "contact_lists", "contact_activity_details"]
KEYS = ["contact_id", "list_id", "activity_id"]

LOAD = """
import json, sys
import dlt
from constantcontact import constantcontact

destination, settings, streams, keys = map(json.loads, sys.argv[1:])
pipeline = dlt.pipeline("test", pipelines_dir=".", destination=destination, dataset_name="loaded")
pipeline.run(constantcontact(streams, settings), loader_file_format="insert_values")
with pipeline.sql_client() as client:
    for stream, key in zip(streams, keys):
        rows = client.execute_sql(f"select {key} from {stream}")
        print(json.dumps(sorted(row[0] for row in rows)))
"""


@contextmanager
def environment_of(destination: str) -> Iterator[dict[str, str]]:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLE), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    if destination == "duckdb":
        yield environment
        return
    with postgres() as url:
        with_password = url.replace("tap@", "tap:unused@")  # dlt asks for one
        yield {**environment, "DESTINATION__POSTGRES__CREDENTIALS": with_password}


@pytest.mark.parametrize("destination", ["duckdb", "postgres"])
def test_a_later_run_brings_what_is_new_and_nothing_twice(
    sandbox: Sandbox, requests_seen: list[Any], tmp_path: Path, destination: str
) -> None:
    contacts = sandbox.account.contacts
    settings = config_for(sandbox, tmp_path)

    def load(environment: dict[str, str]) -> list[list[str]]:
        arguments = map(json.dumps, (destination, settings, STREAMS, KEYS))
        loaded = subprocess.run(
            [PYTHON, "-c", LOAD, *arguments],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment,
            text=True,
        )
        assert loaded.returncode == 0, loaded.stderr
        return [json.loads(line) for line in loaded.stdout.splitlines() if line[:1] == "["]

    with environment_of(destination) as environment:
        people, lists, details = load(environment)
        assert people == sorted(contacts)
        assert len(lists) > 1
        assert len(details) == len({*details}) > 1
        first = len(requests_seen)
        contact_id = min(contacts)
        contacts[contact_id]["first_name"] = "Zoe"
        contacts[contact_id]["updated_at"] = "2036-01-01T00:00:00Z"
        assert load(environment) == [people, lists, details]
    assert any("updated_after" in one.query for one in requests_seen[first:])
