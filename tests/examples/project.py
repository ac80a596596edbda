"""The Meltano project of the examples, with the plugins that MELTANO_PROJECT_ROOT's copy has."""

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
from tests.generate import ROOT

MELTANO = shutil.which("meltano")
PLUGINS = Path(os.environ.get("MELTANO_PROJECT_ROOT", ""), "examples", "meltano", ".meltano")
needs_meltano = pytest.mark.skipif(
    not MELTANO or not PLUGINS.exists(),
    reason="no meltano, or no MELTANO_PROJECT_ROOT with the plugins of examples/meltano",
)

ROWS = """
import json, sys, duckdb
database, table = sys.argv[1:]
found = duckdb.connect(database, read_only=True).execute(f"select * from {table}")
names = [column[0] for column in found.description]
rows = [dict(zip(names, row)) for row in found.fetchall()]
print(json.dumps(rows, default=lambda moment: moment.isoformat() + "Z"))
"""


class Project:
    """A copy of the project whose accounts are sandboxes.

    Attributes:
        folder: Where it is.
        environment: The variables to run Meltano with.
    """

    def __init__(self, folder: Path, sandboxes: dict[str, Sandbox]) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "MELTANO_PROJECT_ROOT": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "TAP_CONSTANTCONTACT_CLIENT_ID": "sandbox",
            "TAP_CONSTANTCONTACT_CLIENT_SECRET": "sandbox-secret",
        }
        (folder / ".meltano").mkdir()
        for kind in ("extractors", "loaders"):
            (folder / ".meltano" / kind).symlink_to(PLUGINS / kind)
        project = yaml.safe_load((ROOT / "examples/meltano/meltano.yml").read_text("utf-8"))
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
        """Run Meltano in the project, and return what it wrote to stdout."""
        result = subprocess.run(
            [str(MELTANO), *arguments],
            cwd=self.folder,
            env=self.environment,
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
