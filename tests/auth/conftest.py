"""A sandbox of a small account, whose tokens may come to read another one."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import Run, config_for, tap_with
from tests.servers import Canned, canned

OTHER = Account(seed=2, size=0, now=FIRST_NEWSLETTER)


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> dict[str, Any]:
    return config_for(sandbox, tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[Canned]:
    """A server that answers what a test makes it answer."""
    with canned() as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Canned]:
    """Another server, which must see no request."""
    with canned() as running:
        running.answers(b'{"access_token": "theirs", "refresh_token": "theirs"}')
        yield running


def read(
    config: dict[str, Any],
    state: dict[str, Any] | None = None,
    streams: tuple[str, ...] = ("contacts",),
) -> Run:
    """Run a tap in this process, with the question whose account it is."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        tap = tap_with(config, state, streams)
        tap.check_account()
        tap.sync_all()
    return Run([json.loads(line) for line in out.getvalue().splitlines()])


def switch(sandbox: Sandbox, account: Account = OTHER) -> None:
    """Let the sandbox's tokens read another account."""
    sandbox.account.encoded_account_id = account.encoded_account_id
    sandbox.account.organization_name = account.organization_name


def stored(config: dict[str, Any]) -> dict[str, Any]:
    tokens: dict[str, Any] = json.loads(Path(config["token_file"]).read_text())
    return tokens


def asked(requests_seen: list[Any]) -> int:
    return [request.path for request in requests_seen].count("/v3/account/summary")


def named(account: Account) -> str:
    return f"{account.organization_name} ({account.encoded_account_id})"
