"""The example of a DAG in a real Airflow, where AIRFLOW_PYTHON is a Python that has Airflow."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generate import ROOT

PYTHON = os.environ.get("AIRFLOW_PYTHON")
pytestmark = pytest.mark.skipif(not PYTHON, reason="no AIRFLOW_PYTHON with Airflow")

LOAD = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
tasks = {
    task.task_id: {name: getattr(task, name) for name in ("bash_command", "pool", "retries")}
    for task in bag.dags["constantcontact"].tasks
} if bag.dags else {}
print(json.dumps({"errors": bag.import_errors, "dags": [*bag.dags], "tasks": tasks}))
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    """What Airflow finds in the folder of the example."""
    result = subprocess.run(
        [str(PYTHON), "-c", LOAD, str(ROOT / "examples" / "airflow")],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_the_dag_has_a_task_for_each_job_of_the_meltano_project(loaded: Any) -> None:
    assert loaded["errors"] == {}
    assert loaded["dags"] == ["constantcontact"]
    project = yaml.safe_load((ROOT / "examples" / "meltano" / "meltano.yml").read_text())
    jobs = [job["name"] for job in project["jobs"]]
    assert loaded["tasks"] == {
        job: {
            "bash_command": f"meltano --cwd=/srv/constantcontact run {job}",
            "pool": "constant_contact",
            "retries": 3,
        }
        for job in jobs
    }
