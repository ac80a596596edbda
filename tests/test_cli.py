"""The command as a person or Meltano runs it: a real process."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tap_constantcontact.config.settings import PROPERTIES
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.processes import TAP, Command, run_tap
from tests.runs import config_for
from tests.sandboxes import account_of, record_requests

SELECTED = {stream.name for stream in STREAMS if stream.selected_by_default}
ROOT = Path(__file__).parent.parent


def test_missing_and_broken_files_end_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for name in ("absent.json", "broken.json"):
        result = run_tap(tmp_path, "--config", name)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert len([line for line in result.stderr.splitlines() if "ERROR" in line]) == 1


def test_discovery_needs_no_settings(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--discover")
    streams = json.loads(result.stdout)["streams"]
    assert {stream["stream"]: stream["key_properties"] for stream in streams} == {
        stream.name: [*stream.primary_keys] for stream in STREAMS
    }
    for stream in streams:
        jsonschema.Draft202012Validator.check_schema(stream["schema"])


@pytest.mark.slow
def test_every_record_validates(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--config=ENV", TAP_CONSTANTCONTACT_SANDBOX="true")
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
    with Sandbox(account_of(3, young=True)) as sandbox:
        config = config_for(sandbox, tmp_path)
        for level in ("DEBUG", "INFO"):
            sandbox.authorization.access_tokens.clear()
            result = run_tap(tmp_path, config=config, TAP_CONSTANTCONTACT_LOGLEVEL=level)
            assert result.returncode == 0
            secrets = {*sandbox.authorization.spent, *sandbox.authorization.access_tokens}
            secrets |= {"sandbox-secret", sandbox.authorization.refresh_token}
            for secret in secrets:
                assert secret not in result.stdout + result.stderr
        catalog = run_tap(tmp_path, "--discover", config=config).stdout
        assert "sandbox-secret" not in catalog


def test_test_mode_works(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--config=ENV", "--test", TAP_CONSTANTCONTACT_SANDBOX="true")
    assert result.returncode == 0
    records = map(json.loads, filter(lambda line: '"RECORD"' in line, result.stdout.splitlines()))
    assert {record["stream"] for record in records} >= SELECTED


def test_meltano_has_every_setting() -> None:
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]
    settings = {setting["name"]: setting for setting in plugins["extractors"][0]["settings"]}
    properties = [*PROPERTIES.items()]
    assert [*settings][: len(properties)] == [name for name, _ in properties]
    for _, setting in properties:
        assert settings[setting.name]["description"]
        assert bool(settings[setting.name].get("sensitive")) == bool(setting.secret)


def test_a_test_costs_three_requests_a_stream_at_most(tmp_path: Path) -> None:
    with Sandbox(Account(size=1200, now=datetime(2024, 7, 20, tzinfo=timezone.utc))) as sandbox:
        seen = record_requests(sandbox)
        (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox, tmp_path)))
        result = Command(TAP, "--config=config.json", "--test", folder=tmp_path).run()
    assert result.returncode == 0
    assert "ERROR" not in result.stderr
    assert len([request for request in seen if request.path.startswith("/v3")]) <= len(STREAMS) * 3
