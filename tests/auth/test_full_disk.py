"""A disk that is full when tokens are to be written: a real one, of a few pages in memory."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.auth import token_file
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.auth.token_writer import TokenWriter
from tap_constantcontact.auth.tokens import Tokens
from tap_constantcontact.cli import Command
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import config_for, sync

pytestmark = pytest.mark.contacts(3, young=True)

LISTS = "contact_lists"
FULL = "No space left on device"


class Disk:
    """A disk of its own, which a test fills.

    Attributes:
        folder: Where it is mounted.
        at_exchange: What happens at each exchange of a refresh token, in turn, before it is
            answered.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at_exchange: list[Callable[[], None]] = []
        self._filler = folder / "filler"

    def fill(self) -> None:
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(bytes(1024))

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def sandbox(account: Account, present: None, disk: Disk) -> Iterator[Sandbox]:
    @web.middleware
    async def act(request: web.Request, handler: Any) -> Any:
        if request.path.endswith("/token") and disk.at_exchange:
            disk.at_exchange.pop(0)()
        return await handler(request)

    with Sandbox(account, middlewares=[act]) as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, disk: Disk) -> dict[str, Any]:
    return config_for(sandbox, tmp_path, token_file=str(disk.folder / "tokens.json"))


def stored(config: dict[str, Any]) -> str:
    token: str = json.loads(Path(config["token_file"]).read_text())["refresh_token"]
    return token


def command(config: dict[str, Any]) -> int:
    """Run the command in this process; returns how it ended."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            Command.invoke(config={"config": config})
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def said(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelname == level]


@pytest.mark.parametrize("is_first", [True, False])
def test_the_new_tokens_have_room_though_the_disk_fills_meanwhile(
    sandbox: Sandbox, config: dict[str, Any], disk: Disk, is_first: bool
) -> None:
    if not is_first:
        sync(config, streams=(LISTS,))
        sandbox.authorization.access_tokens.clear()
    disk.at_exchange.append(disk.fill)
    assert sync(config, streams=(LISTS,)).exit_code == 0
    assert not disk.at_exchange
    assert stored(config) == sandbox.authorization.refresh_token
    assert {path.name for path in disk.folder.iterdir()} == {
        "filler",
        "tokens.json",
        "tokens.json.lock",
    }


def test_a_disk_that_is_full_at_the_start_costs_no_token(
    sandbox: Sandbox, config: dict[str, Any], disk: Disk
) -> None:
    disk.fill()
    with pytest.raises(ConfigValidationError) as caught:
        sync(config)
    assert f"cannot be written ({FULL})" in caught.value.errors[0]
    assert not sandbox.authorization.spent


def test_a_file_that_is_mounted_without_its_folder_costs_no_token(
    sandbox: Sandbox, config: dict[str, Any], disk: Disk, tmp_path: Path
) -> None:
    sync(config, streams=(LISTS,))
    sandbox.authorization.access_tokens.clear()
    mounted = tmp_path / "mounted.json"
    mounted.touch()
    subprocess.run(["mount", "--bind", config["token_file"], mounted], check=True)
    try:
        with pytest.raises(ConfigValidationError, match="validation") as caught:
            sync({**config, "token_file": str(mounted)}, streams=(LISTS,))
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)
    assert "cannot be written (it is mounted alone" in caught.value.errors[0]
    assert len(sandbox.authorization.spent) == 1


@pytest.mark.parametrize("rotating", [True, False])
def test_a_disk_that_is_full_before_a_renewal_costs_no_token(
    sandbox: Sandbox,
    config: dict[str, Any],
    disk: Disk,
    rotating: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.authorization.rotating = rotating
    sync(config, streams=(LISTS,))
    guard = sandbox._guard

    async def fill(request: Any, handler: Any) -> Any:
        disk.fill()
        return await guard(request, handler)

    sandbox._guard = fill  # type: ignore[method-assign]
    sandbox.authorization.access_tokens.clear()
    assert command(config) == rotating
    assert len(said(caplog, "ERROR")) == rotating
    for line in said(caplog, "ERROR"):
        assert f"cannot be written ({FULL}), so its token was not renewed and still works" in line
    disk.make_room()
    sandbox._guard = guard  # type: ignore[method-assign]
    assert sync(config, streams=(LISTS,)).exit_code == 0
    assert ({*sandbox.authorization.spent.values()} == {1}) == rotating


# Tokens that cannot be written all the same


@pytest.fixture
def without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reserve too little, as if the new tokens were larger than any are."""
    monkeypatch.setattr(token_file, "ROOM", 0)


