"""Tokens: never lost, never spent twice, never seen."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import config_for, sync

pytestmark = pytest.mark.contacts(3, young=True)

LISTS = ("contact_lists",)


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
    assert "is not a token file" in caught.value.errors[0]


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


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(
    sandbox: Sandbox, tmp_path: Path, mode: int
) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    (tmp_path / "tokens.json").chmod(mode)
    with pytest.raises(ConfigValidationError) as caught:
        sync(config)
    assert f"can be read by others (mode {mode:04o}): run chmod 600" in caught.value.errors[0]


@pytest.mark.parametrize(("days", "warned"), [(149, False), (151, True)])
def test_a_token_that_was_long_idle_is_warned_about(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, days: int, warned: bool
) -> None:
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    tokens = stored(tmp_path)
    tokens["refreshed_at"] -= days * 86_400
    tokens["expires_at"] -= days * 86_400
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    caplog.clear()
    assert sync(config, streams=LISTS).exit_code == 0
    assert (f"last used {days} days ago" in caplog.text) == warned
    caplog.clear()
    sync(config, streams=LISTS)
    assert "days ago" not in caplog.text


@pytest.mark.parametrize("rotating", [True, False])
def test_a_home_that_keeps_nothing_is_warned_about_where_tokens_rotate(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    rotating: bool,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    sandbox.authorization.rotating = rotating
    config = config_for(sandbox, tmp_path) | {"token_file": None}
    assert sync(config, streams=LISTS).records["contact_lists"]
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == rotating
    for warning in warnings:
        assert "cannot keep (Not a directory)" in warning
        assert "long lived refresh tokens" in warning
        assert "token_file" in warning


@pytest.mark.parametrize("rotating", [True, False])
def test_a_file_that_goes_with_its_container_is_warned_about(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    rotating: bool,
) -> None:
    monkeypatch.setattr(TokenFile, "vanishes", True)
    sandbox.authorization.rotating = rotating
    sync(config_for(sandbox, tmp_path), streams=LISTS)
    assert ("it is in a container" in caplog.text) == rotating


def test_a_long_lived_token_may_lie_where_nothing_can_be_written(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.authorization.rotating = False
    config = config_for(sandbox, tmp_path)
    sync(config, streams=LISTS)
    sandbox.authorization.access_tokens.clear()
    monkeypatch.setattr(TokenFile, "why_not_kept", lambda _: "Read-only file system")
    assert sync(config, streams=LISTS).records["contact_lists"]
    (tmp_path / "tokens.json").write_text(json.dumps(stored(tmp_path) | {"rotates": True}))
    with pytest.raises(ConfigValidationError):
        sync(config)


FIFTY = """
    import json, os, sys
    from tap_constantcontact.auth.authenticator import authenticator

    config = json.loads(sys.argv[1])
    waiting, go = os.pipe()
    children = []
    for _ in range(50):
        children.append(os.fork())
        if not children[-1]:
            os.close(go)
            os.read(waiting, 1)
            code = 1
            try:
                bearer = authenticator(config)
                bearer.renew(None)
                bearer.renew(bearer.tokens.access_token)
                code = 0
            finally:
                os._exit(code)
    os.close(go)
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


@pytest.mark.slow
def test_fifty_processes_share_a_file_and_spend_no_token_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = config_for(sandbox, tmp_path, request_timeout=60)
    command = [sys.executable, "-c", textwrap.dedent(FIFTY), json.dumps(config)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert {*sandbox.authorization.spent.values()} == {1}
    assert len(sandbox.authorization.spent) > 1
    assert stored(tmp_path)["refresh_token"] == sandbox.authorization.refresh_token


RENEWAL = """
    import json, sys
    from tap_constantcontact.auth.authenticator import authenticator
    bearer = authenticator(json.loads(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    bearer.renew(bearer.tokens.access_token)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_leaves_a_file_that_works_or_says_so(
    account: Account, tmp_path: Path, moment: str
) -> None:
    """Killed before the server has spent the token, or after, while its answer is on the way."""
    reached = threading.Event()

    @web.middleware
    async def hold(request: web.Request, handler: Any) -> Any:
        if not request.path.endswith("/token") or not armed:
            return await handler(request)
        armed.clear()
        response = await handler(request) if moment == "after" else None
        reached.set()
        await asyncio.sleep(60)
        return response

    armed: list[bool] = []
    with Sandbox(account, middlewares=[hold]) as sandbox:
        config = config_for(sandbox, tmp_path, request_timeout=60)
        sync(config, streams=LISTS)
        before = stored(tmp_path)
        armed.append(True)
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(RENEWAL), json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        assert reached.wait(30)
        process.kill()
        process.communicate()
        assert stored(tmp_path) == before
        sandbox.authorization.access_tokens.clear()
        result = sync(config, streams=LISTS)
    assert bool(result.records["contact_lists"]) == (moment == "before")
    assert result.exit_code == (moment == "after")
