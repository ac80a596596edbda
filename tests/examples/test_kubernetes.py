"""The script of the CronJob, where MELTANO_PROJECT_ROOT has a target-jsonl installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.comparison import key_of
from tests.expected import Expected
from tests.generate import ROOT
from tests.parameters import DETAILS, SUMMARY
from tests.runs import Run

LOADER = Path(os.environ.get("MELTANO_PROJECT_ROOT", "")) / ".meltano/loaders/target-jsonl/venv/bin"
pytestmark = [
    pytest.mark.contacts(20, young=True),
    pytest.mark.skipif(
        not (LOADER / "target-jsonl").exists() or not shutil.which("bash"),
        reason="no bash, or no MELTANO_PROJECT_ROOT with target-jsonl",
    ),
]


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


def refuse_once(number: int) -> Any:
    """Refuse one request for a contact's report, the one that has this number."""
    requests = count(1)

    @web.middleware
    async def strike(request: web.Request, handler: Any) -> Any:
        is_report = request.path.startswith("/v3/reports/contact_reports/")
        if is_report and next(requests) == number:
            return web.json_response([], status=400)
        return await handler(request)

    return strike


def written(stream: str, volume: Path) -> list[dict[str, Any]]:
    """Return the records of a stream that all attempts wrote."""
    files = sorted(volume.glob(f"{stream}-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_failed_run_goes_on_from_the_state(job: Any, account: Account, tmp_path: Path) -> None:
    assert job["backoffLimit"] > 0
    with Sandbox(account, middlewares=[refuse_once(len(account.contacts) // 2)]) as sandbox:
        assert attempt(job, tmp_path, sandbox) == 1
        assert attempt(job, tmp_path, sandbox) == 0
    loaded = Run([], records={"contacts": written("contacts", tmp_path)})
    for stream in (SUMMARY, DETAILS):
        latest = {key_of(stream, record): record for record in written(stream, tmp_path)}
        loaded.records[stream] = [*latest.values()]
    for stream in ("contacts", SUMMARY, DETAILS):
        assert loaded.by_key(stream) == Expected(account)[stream]
    assert (tmp_path / "tokens.json").exists()
