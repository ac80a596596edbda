"""Signing in to one account over another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from singer_sdk.exceptions import FatalAPIError

from tap_constantcontact.commands import login
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.conftest import OTHER, asked, named, read, stored, switch

pytestmark = pytest.mark.contacts(3, young=True)

SignIn = Callable[..., Result]


@pytest.fixture
def sign_in(sandbox: Sandbox, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """Run the command in this process, for a person who decides at once."""
    sandbox.authorization.interval = 0
    question = Authorization._asked_by_device
    monkeypatch.setattr("tap_constantcontact.auth.answers.INTERVAL", 0.0)
    for name in ("client_id", "client_secret", "token_file", "api_url", "auth_url"):
        monkeypatch.setenv(f"TAP_CONSTANTCONTACT_{name.upper()}", config[name])

    def run(*options: str, allowed: bool = True) -> Result:
        def decide(self: Authorization, form: Any) -> Any:
            self.devices[form["device_code"]].allowed = allowed
            return question(self, form)

        monkeypatch.setattr(Authorization, "_asked_by_device", decide)
        return CliRunner().invoke(login.main, options or ("--device",))

    return run


def test_signing_in_asks_whose_account_it_is(
    sign_in: SignIn, config: dict[str, Any], account: Account, requests_seen: list[Any]
) -> None:
    result = sign_in()
    assert result.exit_code == 0, result.output
    assert f"Signed in to {named(account)}." in result.output
    assert asked(requests_seen) == 1
    del config["refresh_token"]
    assert "account" in read(config).state
    assert asked(requests_seen) == 1


def test_another_account_is_not_signed_in_to_by_mistake(
    sign_in: SignIn,
    sandbox: Sandbox,
    config: dict[str, Any],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = named(account)
    sign_in()
    before = Path(config["token_file"]).read_bytes()
    assert sign_in().exit_code == 0
    assert Path(config["token_file"]).read_bytes() != before
    before = Path(config["token_file"]).read_bytes()
    switch(sandbox)
    refused = sign_in()
    assert refused.exit_code == 1
    assert Path(config["token_file"]).read_bytes() == before
    line = refused.output.splitlines()[-1]
    assert line.startswith("Error: ")
    for said in (first, named(OTHER), "nothing was stored", "--replace"):
        assert said in line
    assert json.loads(before)["refresh_token"] in sandbox.authorization.grants
    own = line.partition("TAP_CONSTANTCONTACT_TOKEN_FILE=")[2].partition(" ")[0]
    with monkeypatch.context() as patch:
        patch.setenv("TAP_CONSTANTCONTACT_TOKEN_FILE", own)
        assert sign_in().exit_code == 0
    assert json.loads(Path(own).read_text())["account"]["encoded_account_id"] in line
    assert Path(config["token_file"]).read_bytes() == before
    replaced = sign_in("--device", "--replace")
    assert f"Signed in to {named(OTHER)}." in replaced.output
    assert stored(config)["account"]["encoded_account_id"] == OTHER.encoded_account_id


def test_a_replaced_account_is_named_by_the_next_run(
    sign_in: SignIn,
    sandbox: Sandbox,
    config: dict[str, Any],
    account: Account,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = named(account)
    sign_in()
    del config["refresh_token"]
    state = read(config).state
    switch(sandbox)
    sign_in("--device", "--replace")
    with pytest.raises(FatalAPIError, match="written for another account"):
        read(config, state)
    caplog.clear()
    read(config)
    assert f"read another account, {first}" in caplog.text


@pytest.mark.parametrize("first", ["account_read", ""])
def test_a_sign_in_without_the_scope_goes_on(
    sign_in: SignIn, sandbox: Sandbox, config: dict[str, Any], first: str
) -> None:
    scopes = "--scopes=contact_data offline_access "
    assert sign_in("--device", scopes + first).exit_code == 0
    switch(sandbox)
    second = "" if first else "account_read"
    result = sign_in("--device", scopes + second)
    assert result.exit_code == 0
    assert ("Signed in." in result.output) == (not second)
    assert bool(stored(config)["account"]["encoded_account_id"]) == bool(second)


@pytest.mark.parametrize("scope", ["account_read", ""])
def test_a_check_shows_and_keeps_the_account(
    sign_in: SignIn, config: dict[str, Any], account: Account, scope: str
) -> None:
    sign_in("--device", f"--scopes=contact_data campaign_data offline_access {scope}")
    Path(config["token_file"]).write_text(json.dumps(stored(config) | {"account": None}))
    result = sign_in("--check")
    assert result.exit_code == (0 if scope else 1), result.output
    shown = named(account) if scope else "not known: the token lacks the scope account_read"
    assert f"The account is {shown}" in result.output
    assert bool(stored(config)["account"]["encoded_account_id"]) == bool(scope)


def test_a_denied_sign_in_tells_of_private_applications(sign_in: SignIn) -> None:
    result = sign_in(allowed=False)
    assert result.exit_code == 1
    assert "A new application is private" in result.output
