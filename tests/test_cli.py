"""The command as a person or Meltano runs it: a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.settings import CONNECTION, CREDENTIALS, DATES, LIMITS, SELECTION
from tap_constantcontact.streams import STREAMS
from tests.conftest import config_for, grown
from tests.processes import TAP, Command

SELECTED = {stream.name for stream in STREAMS if stream.selected_by_default}
ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "tap_constantcontact"]


def tap(
    tmp_path: Path, *arguments: str, config: dict[str, Any] | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        arguments += ("--config", str(tmp_path / "config.json"))
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), **env}
    return Command(TAP, *arguments, folder=tmp_path, environment=environment).run()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no credentials": ({}, "client_id is missing"),
    "no token": ({"client_id": "x"}, "refresh_token is missing"),
    "unknown status": ({"contact_status": ["aktive"]}, "aktive"),
    "unknown type": ({"tracking_activity_types": ["em_reads"]}, "em_reads"),
    "unknown zone": ({"timezone": "Mars/Base"}, "timezone 'Mars/Base'"),
    "no date": ({"report_date": "2026-02-30"}, "report_date '2026-02-30'"),
    "negative": ({"report_days_back": -1}, "report_days_back"),
    "two starts": (
        {"report_start_date": "2026-01-01", "report_start_days_back": 3},
        "report_start_date and report_start_days_back",
    ),
    "two ends": (
        {"report_start_days_back": 9, "report_end_date": "2026-01-01", "report_end_days_back": 3},
        "report_end_date and report_end_days_back",
    ),
    "two windows": ({"report_date": "2026-01-01", "report_days_back": 3}, "report_days_back"),
    "start after end": (
        {"report_start_days_back": 3, "report_end_days_back": 5},
        "report_start_days_back is after report_end_days_back",
    ),
    "end without start": ({"report_end_days_back": 5}, "has no start"),
    "two updates": (
        {"updated_after": "2026-01-01", "updated_days_back": 3},
        "updated_after and updated_days_back",
    ),
    "two lines": ({"access_token": "secret\nsecret"}, "access_token has a character"),
    "no host": ({"api_url": "v3"}, "api_url 'v3' is no address"),
    "no port": ({"auth_url": "https://authz.test:99999"}, "auth_url 'https://authz.test:99999'"),
}


def test_a_fraction_in_the_settings_file_is_a_number(tmp_path: Path, sandbox: Sandbox) -> None:
    contact_id = next(iter(sandbox.account.contacts))
    fractions = {"requests_per_second": 99.5, "request_timeout": 7.5}
    config = config_for(sandbox, tmp_path, contact_ids=[contact_id], **fractions)
    result = tap(tmp_path, config=config)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


EXTREMES: tuple[dict[str, Any], ...] = (
    {"start_date": "0001-01-01", "lookback_days": 10**9, "updated_after": "0001-01-01"},
    {"updated_days_back": 10**9, "report_days_back": 10**12},
    {"report_start_date": "0001-01-01", "report_end_date": "9999-12-31"},
    {"report_date": "9999-12-31", "contacts_refresh_days": 10**9, "timezone": "Asia/Tokyo"},
)


@pytest.mark.parametrize("settings", EXTREMES)
def test_dates_beyond_all_calendars_read_what_there_is(
    run: Any, account: Any, settings: dict[str, Any]
) -> None:
    state = {
        "bookmarks": {
            name: dict.fromkeys(("replication_key_value", "full_read_at"), "0001-01-01T00:00:00Z")
            for name in ("contacts", "email_campaigns", "contact_activity_details")
        }
    }
    for known in ({}, state):
        result = run(known, **settings)
        if "report_date" not in settings:
            assert result.by_key("contact_activity_details")


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_end_with_one_line(tmp_path: Path, name: str) -> None:
    settings, said = BAD[name]
    known = {} if name.startswith("no ") and name != "no date" else {"access_token": "t"}
    result = tap(tmp_path, config={**known, **settings})
    errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in result.stderr


def test_missing_and_broken_files_end_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for name in ("absent.json", "broken.json"):
        result = tap(tmp_path, "--config", name)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert len([line for line in result.stderr.splitlines() if "ERROR" in line]) == 1


def test_discovery_needs_no_settings(tmp_path: Path) -> None:
    result = tap(tmp_path, "--discover")
    streams = json.loads(result.stdout)["streams"]
    assert {stream["stream"]: stream["key_properties"] for stream in streams} == {
        stream.name: [*vars(stream)["primary_keys"]] for stream in STREAMS
    }
    for stream in streams:
        jsonschema.Draft202012Validator.check_schema(stream["schema"])


def test_every_record_validates(tmp_path: Path) -> None:
    result = tap(tmp_path, "--config=ENV", TAP_CONSTANTCONTACT_SANDBOX="true")
    assert result.returncode == 0
    validators: dict[str, Any] = {}
    for line in map(json.loads, result.stdout.splitlines()):
        if line["type"] == "SCHEMA":
            validators[line["stream"]] = jsonschema.Draft202012Validator(
                line["schema"] | {"additionalProperties": False},
                format_checker=jsonschema.FormatChecker(),
            )
        elif line["type"] == "RECORD":
            validators[line["stream"]].validate(line["record"])
    assert validators.keys() == SELECTED


def test_no_secret_is_shown_at_any_level(tmp_path: Path) -> None:
    with Sandbox(grown(3)) as sandbox:
        config = config_for(sandbox, tmp_path)
        for level in ("DEBUG", "INFO"):
            sandbox.authorization.access_tokens.clear()
            result = tap(tmp_path, config=config, TAP_CONSTANTCONTACT_LOGLEVEL=level)
            assert result.returncode == 0
            secrets = {*sandbox.authorization.spent, *sandbox.authorization.access_tokens}
            secrets |= {"sandbox-secret", sandbox.authorization.refresh_token}
            for secret in secrets:
                assert secret not in result.stdout + result.stderr
        catalog = tap(tmp_path, "--discover", config=config).stdout
        assert "sandbox-secret" not in catalog


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_between_two_lines(tmp_path: Path, signum: int) -> None:
    environment = {**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"}
    command = [*COMMAND, "--config=ENV"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "contact_action_summary" not in process.stdout.readline():
            pass
        process.send_signal(signum)
        asked = time.monotonic()
        rest = process.stdout.read()
        errors = process.stderr.read()
        process.wait()
    assert time.monotonic() - asked < 2
    assert process.returncode == 128 + signum
    assert all(json.loads(line)["type"] for line in rest.splitlines())
    assert "Traceback" not in errors


def test_a_closed_pipe_ends_a_run_quietly(tmp_path: Path) -> None:
    environment = {**os.environ, "TAP_CONSTANTCONTACT_SANDBOX": "true"}
    with subprocess.Popen(
        [*COMMAND, "--config=ENV"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait()
    assert process.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_test_mode_works(tmp_path: Path) -> None:
    result = tap(tmp_path, "--config=ENV", "--test", TAP_CONSTANTCONTACT_SANDBOX="true")
    assert result.returncode == 0
    records = map(json.loads, filter(lambda line: '"RECORD"' in line, result.stdout.splitlines()))
    assert {record["stream"] for record in records} >= SELECTED


def test_meltano_has_every_setting() -> None:
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]
    settings = {setting["name"]: setting for setting in plugins["extractors"][0]["settings"]}
    properties: list[Any] = [*CREDENTIALS, *SELECTION, *DATES, *LIMITS, *CONNECTION]
    assert set(settings) == {setting.name for setting in properties}
    for setting in properties:
        assert settings[setting.name]["description"]
        assert bool(settings[setting.name].get("sensitive")) == bool(setting.secret)
