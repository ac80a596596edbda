"""Tokens: never lost, never spent twice, never seen."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.conftest import config_for, sync

LISTS = ("contact_lists",)


@pytest.fixture
def account() -> Account:
    return Account(size=3)


def stored(tmp_path: Path) -> dict[str, Any]:
    tokens: dict[str, Any] = json.loads((tmp_path / "tokens.json").read_text())
    return tokens


def test_a_rotated_token_is_kept_and_used(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    assert stored(tmp_path)["refresh_token"] == sandbox.authorization.refresh_token
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600
    sandbox.authorization.access_tokens.clear()
    assert sync(config, streams=LISTS).records["contact_lists"]
    assert list(sandbox.authorization.spent.values()) == [1, 1]
    assert "sandbox-refresh-token" not in (tmp_path / "tokens.json").read_text()


def test_an_access_token_serves_later_runs(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    for _ in range(3):
        sync(config, streams=LISTS)
    assert sandbox.authorization.spent == {"sandbox-refresh-token": 1}


def test_a_token_is_renewed_before_it_expires(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    tokens = stored(tmp_path) | {"expires_at": stored(tmp_path)["refreshed_at"] + 86_400 - 86_200}
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    sync(config, streams=LISTS)
    assert len(sandbox.authorization.spent) == 1
    tokens["refreshed_at"] -= 86_300
    tokens["expires_at"] = tokens["refreshed_at"] + 86_400
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    sync(config, streams=LISTS)
    assert len(sandbox.authorization.spent) == 2


def test_a_new_refresh_token_wins_over_the_file(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    sandbox.authorization.grant("contact_data", "from-a-new-sign-in")
    sandbox.authorization.access_tokens.clear()
    assert sync(config | {"refresh_token": "from-a-new-sign-in"}, streams=LISTS).exit_code == 0
    assert sandbox.authorization.spent["from-a-new-sign-in"] == 1


def test_a_public_application_names_itself(tmp_path: Path, account: Account) -> None:
    with Sandbox(account, authorization=Authorization(client_secret=None)) as sandbox:
        config = config_for(sandbox, tmp_path)
        del config["client_secret"]
        assert sync(config, streams=LISTS).records["contact_lists"]


def test_a_stored_token_needs_no_configured_one(sandbox: Sandbox, tmp_path: Path) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    del config["refresh_token"]
    assert sync(config, streams=LISTS).records["contact_lists"]


def test_the_default_file_is_one_for_each_seed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    config = config_for(sandbox, tmp_path) | {"token_file": None}
    sync(config, streams=LISTS)
    sandbox.authorization.grant("contact_data", "another")
    sync(config | {"refresh_token": "another"}, streams=LISTS)
    files = sorted(tmp_path.glob("**/sandbox-*.json"))
    assert len(files) == 2
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json"])
def test_a_damaged_file_is_refused(sandbox: Sandbox, tmp_path: Path, content: str) -> None:
    (tmp_path / "tokens.json").write_text(content)
    with pytest.raises(ConfigValidationError) as caught:
        sync(config_for(sandbox, tmp_path))
    assert "is no token file" in caught.value.errors[0]


def test_a_file_that_cannot_be_written_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    config = config_for(sandbox, tmp_path) | {"token_file": str(tmp_path / "occupied" / "t.json")}
    with pytest.raises(ConfigValidationError) as caught:
        sync(config)
    assert "cannot be written" in caught.value.errors[0]
    assert not sandbox.authorization.spent


def test_a_file_is_on_disk_before_its_token_is_used(sandbox: Sandbox, tmp_path: Path) -> None:
    guard = sandbox._guard

    async def check(request: Any, handler: Any) -> Any:
        if request.path.startswith("/v3/"):
            token = request.headers["Authorization"].removeprefix("Bearer ")
            assert stored(tmp_path)["access_token"] == token
        return await guard(request, handler)

    sandbox._guard = check  # type: ignore[method-assign]
    assert sync(config_for(sandbox, tmp_path), streams=LISTS).exit_code == 0


PROCESS = """
    import json, sys
    from tap_constantcontact.tap import TapConstantContact
    authenticator = TapConstantContact(config=json.loads(sys.argv[1])).connection.authenticator
    authenticator.update_access_token()
    print(authenticator.access_token)
"""


def test_processes_share_a_file_and_spend_no_token_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROCESS)]
    config = json.dumps(config_for(sandbox, tmp_path))
    processes = [
        subprocess.Popen([*command, config], stdout=subprocess.PIPE, env=os.environ)
        for _ in range(6)
    ]
    tokens = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 6
    assert len(tokens) == 1
    assert sandbox.authorization.spent == {"sandbox-refresh-token": 1}
