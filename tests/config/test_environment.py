"""Settings by name and in the environment: what is unknown, and which file of variables counts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.commands.login import settings_of
from tap_constantcontact.config.environment import MELTANO
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.processes import LOGIN, TAP, Command
from tests.runs import config_for
from tests.sandboxes import account_of, record_requests

DOCTOR = "tap_constantcontact.commands.doctor"

OTHERS_UID = 12345

SET = "TAP_CONSTANTCONTACT_TIMEZONE=Asia/Tokyo\n"


@pytest.fixture(autouse=True)
def no_meltano(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MELTANO, raising=False)


def zone() -> Any:
    """Return the time zone that the tap reads from the environment or a file of variables."""
    return TapConstantContact(config={"access_token": "t"}, parse_env_config=True).config[
        "timezone"
    ]


# Names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("requst_budget", "request_budget"),
        ("Client_ID", "client_id"),
        ("stream_map", "stream_maps"),
        ("flatening_enabled", "flattening_enabled"),
    ],
)
def test_a_setting_that_is_not_known_is_refused_with_the_nearest(name: str, meant: str) -> None:
    for start in (
        lambda config: TapConstantContact(config={"access_token": "t", **config}),
        lambda config: settings_of(config, "client"),
    ):
        with pytest.raises(ConfigValidationError) as refusal:
            start({name: "s3cret"})
        (fault,) = refusal.value.errors
        assert fault == f"{name!r} is not a setting that the tap knows (did you mean {meant}?)"


def test_a_setting_that_only_meltano_passes_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(MELTANO, "tap-constantcontact")
    TapConstantContact(config={"access_token": "t", "requst_budget": 50})
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == (
        "'requst_budget' is not a setting that the tap knows (did you mean request_budget?), and "
        "is ignored."
    )


def test_a_variable_that_is_not_known_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("REQUST_BUDGET", "_SELECT", "LOGLEVEL", "BATCH_CONFIG_STORAGE_ROOT"):
        monkeypatch.setenv(f"TAP_CONSTANTCONTACT_{name}", "INFO")
    TapConstantContact(config={"access_token": "t"}, parse_env_config=True)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "'TAP_CONSTANTCONTACT_REQUST_BUDGET'" in said
    assert "(did you mean TAP_CONSTANTCONTACT_REQUEST_BUDGET?)" in said


def test_a_variable_with_one_underscore_too_many_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TAP_CONSTANTCONTACT__TIMEZONE", "Asia/Tokyo")
    monkeypatch.setenv("TAP_CONSTANTCONTACT__LOAD_SCHEMA", "x")
    assert zone() == "UTC"
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == (
        "'TAP_CONSTANTCONTACT__TIMEZONE' is not the variable of a setting "
        "(did you mean TAP_CONSTANTCONTACT_TIMEZONE?), and is ignored."
    )


# The file of variables


def test_a_line_of_the_file_without_a_value_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OTHER\nTAP_CONSTANTCONTACT_TIMEZONE\n")
    assert zone() == "UTC"
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == (
        "'TAP_CONSTANTCONTACT_TIMEZONE' has no = and no value in the file "
        f"'{tmp_path / '.env'}', and is ignored."
    )


def test_the_file_is_read_in_the_working_directory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (tmp_path / ".env").write_text(f"{SET}OTHER_VARIABLE=here\n")
    (tmp_path / "within").mkdir()
    monkeypatch.chdir(tmp_path / "within")
    assert zone() == "UTC"
    assert ".env" not in caplog.text
    monkeypatch.chdir(tmp_path)
    assert zone() == "Asia/Tokyo"
    assert f"Reading settings from the file '{tmp_path / '.env'}'" in caplog.text
    assert "OTHER_VARIABLE" not in os.environ
    assert "TAP_CONSTANTCONTACT_TIMEZONE" not in os.environ


def test_no_file_above_decides_where_a_token_is_sent(tmp_path: Path) -> None:
    """The SDK would read the nearest file above, whoever wrote it."""
    folder = tmp_path / "within"
    folder.mkdir()
    with Sandbox(account_of(1, young=True)) as theirs, Sandbox(account_of(1, young=True)) as ours:
        stolen = record_requests(theirs)
        variables = {"API_URL": theirs.api_url, "AUTH_URL": theirs.auth_url}
        (tmp_path / ".env").write_text(
            "".join(f"TAP_CONSTANTCONTACT_{name}={url}\n" for name, url in variables.items())
        )
        (folder / "config.json").write_text(json.dumps(config_for(ours, folder)))
        options = ("--config=config.json", "--config=ENV", "--estimate")
        for module in (TAP, DOCTOR):
            ended = Command(module, *options[: 3 if module == TAP else 2], folder=folder).run()
            assert ended.returncode == 0, ended.stderr
        assert not stolen
        assert not theirs.authorization.spent


def unfit(file: Path, how: str) -> None:
    """Make a file one that another user may have written."""
    if how == "of another user":
        os.chown(file, OTHERS_UID, OTHERS_UID)
    elif how == "a link of another user":
        file.rename(file.with_name("mine"))
        file.symlink_to("mine")
        os.chown(file, OTHERS_UID, OTHERS_UID, follow_symlinks=False)
    elif how == "a link to another user's":
        file.rename(file.with_name("theirs"))
        file.symlink_to("theirs")
        os.chown(file, OTHERS_UID, OTHERS_UID)
    elif how == "not text":
        file.write_bytes(b"\xff\xfe" + SET.encode())
    else:
        file.chmod(int(how, 8))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("0660", "other users can write it (mode 0660): run chmod go-w on it"),
        ("0602", "other users can write it (mode 0602): run chmod go-w on it"),
        ("of another user", "it, or the link to it, belongs to another user"),
        ("a link of another user", "it, or the link to it, belongs to another user"),
        ("a link to another user's", "it, or the link to it, belongs to another user"),
        ("not text", "it is not UTF-8 text"),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_that_another_user_can_write_is_not_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: str,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(SET)
    (tmp_path / ".env").chmod(0o640)
    assert zone() == "Asia/Tokyo"
    unfit(tmp_path / ".env", how)
    assert zone() == "UTC"
    said = f"The file '{tmp_path / '.env'}' is not used: {reason}."
    assert caplog.messages.count(said) == 1


def test_a_sign_in_reads_the_file_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"TAP_CONSTANTCONTACT_TOKEN_FILE={tmp_path / 'mine.json'}\n")
    ended = Command(LOGIN, "--client-id=c", "--logout", folder=tmp_path).run()
    assert ended.returncode == 0
    assert f"There is no token file at {tmp_path / 'mine.json'}" in ended.stdout
    assert f"Reading settings from the file '{file}'" in ended.stderr
    file.chmod(0o666)
    ended = Command(LOGIN, "--client-id=c", "--logout", folder=tmp_path).run()
    assert f"The file '{file}' is not used: other users can write it" in ended.stderr
    assert "mine.json" not in ended.stdout


def test_a_folder_of_that_name_is_no_file_of_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").mkdir()
    monkeypatch.chdir(tmp_path)
    assert zone() == "UTC"
    assert ".env" not in caplog.text
