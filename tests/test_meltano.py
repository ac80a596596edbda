"""Settings on their way through a real Meltano, where MELTANO_PROJECT_ROOT has this tap installed.

`tox -e meltano` sees to that.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from difflib import ndiff
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tap_constantcontact.config.settings import PROPERTIES
from tap_constantcontact.tap import TapConstantContact
from tests.generate import HUB, ROOT
from tests.hub import OWNER

MELTANO = shutil.which("meltano")
PROJECT = os.environ.get("MELTANO_PROJECT_ROOT")
pytestmark = pytest.mark.skipif(
    not (MELTANO and PROJECT), reason="no meltano, or no MELTANO_PROJECT_ROOT with this tap"
)

PROJECT_FILE = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
(PLUGIN,) = PROJECT_FILE["plugins"]["extractors"]

HELP = (("--help",), 0, "Show this message and exit.")
OUTCOMES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "check": ((), 0, "All is well."),
    "doctor": ((), 0, "All is well."),
    "estimate": ((), 0, "This estimate cost "),
}
"""The options, exit code and text of a command of meltano.yml, where it is not its help."""

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
    "streams": ('["contacts", "email_*"]', ["contacts", "email_*"]),
    "sandbox": ("true", True),
}
"""What is given for each setting in the environment, and what the tap must read."""


def meltano(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MELTANO), *arguments],
        cwd=env.get("MELTANO_PROJECT_ROOT", PROJECT),
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


def test_a_selection_by_meltano_changes_no_other_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "meltano.yml"
    file.write_text((ROOT / "meltano.yml").read_text("utf-8"))
    before = file.read_text().splitlines()
    arguments = ("select", "tap-constantcontact", "contacts", "email_address")
    done = meltano(*arguments, MELTANO_PROJECT_ROOT=str(tmp_path))
    assert done.returncode == 0, done.stderr
    changes = [line for line in ndiff(before, file.read_text().splitlines()) if line[0] != " "]
    assert changes == ["+     - contacts.email_address"]


def test_every_setting_is_shown() -> None:
    result = meltano("config", "list", "--all", "tap-constantcontact")
    assert result.returncode == 0, result.stderr
    for setting in PLUGIN["settings"]:
        name = setting["name"]
        variable = f"TAP_CONSTANTCONTACT_{name.upper().replace('.', '_')}"
        assert re.search(rf"(?m)^{re.escape(name)} .*\[env: {variable}\]", result.stdout), name
    for number, group in enumerate(PLUGIN["settings_group_validation"], start=1):
        assert f"Group {number}: {', '.join(group)}\n" in result.stdout


def test_settings_of_the_sdk_reach_the_tap() -> None:
    read = read_by_the_tap(
        TAP_CONSTANTCONTACT_FLATTENING_ENABLED="true",
        TAP_CONSTANTCONTACT_FLATTENING_MAX_DEPTH="2",
        TAP_CONSTANTCONTACT_EMIT_ACTIVATE_VERSION_MESSAGES="true",
        TAP_CONSTANTCONTACT_STREAM_MAPS='{"contact_lists": {"name": "name.upper()"}}',
        TAP_CONSTANTCONTACT_BATCH_CONFIG_ENCODING_FORMAT="jsonl",
        TAP_CONSTANTCONTACT_BATCH_CONFIG_STORAGE_ROOT="file:///srv",
    )
    assert read["flattening_enabled"] is True
    assert read["flattening_max_depth"] == 2
    assert read["emit_activate_version_messages"] is True
    assert read["stream_maps"] == {"contact_lists": {"name": "name.upper()"}}
    assert read["batch_config"] == {
        "encoding": {"format": "jsonl"},
        "storage": {"root": "file:///srv"},
    }


@pytest.mark.parametrize("command", PLUGIN["commands"])
def test_every_command_runs(command: str, tmp_path: Path) -> None:
    options, exit_code, text = OUTCOMES.get(command, HELP)
    result = meltano(
        "invoke",
        f"tap-constantcontact:{command}",
        *options,
        XDG_STATE_HOME=str(tmp_path),
        TAP_CONSTANTCONTACT_REQUESTS_PER_SECOND="0.5",
        TAP_CONSTANTCONTACT_REQUEST_TIMEOUT="7.5",
    )
    assert result.returncode == exit_code, result.stderr
    assert text in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_an_estimate_is_of_the_selected_streams() -> None:
    result = meltano(
        "invoke",
        "tap-constantcontact:estimate",
        TAP_CONSTANTCONTACT__SELECT='["contact_lists.*", "events.*"]',
    )
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == [
        "contact_lists",
        "events",
        "total",
    ]


@pytest.mark.parametrize("schedule", [schedule["name"] for schedule in PROJECT_FILE["schedules"]])
def test_every_schedule_loads_into_the_schema_of_the_extractor(
    schedule: str, tmp_path: Path
) -> None:
    database = tmp_path / "scheduled.duckdb"
    result = meltano(
        "--environment=sandbox",
        "schedule",
        "run",
        schedule,
        TARGET_DUCKDB_FILEPATH=str(database),
        TAP_CONSTANTCONTACT__SELECT='["contact_lists.*"]',
        TAP_CONSTANTCONTACT__LOAD_SCHEMA="bakery",
    )
    assert result.returncode == 0, result.stderr
    lines = result.stderr.splitlines()
    warnings = [line for line in lines if "warning" in line.lower()]
    assert all("No state was found" in line for line in warnings), result.stderr
    assert "Newsletter" in queried(database, "select name from bakery.contact_lists")


def test_a_second_run_loads_no_row_twice(tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    sandbox = ("--environment=sandbox",)
    read = meltano(*sandbox, "invoke", "tap-constantcontact", XDG_STATE_HOME=str(tmp_path))
    messages = map(json.loads, read.stdout.splitlines())
    rows = Counter(each["stream"] for each in messages if each["type"] == "RECORD")
    rows["contact_counts"] *= 2  # a row for each run
    pipeline = ("run", f"--state-id-suffix={tmp_path.name}", "tap-constantcontact", "target-duckdb")
    for _ in range(2):
        result = meltano(*sandbox, *pipeline, TARGET_DUCKDB_FILEPATH=str(database))
        assert result.returncode == 0, result.stderr
        assert not re.search("tap-constantcontact .*METRIC", result.stderr), result.stderr
    assert rows["contacts"]
    assert "Loading" in result.stderr
    assert not re.search(r'Loading .*\."contacts"', result.stderr)
    for table, number in rows.items():
        assert queried(database, f"select count(*) from constantcontact.{table}") == f"({number},)"


def queried(database: Path, query: str) -> str:
    """Return the rows that a database gives for a query."""
    python = Path(PROJECT or "", ".meltano", "loaders", "target-duckdb", "venv", "bin", "python")
    script = (
        "import sys, duckdb; print(*duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    )
    done = subprocess.run(
        [python, "-c", script, database, query], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """The address of a MeltanoHub that has nothing but this tap."""
    definition = yaml.safe_load((ROOT / HUB).read_text("utf-8").replace(OWNER, "ada"))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "hub"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        part = "meltano/api/v1/plugins/extractors"
        folder = tmp_path / "hub" / part
        folder.mkdir(parents=True)
        (folder / "ada").write_text(json.dumps(definition))
        listed = {
            "default_variant": "ada",
            "logo_url": definition["logo_url"],
            "variants": {"ada": {"ref": f"{address}/{part}/ada"}},
        }
        (folder / "index").write_text(json.dumps({definition["name"]: listed}))
        Thread(target=server.serve_forever, daemon=True).start()
        yield address
        server.shutdown()


def test_meltano_finds_the_tap_on_the_hub(hub: str, tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text("send_anonymous_usage_stats: false\n")
    env = {"MELTANO_PROJECT_ROOT": str(tmp_path), "MELTANO_HUB_URL": hub}
    added = meltano("add", "--no-install", "tap-constantcontact", **env)
    assert added.returncode == 0, added.stderr
    lock = json.loads((tmp_path / "plugins/extractors/tap-constantcontact--ada.lock").read_text())
    assert lock["settings"]
    listing = ("config", "list", "--all", "tap-constantcontact")
    shown = meltano(*listing, **env)
    for setting in PLUGIN["settings"]:
        assert f"\n{setting['name']} " in shown.stdout
    schema = "config set tap-constantcontact _load_schema constantcontact"
    assert f"meltano {schema}\n" in yaml.safe_load((ROOT / HUB).read_text("utf-8"))["next_steps"]
    assert meltano(*schema.split(), **env).returncode == 0
    extras = meltano(*listing, "--extras", **env)
    assert f"current value: {lock['select']}" in extras.stdout
    assert re.search("_load_schema .* current value: 'constantcontact'", extras.stdout)
