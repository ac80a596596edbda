"""The script of the CronJob, where MELTANO_PROJECT_ROOT has a target-jsonl installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.generate import ROOT
from tests.harness import DETAILS, SUMMARY, Run, answer, every, key_of, young

LOADER = Path(os.environ.get("MELTANO_PROJECT_ROOT", "")) / ".meltano/loaders/target-jsonl/venv/bin"
pytestmark = pytest.mark.skipif(
    not (LOADER / "target-jsonl").exists() or not shutil.which("bash"),
    reason="no bash, or no MELTANO_PROJECT_ROOT with target-jsonl",
)

CONTACTS = 20
STRIKE = 30
"""Every so many requests for a contact's report, one fails: fewer than the reports of all take."""


@pytest.fixture
def account() -> Account:
    return young(CONTACTS)


@pytest.fixture
def job() -> Any:
    """The job that the CronJob starts each day."""
    documents = yaml.safe_load_all((ROOT / "examples" / "kubernetes" / "cronjob.yaml").read_text())
    (cron,) = (document for document in documents if document["kind"] == "CronJob")
    return cron["spec"]["jobTemplate"]["spec"]


def attempt(job: Any, volume: Path, sandbox: Sandbox) -> int:
    """Run the container's command once; returns its exit code."""
    (container,) = job["template"]["spec"]["containers"]
    result = subprocess.run(
        [*container["command"], *container["args"]],
        cwd=volume,
        env={
            **{variable["name"]: variable["value"] for variable in container["env"]},
            "PATH": os.pathsep.join(
                (str(Path(sys.executable).parent), os.environ["PATH"], str(LOADER))
            ),
            "XDG_STATE_HOME": str(volume),
            "TAP_CONSTANTCONTACT_API_URL": sandbox.api_url,
            "TAP_CONSTANTCONTACT_AUTH_URL": sandbox.auth_url,
            "TAP_CONSTANTCONTACT_CLIENT_ID": "sandbox",
            "TAP_CONSTANTCONTACT_CLIENT_SECRET": "sandbox-secret",
            "TAP_CONSTANTCONTACT_REFRESH_TOKEN": sandbox.authorization.refresh_token,
            "TAP_CONSTANTCONTACT_REQUESTS_PER_SECOND": "10000",
        },
        check=False,
    )
    return result.returncode


def test_a_failed_run_goes_on_from_the_state(job: Any, account: Account, tmp_path: Path) -> None:
    failure = every(STRIKE, answer(400, "[]"), path="/v3/reports/contact_reports/")
    assert len(account.contacts) * 2 > STRIKE
    with Sandbox(account, middlewares=[failure]) as sandbox:
        exit_codes = [attempt(job, tmp_path, sandbox)]
        while exit_codes[-1] and len(exit_codes) <= job["backoffLimit"]:
            exit_codes.append(attempt(job, tmp_path, sandbox))
    assert len(exit_codes) > 1
    assert exit_codes[-1] == 0
    for stream in ("contacts", SUMMARY, DETAILS):
        written = [
            json.loads(line)
            for file in tmp_path.glob(f"{stream}-*.jsonl")
            for line in file.read_text().splitlines()
        ]
        once = {key_of(stream, record): record for record in written}
        loaded = Run([], records={stream: [*once.values()]})
        assert loaded.by_key(stream) == Expected(account)[stream]
    assert (tmp_path / "tokens.json").exists()
