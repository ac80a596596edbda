"""Many accounts of one key, each with its own tokens and data, under the limits of the key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.processes import Command
from tests.runs import sync
from tests.sandboxes import PRESENT, YOUTH

SANDBOX = "tap_constantcontact.sandbox"


def served(*accounts: Account, **options: Any) -> Sandbox:
    return Sandbox(accounts[0], others=accounts[1:], **options)


@pytest.fixture
def accounts() -> list[Account]:
    grown = [Account(seed, size=5, now=YOUTH) for seed in (1, 2, 3)]
    for account in grown:
        account.now = PRESENT
    return grown


@pytest.fixture
def sandbox(accounts: list[Account]) -> Iterator[Sandbox]:
    with served(*accounts) as running:
        running.api.partner = True
        yield running


def renewed(config: dict[str, Any]) -> dict[str, Any]:
    """Renew a configuration's tokens; returns what the authorization server answers."""
    response = requests.post(
        f"{config['auth_url']}/token",
        auth=(config["client_id"], config["client_secret"]),
        data={"grant_type": "refresh_token", "refresh_token": config["refresh_token"]},
        timeout=10,
    )
    answer: dict[str, Any] = response.json()
    return answer


def get(config: dict[str, Any], path: str) -> requests.Response:
    return requests.get(
        f"{config['api_url']}{path}",
        headers={"Authorization": f"Bearer {config['access_token']}"},
        timeout=10,
    )


def test_each_account_is_read_with_its_own_token(
    sandbox: Sandbox, accounts: list[Account], tmp_path: Path
) -> None:
    streams = ("account_summary", "contacts", "contact_activity_details", "email_campaigns")
    configurations = sandbox.configurations()
    assert [one["name"] for one in configurations] == [a.encoded_account_id for a in accounts]
    for account, one in zip(accounts, configurations, strict=True):
        settings = {"token_file": str(tmp_path / one["name"]), "requests_per_second": 10_000}
        run = sync(one["config"] | settings, streams=streams)
        expected = Expected(account)
        for stream in streams:
            assert run.by_key(stream) == expected[stream]


def test_a_rotated_token_opens_the_same_account(sandbox: Sandbox, accounts: list[Account]) -> None:
    config = sandbox.configurations()[1]["config"]
    for _ in range(3):
        config |= renewed(config)
        seen = get(config, "/account/summary").json()["encoded_account_id"]
        assert seen == accounts[1].encoded_account_id


def test_a_partner_s_key_lists_the_accounts(sandbox: Sandbox, accounts: list[Account]) -> None:
    config = sandbox.configurations()[0]["config"]
    listed = get(config | renewed(config), "/partner/accounts").json()["site_owner_list"]
    assert [(row["encoded_account_id"], row["organization_name"]) for row in listed] == [
        (account.encoded_account_id, account.organization_name) for account in accounts
    ]


def test_the_accounts_share_the_limits_of_the_key() -> None:
    empty = [Account(seed, size=0, now=FIRST_NEWSLETTER) for seed in (1, 2)]
    with served(*empty, limits=Limits(per_day=3)) as sandbox:
        first, second = (one["config"] for one in sandbox.configurations())
        first |= renewed(first)
        second |= renewed(second)
        answers = [get(config, "/contact_tags") for config in (first, second) * 2]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@pytest.mark.slow
def test_the_command_writes_the_accounts_that_it_serves(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    options = ["--port=0", "--accounts=3", "--contacts=2", "--partner", f"--write={file}"]
    command = Command(SANDBOX, *options, folder=tmp_path)
    try:
        while not command.stdout.readline().startswith(b"accounts "):
            assert command.poll() is None
        written = json.loads(file.read_text("utf-8"))
        assert len({one["name"] for one in written}) == 3
        for one in written:
            config = one["config"] | renewed(one["config"])
            seen = get(config, "/account/summary").json()["encoded_account_id"]
            assert seen == one["name"]
        listed = get(config, "/partner/accounts").json()["site_owner_list"]
        assert [row["encoded_account_id"] for row in listed] == [one["name"] for one in written]
    finally:
        command.kill()
        command.wait()
