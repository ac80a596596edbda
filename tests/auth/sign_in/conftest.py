"""A sandbox for a public application, and the command that signs in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.processes import Login

Start = Callable[..., Login]


@pytest.fixture
def authorization() -> Authorization:
    return Authorization(client_secret=None, interval=0.2)


@pytest.fixture
def sandbox(account: Account, authorization: Authorization) -> Iterator[Sandbox]:
    with Sandbox(account, authorization=authorization) as running:
        yield running


@pytest.fixture
def login(sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    started = []

    def start(*options: str, **variables: str) -> Login:
        started.append(Login(sandbox, tmp_path, *options, **variables))
        return started[-1]

    yield start
    for process in started:
        process.process.kill()
        process.process.communicate()
