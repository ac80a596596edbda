"""Settings as runners hand them over: as text from the environment, as date-times for days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.config.settings import SETTINGS
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.faults import answering, on_every
from tests.parameters import partly_slow
from tests.processes import run_tap
from tests.runs import config_for, sync

TEXTS = {
    ("requests_per_second", "2"): 2,
    ("requests_per_second", "0.5"): 0.5,
    ("request_timeout", " 7.5 "): 7.5,
    ("report_days_back", "3"): 3,
    ("report_days_back", "3.0"): 3,
    ("daily_request_limit", "1e3"): 1000,
    ("contact_includes", "[]"): [],
    ("tracking_activity_types", '["em_opens", "em_clicks"]'): ["em_opens", "em_clicks"],
    ("tracking_activity_types", "em_opens, em_clicks"): ["em_opens", "em_clicks"],
    ("sandbox", "no"): False,
    ("sandbox", "TRUE"): True,
    ("emit_activate_version_messages", "yes"): True,
    ("stream_maps", '{"contact_lists": null}'): {"contact_lists": None},
    ("segment_id", "12"): "12",
    ("segment_id", 12): "12",
    ("access_token", "t\n"): "t",
}


@pytest.mark.parametrize(("name", "given"), TEXTS)
@pytest.mark.parametrize("source", partly_slow(["environment"], ["configuration", ".env"]))
def test_a_text_stands_for_the_value_that_it_spells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: Any, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    variable = f"TAP_CONSTANTCONTACT_{name.upper()}"
    monkeypatch.setenv(variable, "")
    config: dict[str, Any] = {"access_token": "t"}
    if source == "configuration":
        config[name] = given
    elif source == "environment":
        monkeypatch.setenv(variable, str(given))
    else:
        monkeypatch.delenv(variable)
        (tmp_path / ".env").write_text(f"{variable}='{given}'\n")
    read = TapConstantContact(config=config, parse_env_config=source != "configuration").config
    assert read[name] == TEXTS[name, given]
    assert type(read[name]) is type(TEXTS[name, given])


def test_the_environment_wins_over_a_file_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("TAP_CONSTANTCONTACT_REPORT_DAYS_BACK=3\n")
    monkeypatch.setenv("TAP_CONSTANTCONTACT_REPORT_DAYS_BACK", "5")
    read = TapConstantContact(config={"access_token": "t"}, parse_env_config=True).config
    assert read["report_days_back"] == 5
    assert "Read from the environment: report_days_back" in caplog.text


@pytest.mark.parametrize("nothing", ["", " ", None])
def test_an_empty_setting_is_one_that_is_not_given(nothing: str | None) -> None:
    config = {name: nothing for name in SETTINGS["properties"] if name != "timezone"}
    read = TapConstantContact(config={**config, "access_token": "t"}).config
    assert read["requests_per_second"] == 4
    assert read["contact_includes"] == SETTINGS["properties"]["contact_includes"]["default"]
    assert read.get("report_days_back") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requests_per_second", "fast"),
        ("requests_per_second", "nan"),
        ("request_timeout", "inf"),
        ("report_days_back", "2.5"),
        ("report_days_back", "three"),
        ("sandbox", "perhaps"),
        ("contact_status", '["active"'),
        ("batch_config", "{"),
    ],
)
@pytest.mark.parametrize("source", ["configuration", "environment"])
def test_a_text_that_spells_no_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, source: str
) -> None:
    config = {"access_token": "t"}
    if source == "configuration":
        config[name] = text
    else:
        monkeypatch.setenv(f"TAP_CONSTANTCONTACT_{name.upper()}", text)
    with pytest.raises(ConfigValidationError) as refusal:
        TapConstantContact(config=config, parse_env_config=source == "environment")
    (fault,) = refusal.value.errors
    assert name in fault


def test_a_refused_variable_is_one_line(tmp_path: Path) -> None:
    result = run_tap(tmp_path, "--config=ENV", TAP_CONSTANTCONTACT_REPORT_DAYS_BACK="three")
    errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert (result.returncode, result.stdout, len(errors)) == (1, "", 1)
    assert "report_days_back" in errors[0]
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "batch_config",
    [{"batch_size": 10}, {"storage": {"root": "file:///nowhere"}}, {"encoding": {}}],
)
def test_a_batch_config_without_encoding_changes_nothing(
    account: Account, tmp_path: Path, batch_config: dict[str, Any]
) -> None:
    forbidden = answering(403, "{}")
    with Sandbox(
        account, middlewares=[on_every(5, forbidden, "/v3/reports/contact_reports/")]
    ) as sandbox:
        result = sync(config_for(sandbox, tmp_path, batch_config=batch_config))
    assert result.exit_code == 1
    assert len(result.by_key("contacts")) == len(account.contacts)
    assert result.lines[-1]["type"] == "STATE"
