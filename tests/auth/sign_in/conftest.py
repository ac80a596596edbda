"""A sandbox for a public application, and the command that signs in to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.processes import Login

Start = Callable[..., Login]


def decide(page: requests.Response, decision: str) -> requests.Response:
    """Press one of the buttons of a page and go where it leads."""
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket, page.text
    root = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    return requests.post(
        f"{root}/decision", data={"ticket": ticket[1], "decision": decision}, timeout=30
    )


def entered(process: Login, decision: str) -> requests.Response:
    address = process.wait_for(r"or open (\S+)")
    return decide(requests.get(address, timeout=30), decision)


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
