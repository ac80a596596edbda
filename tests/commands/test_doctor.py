"""The doctor, over real HTTP: all is well, or one thing is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from tap_constantcontact.commands.doctor.access import open_folder
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.faults import answering, on_every
from tests.parameters import partly_slow
from tests.processes import Command, Login
from tests.runs import config_for
from tests.sandboxes import record_requests
from tests.servers import LOOPBACK, free_port

pytestmark = pytest.mark.contacts(3, young=True)

DOCTOR = "tap_constantcontact.commands.doctor"

SUBJECTS = {
    "Python",
    "packages",
    "settings",
    "network",
    "token",
    "limits store",
    "clock",
    "account",
    "rights",
    "quota",
}

MOST_REQUESTS = 3


class Report(NamedTuple):
    """What the doctor said.

    Attributes:
        exit_code: How the process ended.
        requests: Number of requests that it says it sent.
        findings: What it found.
        streams: Whether the token may read each selected stream.
    """

    exit_code: int
    requests: int
    findings: list[dict[str, str]]
    streams: dict[str, str]

    def of(self, verdict: str) -> dict[str, str]:
        """Return the findings of a verdict: what was found and what to do, by subject."""
        return {
            finding["subject"]: f"{finding['text']} {finding['advice']}".strip()
            for finding in self.findings
            if finding["verdict"] == verdict
        }

    @property
    def error(self) -> tuple[str, str]:
        """The only error: its subject, and what the doctor says."""
        assert self.exit_code == 1
        ((subject, said),) = self.of("error").items()
        return subject, said


Doctor = Callable[..., Report]


@pytest.fixture
def sandbox(account: Account) -> Any:
    """A sandbox of this moment, as a process has no other clock."""
    with Sandbox(account) as running:
        yield running


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run the command with these settings; it never says a secret, and has no traceback."""

    def examine(config: dict[str, Any], *options: str, **variables: str) -> Report:
        (tmp_path / "config.json").write_text(json.dumps(config))
        ended = Command(
            DOCTOR,
            "--config=config.json",
            "--json",
            *options,
            folder=tmp_path,
            environment={**os.environ, **variables},
        ).run()
        said = ended.stdout + ended.stderr
        assert "Traceback" not in said
        assert not ended.stderr, ended.stderr
        for secret in ("client_secret", "refresh_token", "access_token"):
            if config.get(secret):
                assert config[secret] not in said
        report = json.loads(ended.stdout)
        assert report["well"] == (ended.returncode == 0)
        assert report["requests"] <= MOST_REQUESTS
        streams = {one["stream"]: one["allowed"] for one in report["streams"]}
        return Report(ended.returncode, report["requests"], report["findings"], streams)

    return examine


# All is well


def test_a_setup_without_faults_passes(
    sandbox: Sandbox, account: Account, tmp_path: Path, doctor: Doctor
) -> None:
    seen = record_requests(sandbox)
    config = config_for(sandbox, tmp_path, daily_request_limit=500)
    for spent in (2, 4):
        report = doctor(config)
        assert report.exit_code == 0
        assert {finding["verdict"] for finding in report.findings} == {"ok"}
        assert {finding["subject"] for finding in report.findings} == SUBJECTS
        said = report.of("ok")
        assert account.encoded_account_id in said["account"]
        assert f"{500 - spent} of 500 requests are left today" in said["quota"]
        assert report.requests == 2
        assert len(seen) == spent <= MOST_REQUESTS * spent // 2
    assert "used before" not in said["token"]
    assert "(mode 0600) is rotating" in said["token"]
    stored = json.loads((tmp_path / "tokens.json").read_text())
    assert stored["refresh_token"] == sandbox.authorization.refresh_token


