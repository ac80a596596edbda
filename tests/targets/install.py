"""Install what the tests of this folder need into virtual environments below TARGETS_VENVS."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.targets.targets import VENVS

REQUIREMENTS = Path(__file__).with_name("requirements")

PYTHONS = {"pipelinewise": "<3.13"}
"""The Pythons of a target that does not run on every one: its psycopg2 is older than they are."""

if __name__ == "__main__":
    for file in sorted(REQUIREMENTS.glob("*.txt")):
        venv = VENVS / file.stem
        for command in (
            ("venv", f"--python={PYTHONS.get(file.stem, '>=3.10')}", str(venv)),
            ("pip", "install", f"--python={venv}", f"--requirement={file}"),
        ):
            subprocess.run(["uv", *command, "--quiet"], check=True)