def refuse_tokens(sandbox: Sandbox, *before: str) -> None:
    """Let the API refuse the token when these paths are requested, once each."""
    guard, paths = sandbox._guard, [*before]

    async def refuse(request: Any, handler: Any) -> Any:
        if request.path in paths:
            paths.remove(request.path)
            sandbox.authorization.access_tokens.clear()
        return await guard(request, handler)

    sandbox._guard = refuse  # type: ignore[method-assign]


@pytest.mark.usefixtures("without_room")
def test_a_run_goes_on_with_tokens_that_cannot_be_written_and_says_so_at_its_end(
    sandbox: Sandbox,
    config: dict[str, Any],
    disk: Disk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk.at_exchange.append(disk.fill)
    refuse_tokens(sandbox, "/v3/contact_lists", "/v3/contact_tags")
    assert command(config) == 1
    assert len(sandbox.authorization.spent) == 3
    assert {*sandbox.authorization.spent.values()} == {1}
    (line,) = said(caplog, "ERROR")
    assert f"could not be written there ({FULL})" in line
    assert "What was read is not lost. Make room, then sign in again" in line
    assert any("goes on and tries again at its end" in one for one in said(caplog, "WARNING"))
    assert sandbox.authorization.refresh_token not in caplog.text


@pytest.mark.slow
@pytest.mark.usefixtures("without_room")
@pytest.mark.parametrize("again_at", ["the end", "a renewal", "a fact that is kept"])
def test_tokens_are_written_as_soon_as_there_is_room(
    sandbox: Sandbox,
    config: dict[str, Any],
    disk: Disk,
    caplog: pytest.LogCaptureFixture,
    again_at: str,
) -> None:
    disk.at_exchange.append(disk.fill)
    if again_at == "a renewal":
        disk.at_exchange.append(disk.make_room)
        refuse_tokens(sandbox, "/v3/contact_lists")
    else:
        path = "/v3/contact_lists" if again_at == "the end" else "/v3/account/summary"
        guard = sandbox._guard

        async def make_room(request: Any, handler: Any) -> Any:
            if request.path == path:
                disk.make_room()
            return await guard(request, handler)

        sandbox._guard = make_room  # type: ignore[method-assign]
    assert command(config) == 0
    assert not disk.at_exchange
    assert not said(caplog, "ERROR")
    assert stored(config) == sandbox.authorization.refresh_token
    assert {*sandbox.authorization.spent.values()} == {1}


@pytest.mark.usefixtures("without_room")
def test_a_new_sign_in_meanwhile_is_not_written_over(disk: Disk) -> None:
    file = TokenFile(disk.folder / "tokens.json")
    old = Tokens("app", "", "old", rotates=True)
    file.write(old)
    writer = TokenWriter(file, lambda: file.read() or old)

    def refresh(tokens: Tokens) -> Tokens:
        disk.fill()
        return replace(tokens, refresh_token="n" * 5000)

    unwritten = writer.replace(old, refresh)
    assert writer.newest() == unwritten
    disk.make_room()
    file.write(replace(old, refresh_token="of a sign-in"))
    assert writer.finish() is None
    assert file.read() == writer.newest() == replace(old, refresh_token="of a sign-in")


@pytest.mark.usefixtures("without_room")
def test_a_long_lived_token_that_cannot_be_written_is_not_lost(disk: Disk) -> None:
    file = TokenFile(disk.folder / "tokens.json")
    old = Tokens("app", "", "same")
    writer = TokenWriter(file, lambda: old)

    def refresh(tokens: Tokens) -> Tokens:
        disk.fill()
        return replace(tokens, access_token="a" * 5000)

    writer.replace(old, refresh)
    assert writer.finish() is None


@pytest.mark.usefixtures("without_room")
def test_a_file_that_was_spoilt_meanwhile_is_told(disk: Disk) -> None:
    file = TokenFile(disk.folder / "tokens.json")
    old = Tokens("app", "", "old")
    file.write(old)
    writer = TokenWriter(file, lambda: file.read() or old)

    def refresh(tokens: Tokens) -> Tokens:
        disk.fill()
        return replace(tokens, refresh_token="n" * 5000)

    writer.replace(old, refresh)
    file.path.write_text("")
    assert "another program has changed or locked it" in (writer.finish() or "")
    with pytest.raises(ConfigValidationError):
        writer.newest()
