"""The example of a DAG in a real Airflow, where AIRFLOW_PYTHON is a Python that has Airflow."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tap_constantcontact.sandbox.server import Sandbox
from tests.examples.project import Project, needs_meltano
from tests.expected import Expected
from tests.generate import ROOT
from tests.runs import Run

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


DAG = ROOT / "examples" / "airflow" / "constantcontact.py"
FOLDER = "/srv/constantcontact"
"""Where the example expects the Meltano project."""


def airflow(home: Path, *arguments: str, environment: Mapping[str, str] = os.environ) -> str:
    """Run Airflow's Python, and return what it wrote to stdout."""
    variables = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
    result = subprocess.run(
        [str(PYTHON), *arguments],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_dag_has_a_task_for_each_job_of_the_meltano_project(tmp_path: Path) -> None:
    loaded = json.loads(airflow(tmp_path, "-c", LOAD, str(DAG.parent)).splitlines()[-1])
    assert loaded["errors"] == {}
    assert loaded["dags"] == ["constantcontact"]
    project = yaml.safe_load((ROOT / "examples" / "meltano" / "meltano.yml").read_text())
    jobs = [job["name"] for job in project["jobs"]]
    assert loaded["tasks"] == {
        job: {
            "bash_command": f"meltano --cwd={FOLDER} run {job}",
            "pool": "constant_contact",
            "retries": 3,
        }
        for job in jobs
    }


@needs_meltano
@pytest.mark.timeout(300)
def test_a_run_of_the_dag_reads_every_account(
    project: Project, sandboxes: dict[str, Sandbox], tmp_path: Path
) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    dag = DAG.read_text("utf-8").replace(FOLDER, str(project.folder))
    (dags / DAG.name).write_text(dag, "utf-8")
    environment = {**project.environment, "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    del environment["MELTANO_PROJECT_ROOT"]
    for command in (
        "db migrate",
        "pools set constant_contact 1 accounts",
        "dags test constantcontact",
    ):
        airflow(tmp_path, "-m", "airflow", *command.split(), environment=environment)
    for name, sandbox in sandboxes.items():
        loaded = Run([], records={"contacts": project.records(name, "contacts")})
        assert loaded.by_key("contacts") == Expected(sandbox.account)["contacts"]
