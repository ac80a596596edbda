"""Settings on their way through a real Meltano, where MELTANO_PROJECT_ROOT has this tap installed.

`.ci/run` sees to that; see there how to do the same by hand.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.settings import PROPERTIES
from tap_constantcontact.tap import TapConstantContact

MELTANO = shutil.which("meltano")
PROJECT = os.environ.get("MELTANO_PROJECT_ROOT")
pytestmark = pytest.mark.skipif(
    not (MELTANO and PROJECT), reason="no meltano, or no MELTANO_PROJECT_ROOT with this tap"
)

SETTINGS: dict[str, tuple[str, Any]] = {
    "client_id": ("0123", "0123"),
    "client_secret": ("s3cret", "s3cret"),
    "refresh_token": ("refresh", "refresh"),
    "access_token": ("access", "access"),
    "token_file": ("/srv/tokens.json", "/srv/tokens.json"),
    "start_date": ("2026-01-31", "2026-01-31"),
    "contact_ids": ('["a", "b"]', ["a", "b"]),
    "contact_status": ('["active"]', ["active"]),
    "contact_list_ids": ('["c"]', ["c"]),
    "contact_tag_ids": ("[]", []),
    "segment_id": ("12", "12"),
    "contact_includes": ('["notes"]', ["notes"]),
    "custom_fields_by_name": ("false", False),
    "landing_page_activity_ids": ('["d"]', ["d"]),
    "report_source": ("campaigns", "campaigns"),
    "full_sweep_days": ("90", 90),
    "skip_forbidden_streams": ("true", True),
    "tracking_activity_types": ('["em_opens", "em_clicks"]', ["em_opens", "em_clicks"]),
    "updated_after": ("2026-01-31T10:00:00-05:00", "2026-01-31T10:00:00-05:00"),
    "updated_days_back": ("0", 0),
    "report_date": ("20.11.2026", "2026-11-20T00:00:00"),
    "report_days_back": ("7", 7),
    "report_start_date": ("2026-01-01", "2026-01-01"),
    "report_start_days_back": ("10", 10),
    "report_end_date": ("2026-01-31", "2026-01-31"),
    "report_end_days_back": ("5", 5),
    "contacts_refresh_days": ("14", 14),
    "timezone": ("Europe/Berlin", "Europe/Berlin"),
    "lookback_days": ("3", 3),
    "requests_per_second": ("0.5", 0.5),
    "daily_request_limit": ("5000", 5000),
    "daily_share": ("0.25", 0.25),
    "limits_store": ("redis://localhost", "redis://localhost"),
    "limits_store_required": ("false", False),
    "request_budget": ("100", 100),
    "on_daily_limit": ("wait", "wait"),
    "max_concurrent_requests": ("2", 2),
    "api_url": ("http://localhost:1/v3", "http://localhost:1/v3"),
    "auth_url": ("http://localhost:1/oauth2", "http://localhost:1/oauth2"),
    "request_timeout": ("30", 30),
    "user_agent": ("mine/1", "mine/1"),
    "sandbox": ("true", True),
}
"""What is given for each setting in the environment, and what the tap must read."""


def meltano(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MELTANO), *arguments],
        cwd=PROJECT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def read_by_the_tap(**env: str) -> dict[str, Any]:
    result = meltano("--environment=prod", "invoke", "--dump=config", "tap-constantcontact", **env)
    assert result.returncode == 0, result.stderr
    config = json.loads(result.stdout)
    return dict(TapConstantContact(config=config, validate_config=False).config)


def test_every_setting_reaches_the_tap_from_the_environment() -> None:
    assert SETTINGS.keys() == PROPERTIES.to_dict()["properties"].keys()
    env = {f"TAP_CONSTANTCONTACT_{name.upper()}": text for name, (text, _) in SETTINGS.items()}
    read = read_by_the_tap(**env)
    for name, (_, wanted) in SETTINGS.items():
        assert read[name] == wanted, name
        assert type(read[name]) is type(wanted), name


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("0.5", 0.5)])
def test_a_number_reaches_the_tap_from_a_file_of_variables(text: str, number: float) -> None:
    file = Path(PROJECT or "") / ".env"
    kept = file.read_text() if file.exists() else None
    file.write_text(f'TAP_CONSTANTCONTACT_REQUESTS_PER_SECOND="{text}"\n')
    try:
        read = read_by_the_tap()
    finally:
        file.unlink() if kept is None else file.write_text(kept)
    assert read["requests_per_second"] == number


GROUPS = (
    {"report_date": "20.11.2026", "requests_per_second": "50", "request_timeout": "7.5"},
    {"report_start_date": "2026-01-01", "report_end_days_back": "5", "timezone": "Asia/Kolkata"},
    {"updated_days_back": "30", "report_days_back": "3", "contact_includes": "[]"},
)


@pytest.mark.parametrize("settings", GROUPS, ids="-".join)
def test_the_tap_runs_with_settings_from_the_environment(settings: dict[str, str]) -> None:
    env = {f"TAP_CONSTANTCONTACT_{name.upper()}": text for name, text in settings.items()}
    env["TAP_CONSTANTCONTACT_REQUEST_BUDGET"] = "30"
    result = meltano("--environment=sandbox", "invoke", "tap-constantcontact", **env)
    assert result.returncode == 0, result.stderr
    last = json.loads(result.stdout.splitlines()[-1])
    assert last["type"] == "STATE"


def test_the_command_that_signs_in_takes_numbers_from_the_environment() -> None:
    result = meltano(
        "invoke",
        "tap-constantcontact:login",
        "--help",
        TAP_CONSTANTCONTACT_REQUESTS_PER_SECOND="0.5",
        TAP_CONSTANTCONTACT_REQUEST_TIMEOUT="7.5",
    )
    assert result.returncode == 0, result.stderr
    assert "--client-id" in result.stdout