def test_a_person_gets_a_line_for_each_finding(tmp_path: Path) -> None:
    ended = Command(
        DOCTOR,
        "--config=ENV",
        folder=tmp_path,
        environment={**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"},
    ).run()
    assert ended.returncode == 0
    findings, table, conclusion = ended.stdout.split("\n\n")
    assert all(line.startswith("ok  ") and line.endswith(".") for line in findings.splitlines())
    selected = [stream.name for stream in STREAMS if stream.selected_by_default]
    assert [row.split()[0] for row in table.splitlines()[2:]] == selected
    assert all(row.endswith("  yes") for row in table.splitlines()[2:])
    assert conclusion == "All is well. This took 2 requests to the API.\n"


# Broken things, one at a time


def test_no_token(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    seen = record_requests(sandbox)
    config = config_for(sandbox, tmp_path)
    del config["refresh_token"]
    report = doctor(config)
    subject, said = report.error
    assert subject == "token"
    assert f"'{tmp_path / 'tokens.json'}' contains none of this client_id: sign in with" in said
    assert {"network", "clock", "limits store"} <= {*report.of("ok")}
    assert len(seen) <= MOST_REQUESTS


def test_no_settings_at_all(tmp_path: Path) -> None:
    closed = f"http://{LOOPBACK}:{free_port(LOOPBACK)}"
    environment = {**os.environ, "HTTPS_PROXY": closed, "HTTP_PROXY": closed}
    ended = Command(DOCTOR, folder=tmp_path, environment=environment).run()
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "client_id is missing: set it and sign in with tap-constantcontact-login" in ended.stdout
    assert "Give the settings with --config FILE" in ended.stdout
    assert ended.stdout.count("the proxy 127.0.0.1:") == 2


def test_a_token_that_the_api_refuses(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    access_token = sandbox.authorization.issue()
    sandbox.authorization.access_tokens[access_token] = 0.0
    subject, said = doctor(config_for(sandbox, tmp_path, access_token=access_token)).error
    assert subject == "token"
    assert "does not accept the access token" in said
    assert "Sign in again" in said


def test_an_expired_access_token_is_renewed(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    config = config_for(sandbox, tmp_path)
    assert doctor(config).exit_code == 0
    sandbox.authorization.access_tokens.clear()
    seen = record_requests(sandbox)
    report = doctor(config)
    assert report.exit_code == 0
    assert report.requests == MOST_REQUESTS
    assert len(seen) <= MOST_REQUESTS


def test_a_refresh_token_that_was_revoked(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    sandbox.authorization.grants.clear()
    subject, said = doctor(config_for(sandbox, tmp_path)).error
    assert subject == "token"
    assert "refused the refresh token (invalid_grant)" in said
    assert "sign in again with tap-constantcontact-login" in said


def test_a_token_file_that_others_can_read(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    config = config_for(sandbox, tmp_path)
    assert doctor(config).exit_code == 0
    (tmp_path / "tokens.json").chmod(0o644)
    subject, said = doctor(config).error
    assert subject == "token"
    assert "can be read by others (mode 0644): run chmod 600 on it" in said


@pytest.mark.parametrize(
    ("mode", "owner", "is_warned"),
    [
        (0o700, 0, False),
        (0o755, 0, False),
        (0o1777, 0, False),
        (0o777, 0, True),
        (0o770, 0, True),
        (0o707, 0, True),
        (0o700, 65534, True),
    ],
)
def test_a_folder_that_others_can_write_to_is_found(
    tmp_path: Path, mode: int, owner: int, is_warned: bool
) -> None:
    folder = tmp_path / "above" / "of"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder / "tokens.json")
    folder.parent.chmod(mode)
    if owner:
        if os.getuid():
            pytest.skip("only root gives a folder away")
        os.chown(folder.parent, owner, owner)
    for file in (folder / "tokens.json", tmp_path / "link"):
        assert open_folder(file) == (folder.parent if is_warned else None)


def test_a_token_file_and_a_store_where_others_can_write_are_warned_about(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    files = {"token_file": str(folder / "tokens.json"), "limits_store": str(folder / "limits")}
    config = config_for(sandbox, tmp_path, **files)
    assert doctor(config).exit_code == 0
    folder.chmod(0o777)
    report = doctor(config)
    assert report.exit_code == 0
    for subject in ("token", "limits store"):
        assert f"Other users can replace what is in {folder}" in report.of("warning")[subject]


def test_a_token_that_was_idle_for_long(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    config = config_for(sandbox, tmp_path)
    assert doctor(config).exit_code == 0
    file = tmp_path / "tokens.json"
    tokens = json.loads(file.read_text())
    file.write_text(json.dumps(tokens | {"refreshed_at": tokens["refreshed_at"] - 160 * 86_400}))
    report = doctor(config)
    assert report.exit_code == 0
    assert "20 of 180 idle days are left. Run more often" in report.of("warning")["token"]


@pytest.mark.parametrize("skip", [False, True])
def test_a_scope_that_is_lacking(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor, skip: bool
) -> None:
    access_token = sandbox.authorization.issue("contact_data account_read")
    settings = {"access_token": access_token, "skip_forbidden_streams": skip}
    report = doctor(config_for(sandbox, tmp_path, **settings))
    lacking = [
        stream.name
        for stream in STREAMS
        if stream.selected_by_default and stream.scope == "campaign_data"
    ]
    said = report.of("warning" if skip else "error")["rights"]
    assert said.startswith(f"The token or its user may not read {', '.join(lacking)}. Sign in")
    assert {name: report.streams[name] for name in lacking} == dict.fromkeys(
        lacking, "no: the token lacks the scope campaign_data"
    )
    assert report.exit_code == (0 if skip else 1)


def test_a_privilege_that_the_selected_streams_do_not_need(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    sandbox.api.privileges.remove("campaign:read")
    assert doctor(config_for(sandbox, tmp_path)).exit_code == 1
    catalog = TapConstantContact(config={"access_token": "none"}).catalog_dict
    select(catalog, ("contact_tags",))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog, default=list))
    report = doctor(config_for(sandbox, tmp_path), "--catalog=catalog.json")
    assert report.exit_code == 0
    assert "1 of 1 selected streams" in report.of("ok")["rights"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stream_maps": {"contacs": None}}, "there is no stream 'contacs'"),
        ({"stream_maps": {"contacts": {"email_adress": None}}}, "(did you mean email_address?)"),
        (
            {"stream_maps": {"contacts": {"a": "record['email_adress']"}}},
            "'email_adress' is not defined",
        ),
    ],
)
def test_stream_maps_with_unknown_names(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor, settings: dict[str, Any], said: str
) -> None:
    report = doctor(config_for(sandbox, tmp_path, custom_fields_by_name=True, **settings))
    assert report.error[0] == "selection"
    assert said in report.error[1]


def test_stream_maps_of_custom_fields(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    maps = {"contacts": {"shop": "custom_fields_by_name['shop']", "custom_fields_by_name": None}}
    report = doctor(config_for(sandbox, tmp_path, custom_fields_by_name=True, stream_maps=maps))
    assert report.exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        ({"tap_stream_id": "contacs"}, "error", "(did you mean contacts?)"),
        ({"metadata": 5}, "error", "another form than a Singer catalog"),
        ({"replication_method": "LOG_BASED"}, "warning", "has no effect"),
    ],
)
def test_a_catalog_with_unknown_names(  # noqa: PLR0913
    *,
    sandbox: Sandbox,
    tmp_path: Path,
    doctor: Doctor,
    change: dict[str, Any],
    verdict: str,
    said: str,
) -> None:
    catalog = json.loads(TapConstantContact(config={"access_token": "none"}).catalog_json_text)
    next(one for one in catalog["streams"] if one["tap_stream_id"] == "contacts").update(change)
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    report = doctor(config_for(sandbox, tmp_path), "--catalog=catalog.json")
    assert said in report.of(verdict)["selection"]
    assert report.exit_code == (verdict == "error")


def test_batches_of_what_is_deselected(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    catalog = json.loads(TapConstantContact(config={"access_token": "none"}).catalog_json_text)
    for entry in catalog["streams"]:
        for part in entry["metadata"]:
            if part["breadcrumb"] == ["properties", "email_address"]:
                part["metadata"]["selected"] = False
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": "file:///srv"}}
    config = config_for(sandbox, tmp_path, batch_config=batches)
    subject, said = doctor(config, "--catalog=catalog.json").error
    assert subject == "selection"
    assert "deselected of contacts (email_address" in said


@pytest.mark.parametrize(("hours", "word"), [(1, "behind"), (-1, "ahead")])
def test_a_clock_that_is_an_hour_off(
    account: Account, tmp_path: Path, doctor: Doctor, hours: int, word: str
) -> None:
    @web.middleware
    async def late(request: web.Request, handler: Any) -> web.Response:
        response: web.Response = await handler(request)
        there = datetime.now(timezone.utc) + timedelta(hours=hours)
        response.headers["Date"] = format_datetime(there, usegmt=True)
        return response

    with Sandbox(account, middlewares=[late]) as sandbox:
        subject, said = doctor(config_for(sandbox, tmp_path)).error
    assert subject == "clock"
    assert said.startswith("This machine's clock is ")
    assert f" {word}. Set it" in said


@pytest.mark.parametrize("required", [True, False])
def test_a_limits_store_that_cannot_be_used(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor, required: bool
) -> None:
    (tmp_path / "file").touch()
    settings = {
        "limits_store": str(tmp_path / "file" / "limits.sqlite"),
        "limits_store_required": required,
    }
    report = doctor(config_for(sandbox, tmp_path, **settings))
    said = report.of("error" if required else "warning")["limits store"]
    assert "Requests cannot be counted in the file" in said
    assert "Set limits_store to one that can be used" in said
    assert report.exit_code == required
    assert ("rights" in report.of("ok")) is not required


def test_a_limits_store_whose_url_has_a_password(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    url = f"redis://someone:s3cret@{LOOPBACK}:{free_port(LOOPBACK)}"
    report = doctor(config_for(sandbox, tmp_path, limits_store=url))
    subject, said = report.error
    assert subject == "limits store"
    assert "s3cret" not in json.dumps(report.findings)
    assert "Redis" in said


@pytest.mark.parametrize("name", ["api_url", "auth_url"])
def test_a_server_that_cannot_be_reached(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor, name: str
) -> None:
    host = f"{LOOPBACK}:{free_port(LOOPBACK)}"
    config = config_for(sandbox, tmp_path, **{name: f"http://{host}/v3"})
    report = doctor(config)
    assert report.exit_code == 1
    assert f"{name}: {host} cannot be reached." in report.of("error")["network"]
    assert {*report.of("skipped")} >= {"account", "rights"}


def test_a_name_that_cannot_be_resolved(sandbox: Sandbox, tmp_path: Path, doctor: Doctor) -> None:
    settings = {"api_url": "http://api.invalid/v3", "access_token": "secret-token"}
    report = doctor(config_for(sandbox, tmp_path, **settings))
    subject, said = report.error
    assert subject == "network"
    assert "the name api.invalid cannot be resolved" in said
    assert "tokens are sent to api.invalid without encryption" in report.of("warning")["settings"]


def test_an_auth_url_that_redirects_to_no_address(
    account: Account, tmp_path: Path, doctor: Doctor
) -> None:
    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        if request.method == "HEAD":
            return web.Response(status=302, headers={"Location": "http://[::1"})
        return await handler(request)

    with Sandbox(account, middlewares=[redirect]) as sandbox:
        report = doctor(config_for(sandbox, tmp_path))
    assert report.exit_code == 0
    assert "responds" in report.of("ok")["network"]


def test_an_api_url_that_is_another_site(account: Account, tmp_path: Path, doctor: Doctor) -> None:
    fault = on_every(1, answering(404, "<html>", "text/html"), "/v3/")
    with Sandbox(account, middlewares=[fault]) as sandbox:
        subject, said = doctor(config_for(sandbox, tmp_path)).error
    assert subject == "network"
    assert "HTTP 404" in said


@pytest.mark.slow
@pytest.mark.parametrize("told_by", ["count", "api"])
def test_a_quota_that_is_spent(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor, told_by: str
) -> None:
    config = config_for(sandbox, tmp_path, daily_request_limit=2, on_daily_limit="wait")
    assert "0 of 2" in doctor(config).of("error")["quota"]
    if told_by == "api":
        config["daily_request_limit"] = 100
        sandbox.limits.per_day = 2
    seen = record_requests(sandbox)
    subject, said = doctor(config).error
    assert subject == "quota"
    assert "until 00:00 UTC. Run again then" in said
    assert len(seen) == (1 if told_by == "api" else 0)


def test_a_setting_of_the_wrong_type_and_one_that_is_misspelt(
    sandbox: Sandbox, tmp_path: Path, doctor: Doctor
) -> None:
    report = doctor(config_for(sandbox, tmp_path, daily_request_limit="many", client_idd="a"))
    assert report.exit_code == 1
    said = [finding["text"] for finding in report.findings if finding["verdict"] == "error"]
    assert said == [
        "'client_idd' is not a setting that the tap knows (did you mean client_id?).",
        "daily_request_limit must be a whole number.",
    ]


def test_a_configuration_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    ended = Command(DOCTOR, "--config=config.json", folder=tmp_path).run()
    assert ended.returncode == 1
    assert "config.json cannot be read: it is not JSON" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("distribution", partly_slow(["tqdm"], ["aiohttp"]))
def test_an_old_package(tmp_path: Path, distribution: str) -> None:
    folder = tmp_path / f"{distribution}-0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n")
    ended = subprocess.run(
        [sys.executable, "-m", DOCTOR, "--config=ENV"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "TAP_CONSTANTCONTACT_SANDBOX": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("error")]
    assert f"{distribution} 0.1 is installed, which is not supported" in line
    assert f"Run pip install '{distribution}" in line


def test_the_check_after_a_sign_in_is_the_doctor(account: Account, tmp_path: Path) -> None:
    authorization = Authorization(client_secret=None)
    with Sandbox(account, authorization=authorization) as sandbox:
        login = Login(sandbox, tmp_path, "--check")
        code, checked, _ = login.end()
        ended = Command(DOCTOR, "--config=ENV", folder=tmp_path, environment=login.environment)
        said = ended.run().stdout
    assert (code, ended.returncode) == (1, 1)
    assert checked == said
    assert f"'{login.token_file}' contains none of this client_id: sign in with" in said
