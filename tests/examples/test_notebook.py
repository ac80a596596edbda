"""The notebook, whose every cell runs, and which goes on from its state.

NOTEBOOK_VENV names a virtual environment with `examples/notebook/requirements.txt` installed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.generate import ROOT

NOTEBOOK = ROOT / "examples" / "notebook" / "engagement.ipynb"
JUPYTER = Path(os.environ.get("NOTEBOOK_VENV", "/nowhere")) / "bin" / "jupyter"


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def executed(notebook: Path) -> list[dict[str, Any]]:
    """Run every cell, and return what they showed."""
    command = [str(JUPYTER), "execute", "--output=executed.ipynb", notebook.name]
    done = subprocess.run(command, cwd=notebook.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells = code_cells(notebook.with_name("executed.ipynb"))
    return [output for cell in cells for output in cell["outputs"]]


def printed(outputs: list[dict[str, Any]]) -> str:
    found = [output["text"] for output in outputs if output.get("name") == "stdout"]
    return "".join(line for text in found for line in text)


def test_the_notebook_is_kept_without_outputs() -> None:
    for cell in code_cells(NOTEBOOK):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.skipif(not JUPYTER.exists(), reason="no NOTEBOOK_VENV with Jupyter")
@pytest.mark.timeout(300)
def test_every_cell_runs_and_a_later_run_reads_what_is_new(tmp_path: Path) -> None:
    notebook = Path(shutil.copy(NOTEBOOK, tmp_path))
    first = executed(notebook)
    new, _, known = printed(first).partition(" new opens, ")
    assert known == f"{new} in all\n"
    assert int(new.replace(",", "")) > 1000
    (picture,) = [found for one in first if (found := one.get("data", {}).get("image/png"))]
    assert base64.b64decode("".join(picture)).startswith(b"\x89PNG")
    assert printed(executed(notebook)) == f"0 new opens, {known}"
