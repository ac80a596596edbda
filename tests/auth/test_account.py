"""Whose account it is: asked once, shown, and never mixed up with another."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from singer_sdk.exceptions import FatalAPIError

from tap_constantcontact.auth.authenticator import RefreshTokenAuthenticator
from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.conftest import OTHER, asked, named, read, stored, switch
from tests.processes import Process
from tests.runs import config_for

pytestmark = pytest.mark.contacts(3, young=True)


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


# The tap


def test_the_account_is_asked_for_once_and_logged_once_a_run(
    config: dict[str, Any],
    account: Account,
    requests_seen: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    state: dict[str, Any] = {}
    for _ in range(3):
        caplog.clear()
        state = read(config, state).state
        assert caplog.text.count(f"The account is {named(account)}") == 1
        assert "another account" not in caplog.text
    assert asked(requests_seen) == 1
    assert stored(config)["account"] == {
        "encoded_account_id": account.encoded_account_id,
        "organization_name": account.organization_name,
    }
    assert len(state["account"]) == 8
    assert account.encoded_account_id not in json.dumps(state)


def test_an_account_without_a_name_is_known_by_its_key(
    config: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    account.organization_name = ""
    read(config)
    assert f"The account is {account.encoded_account_id}.\n" in caplog.text


def test_a_token_file_that_knows_no_account_is_read_and_learns_it(
    config: dict[str, Any], account: Account, requests_seen: list[Any]
) -> None:
    read(config)
    tokens = stored(config)
    del tokens["account"], tokens["last_read"]
    Path(config["token_file"]).write_text(json.dumps(tokens))
    read(config)
    assert asked(requests_seen) == 2
    assert stored(config)["account"]["encoded_account_id"] == account.encoded_account_id


@pytest.mark.parametrize("damage", [5, "a", [], {"encoded_account_id": 5}])
def test_a_damaged_account_makes_no_token_file(config: dict[str, Any], damage: Any) -> None:
    read(config)
    Path(config["token_file"]).write_text(json.dumps(stored(config) | {"account": damage}))
    with pytest.raises(Exception, match="validation failed") as caught:
        read(config)
    assert "is not a token file" in caught.value.errors[0]  # type: ignore[attr-defined]


def test_a_new_refresh_token_may_be_for_another_account(
    sandbox: Sandbox, config: dict[str, Any], caplog: pytest.LogCaptureFixture, account: Account
) -> None:
    first = named(account)
    read(config)
    switch(sandbox)
    sandbox.authorization.grant("contact_data account_read", "of-another-sign-in")
    config["refresh_token"] = "of-another-sign-in"
    caplog.clear()
    state = read(config).state
    assert f"The account is {named(OTHER)}" in caplog.text
    assert f"The last run with this token_file read another account, {first}" in caplog.text
    caplog.clear()
    read(config)
    read(config, state)
    assert "another account" not in caplog.text


Answer = Callable[[web.Request], web.StreamResponse]


def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return web.Response()


FINAL: dict[str, Answer] = {
    "403": lambda _: web.json_response([{"error_key": "forbidden"}], status=403),
    "404": lambda _: web.Response(status=404),
    "no JSON": lambda _: web.Response(text="<html>"),
    "a list": lambda _: web.json_response([]),
    "no key": lambda _: web.json_response({"organization_name": "Somebody"}),
    "a number for a key": lambda _: web.json_response({"encoded_account_id": 5}),
    "a number beyond all bounds": lambda _: web.Response(text='{"a": ' + "9" * 5000 + "}"),
}
FLEETING: dict[str, Answer] = {
    "401": lambda _: web.Response(status=401),
    "429": lambda _: web.json_response({"error_key": "throttled"}, status=429),
    "503": lambda _: web.Response(status=503),
    "a connection cut": _cut,
}


def answering(account: Account, answer: Answer) -> tuple[Sandbox, list[str]]:
    """Return a sandbox that answers the question whose account it is in this way."""
    seen: list[str] = []

    @web.middleware
    async def spoil(request: web.Request, handler: Any) -> Any:
        if request.path != "/v3/account/summary":
            return await handler(request)
        seen.append(request.path)
        return answer(request)

    return Sandbox(account, middlewares=[spoil]), seen


@pytest.mark.slow
@pytest.mark.parametrize("name", FINAL)
def test_an_account_that_may_not_be_read_is_not_asked_for_again(
    account: Account, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox, seen = answering(account, FINAL[name])
    with sandbox:
        config = config_for(sandbox, tmp_path)
        first = read(config)
        assert first.records["contacts"]
        assert "lacks the scope account_read" in caplog.text
        second = read(config, first.state)
    assert len(seen) == 1
    assert "account" not in second.state
    assert caplog.text.count("The account is ") == 1
    assert stored(config)["account"]["encoded_account_id"] == ""


@pytest.mark.parametrize("name", FLEETING)
def test_a_failure_to_tell_the_account_costs_a_run_one_request(
    account: Account, tmp_path: Path, name: str
) -> None:
    sandbox, seen = answering(account, FLEETING[name])
    with sandbox:
        config = config_for(sandbox, tmp_path)
        for runs in (1, 2):
            assert read(config).records["contacts"]
            assert len(seen) == runs
    assert stored(config)["account"] is None


def test_an_account_request_that_is_redirected_ends_the_run(
    account: Account, tmp_path: Path
) -> None:
    away = {"Location": "https://ada:hush@portal.example.com/v3?hush"}
    sandbox, _ = answering(account, lambda _: web.Response(status=302, headers=away))
    with sandbox, pytest.raises(FatalAPIError) as caught:
        read(config_for(sandbox, tmp_path))
    assert "(HTTP 302, to https://portal.example.com/v3)" in str(caught.value)


@pytest.mark.parametrize("way", ["access token", "sandbox", "no file"])
def test_nothing_is_asked_where_nothing_can_be_kept(
    sandbox: Sandbox,
    config: dict[str, Any],
    requests_seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    if way == "access token":
        config |= {"access_token": sandbox.authorization.issue()}
    elif way == "sandbox":
        config = {"sandbox": True, "requests_per_second": 10_000}
        monkeypatch.setattr(
            "tap_constantcontact.sandbox.credentials",
            lambda: {"access_token": sandbox.authorization.issue(), "api_url": sandbox.api_url},
        )
    else:
        monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
        config["token_file"] = None
    result = read(config)
    assert result.records["contacts"]
    assert "account" not in result.state
    assert requests_seen
    assert asked(requests_seen) == 0


def test_the_request_for_the_account_counts_against_the_budget(
    config: dict[str, Any], requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = read(config | {"request_budget": 2}, streams=("contact_lists", "contacts"))
    assert [request.path for request in requests_seen] == [
        "/v3/account/summary",
        "/v3/contact_lists",
    ]
    assert result.records["contact_lists"]
    assert "The run's request budget is used up (2)" in caplog.text


def test_a_refused_refresh_token_is_sent_once(sandbox: Sandbox, config: dict[str, Any]) -> None:
    sandbox.authorization.grants.clear()
    with pytest.raises(FatalAPIError, match=r"refused the refresh token \(invalid_grant\)"):
        read(config)
    assert sandbox.authorization.spent == {"sandbox-refresh-token": 1}


# The state


def test_a_state_of_another_account_is_refused_before_any_data_is_read(
    sandbox: Sandbox, config: dict[str, Any], requests_seen: list[Any], account: Account
) -> None:
    first = named(account)
    state = read(config).state
    switch(sandbox)
    tokens = stored(config) | {"account": None}
    Path(config["token_file"]).write_text(json.dumps(tokens))
    requests_seen.clear()
    for _ in range(2):
        with pytest.raises(FatalAPIError) as caught:
            read(config, state)
        assert f"another account, {first}," in str(caught.value)
        assert named(OTHER) in str(caught.value)
    assert [request.path for request in requests_seen] == ["/v3/account/summary"]


def test_no_bookmark_of_another_account_is_used_in_a_merged_state(
    sandbox: Sandbox, config: dict[str, Any]
) -> None:
    streams = ("email_campaigns", "contacts", "contact_action_summary")
    state = read(config, streams=streams).state
    switch(sandbox)
    tokens = stored(config) | {"account": None}
    Path(config["token_file"]).write_text(json.dumps(tokens))
    other = read(config, streams=streams)
    merged = state | {"account": other.state["account"]}
    assert read(config, merged, streams=streams).records == other.records


def test_a_refused_state_ends_the_run_with_one_line(
    config: dict[str, Any], tmp_path: Path, account: Account
) -> None:
    process = Process(tmp_path, config, {"bookmarks": {}, "account": "0123456789abcdef"})
    said = process.end()
    errors = [line for line in said.splitlines() if "ERROR" in line]
    assert process.process.returncode == 1
    assert process.lines == []
    assert len(errors) == 1
    assert "another account, fingerprint 0123456789abcdef," in errors[0]
    assert named(account) in errors[0]
    assert "Traceback" not in said


@pytest.mark.parametrize("told", [None, 5, "", {"id": "a"}, "x" * 101])
def test_a_state_that_tells_no_account_is_taken(
    config: dict[str, Any], told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fingerprint = read(config).state["account"]
    caplog.clear()
    assert read(config, {"bookmarks": {}, "account": told}).state["account"] == fingerprint
    assert "read another account" not in caplog.text


def merged(states: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge states key by key, as runners do."""

    def merge(source: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
        for key, value in source.items():
            if isinstance(value, dict):
                merge(value, into.setdefault(key, {}))
            else:
                into[key] = value
        return into

    result: dict[str, Any] = {}
    for state in states:
        merge(state, result)
    return result


def test_the_account_outlives_runners_that_merge_states(
    sandbox: Sandbox, config: dict[str, Any]
) -> None:
    lines = read(config, streams=("contacts", "contact_action_summary")).lines
    states = [line["value"] for line in lines if line["type"] == "STATE"]
    fingerprints = {
        merged([{"bookmarks": {"contacts": {}}}, *states[:length]])["account"]
        for length in range(1, len(states) + 1)
    }
    assert len(fingerprints) == 1
    tokens = stored(config) | {"account": {"encoded_account_id": "", "organization_name": ""}}
    Path(config["token_file"]).write_text(json.dumps(tokens))
    unknown = read(config, states[-1]).state
    assert unknown["account"] == merged([states[-1], unknown])["account"]
    switch(sandbox)
    Path(config["token_file"]).write_text(json.dumps(tokens | {"account": None}))
    with pytest.raises(FatalAPIError, match="written for another account"):
        read(config, unknown)


def test_a_sign_in_to_another_account_does_not_change_a_run_under_way(
    config: dict[str, Any], account: Account
) -> None:
    read(config)
    bearer = RefreshTokenAuthenticator(config | {"request_timeout": 60}, TokenFile.of(config))
    other = {
        "encoded_account_id": OTHER.encoded_account_id,
        "organization_name": OTHER.organization_name,
    }
    Path(config["token_file"]).write_text(json.dumps(stored(config) | {"account": other}))
    with pytest.raises(FatalAPIError) as caught:
        bearer.renew(bearer.tokens.access_token or "")
    assert named(account) in str(caught.value)
    assert named(OTHER) in str(caught.value)
    assert stored(config)["account"] == other
