"""Two accounts read by a real Meltano, where MELTANO_PROJECT_ROOT has this tap installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.harness import Run

MELTANO = shutil.which("meltano")
PROJECT = os.environ.get("MELTANO_PROJECT_ROOT")
pytestmark = pytest.mark.skipif(
    not (MELTANO and PROJECT), reason="no meltano, or no MELTANO_PROJECT_ROOT with this tap"
)
EXAMPLE = Path(PROJECT or "") / "examples" / "meltano"
STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
ROWS = """
import json, sys, duckdb
database, table = sys.argv[1:]
found = duckdb.connect(database, read_only=True).execute(f"select * from {table}")
names = [column[0] for column in found.description]
rows = [dict(zip(names, row)) for row in found.fetchall()]
print(json.dumps(rows, default=lambda moment: moment.isoformat() + "Z"))
"""


class Project:
    """A copy of the example whose accounts are sandboxes."""

    def __init__(self, folder: Path, sandboxes: dict[str, Sandbox]) -> None:
        self.folder = folder
        (folder / ".meltano").mkdir()
        for kind in ("extractors", "loaders"):
            (folder / ".meltano" / kind).symlink_to(EXAMPLE / ".meltano" / kind)
        project = yaml.safe_load((EXAMPLE / "meltano.yml").read_text())
        for plugin in project["plugins"]["extractors"]:
            if sandbox := sandboxes.get(plugin["name"].removeprefix("tap-constantcontact--")):
                plugin["config"] |= {
                    "api_url": sandbox.api_url,
                    "auth_url": sandbox.auth_url,
                    "refresh_token": sandbox.authorization.refresh_token,
                    "requests_per_second": 10_000,
                }
        (folder / "meltano.yml").write_text(yaml.safe_dump(project))

    def meltano(self, *arguments: str) -> str:
        result = subprocess.run(
            [str(MELTANO), *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "MELTANO_PROJECT_ROOT": str(self.folder),
                "TAP_CONSTANTCONTACT_CLIENT_ID": "sandbox",
                "TAP_CONSTANTCONTACT_CLIENT_SECRET": "sandbox-secret",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def records(self, account: str, stream: str) -> list[dict[str, Any]]:
        """Return what an account's database has of a stream, as it was before it was loaded."""
        python = self.folder / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin" / "python"
        database = self.folder / f"constantcontact_{account}.duckdb"
        command = [str(python), "-c", ROWS, str(database), f"{account}.{stream}"]
        rows = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return [
            {name: unpacked(value) for name, value in row.items() if value is not None}
            for row in rows
        ]

    def state(self, account: str) -> Any:
        """Return the state that the next run of an account starts from."""
        name = f"prod:tap-constantcontact--{account}-to-target-duckdb"
        return json.loads(self.meltano("state", "get", name))["singer_state"]


def unpacked(value: Any) -> Any:
    """Return a list or object that was loaded as its JSON text."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value


@pytest.fixture
def project(sandboxes: dict[str, Sandbox], tmp_path: Path) -> Project:
    return Project(tmp_path, sandboxes)


def test_each_account_has_its_own_job_tables_tokens_and_state(
    project: Project, sandboxes: dict[str, Sandbox]
) -> None:
    for name, sandbox in sandboxes.items():
        project.meltano("run", name)
        loaded = Run([])
        for stream in STREAMS:
            loaded.records[stream] = project.records(name, stream)
            assert loaded.by_key(stream) == Expected(sandbox.account)[stream]
        assert (project.folder / "tokens" / f"{name}.json").exists()

    first = {name: project.state(name) for name in sandboxes}
    project.meltano("run", "acme")
    second = {name: project.state(name) for name in sandboxes}
    assert read_since(first["acme"], second["acme"])
    assert second["bolt"] == first["bolt"]


def read_since(before: Any, after: Any) -> bool:
    """Tell whether a run read only what had changed since another."""
    contacts, again = (state["bookmarks"]["contacts"] for state in (before, after))
    later = again["replication_key_value"] > contacts["replication_key_value"]
    return later and bool(again["full_read_at"] == contacts["full_read_at"])
