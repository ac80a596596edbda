"""Signing in: by a browser, by a code, and what can go wrong on the way."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tap_constantcontact.sandbox.oauth import Authorization, Grant
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.sign_in.conftest import Start, decide, entered
from tests.parameters import partly_slow
from tests.processes import Login, blocks

pytestmark = pytest.mark.contacts(3, young=True)


def errors(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("Error: ")]


# In a browser


def test_a_browser_signs_in_and_the_tap_needs_nothing_else(
    login: Start, sandbox: Sandbox, authorization: Authorization
) -> None:
    process = login("--browser", "--port=0")
    asked = parse_qs(urlsplit(process.opened()).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) >= 22
    assert asked["scope"] == ["contact_data campaign_data account_read offline_access"]
    page = decide(requests.get(process.opened(), timeout=30), "allow")
    assert page.status_code == 200
    assert "close this window" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    code, out, said = process.end()
    assert code == 0
    assert json.loads(out) == {
        "client_id": "sandbox",
        "api_url": sandbox.api_url,
        "auth_url": sandbox.auth_url,
    }
    assert process.token_file.stat().st_mode & 0o777 == 0o600
    assert process.token_file.parent.stat().st_mode & 0o777 == 0o700
    stored = json.loads(process.token_file.read_text())
    assert stored["refresh_token"] == authorization.refresh_token
    for secret in (stored["refresh_token"], stored["access_token"]):
        assert secret not in out + said
    ran = process.tap()
    assert ran.returncode == 0, ran.stderr
    assert '"stream":"contacts"' in ran.stdout
    assert not authorization.spent  # the access token of the sign-in serves the first day
    authorization.access_tokens.clear()
    assert process.tap().returncode == 0
    assert dict(authorization.spent) == {stored["refresh_token"]: 1}


def test_a_denied_consent_ends_the_sign_in(login: Start) -> None:
    process = login("--browser", "--port=0")
    page = decide(requests.get(process.opened(), timeout=30), "deny")
    assert page.status_code == 400
    assert "Access was denied" in page.text
    code, out, said = process.end()
    assert (code, out) == (1, "")
    assert len(errors(said)) == 1
    assert "Access was denied in the browser. Nothing was stored." in errors(said)[0]
    assert not process.token_file.exists()


def answer_of(process: Login) -> tuple[str, dict[str, str]]:
    """Allow, and return where the browser would be sent, without going there."""
    page = requests.get(process.opened(), timeout=30)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket
    sent = requests.post(
        "{0.scheme}://{0.netloc}/decision".format(urlsplit(page.url)),
        data={"ticket": ticket[1], "decision": "allow"},
        allow_redirects=False,
        timeout=30,
    )
    target = urlsplit(sent.headers["Location"])
    query = {key: value[0] for key, value in parse_qs(target.query).items()}
    return target._replace(query="").geturl(), query


def test_only_the_right_state_ends_the_wait(login: Start, authorization: Authorization) -> None:
    process = login("--browser", "--port=0")
    address, query = answer_of(process)
    strays: list[dict[str, str]] = [{}, {"code": "stray"}, {**query, "state": "another"}]
    strays += [{**query, "state": ""}, {"error": "access_denied"}]
    for stray in strays:
        page = requests.get(address, params=stray, timeout=30)
        assert page.status_code == 400
        assert "This is not the sign-in" in page.text
    assert requests.head(address, params=query, timeout=30).status_code == 501
    assert requests.post(address, params=query, timeout=30).status_code == 501
    with socket.create_connection(("localhost", urlsplit(address).port or 0)) as odd:
        odd.sendall(b"GET http://[::1 HTTP/1.0\r\n\r\n")
        assert b" 400 " in odd.recv(1000)
    assert query["code"] in authorization.codes
    assert requests.get(address, params=query, timeout=30).status_code == 200
    code, _, said = process.end()
    assert (code, errors(said)) == (0, [])


def test_an_old_address_visited_again_is_refused(login: Start) -> None:
    first = login("--browser", "--port=0")
    address, query = answer_of(first)
    assert requests.get(address, params=query, timeout=30).status_code == 200
    assert first.end()[0] == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(address, params=query, timeout=30)
    kept = first.token_file.read_text()
    second = login("--browser", "--port=0")
    second_address, _ = answer_of(second)
    assert requests.get(second_address, params=query, timeout=30).status_code == 400
    assert second.process.poll() is None
    assert second.token_file.read_text() == kept


@pytest.mark.parametrize("spoilt", ["used", "expired"])
def test_a_spoilt_code_is_refused(
    login: Start, sandbox: Sandbox, authorization: Authorization, spoilt: str
) -> None:
    process = login("--browser", "--port=0")
    address, query = answer_of(process)
    if spoilt == "expired":
        authorization.codes[query["code"]].ends_at = time.time() - 1
    else:
        grant = {"grant_type": "authorization_code", "client_id": "sandbox", "code": query["code"]}
        assert requests.post(f"{sandbox.auth_url}/token", grant, timeout=30).status_code == 400
    assert "older than five minutes" in requests.get(address, params=query, timeout=30).text
    code, _, said = process.end()
    assert code == 1
    assert "(invalid_grant)" in errors(said)[0]


def test_a_question_is_answered_once(login: Start) -> None:
    process = login("--browser", "--port=0")
    page = requests.get(process.opened(), timeout=30)
    assert decide(page, "allow").status_code == 200
    again = decide(page, "allow")
    assert again.status_code == 410
    assert "answered before" in again.text
    assert process.end()[0] == 0


def test_only_the_first_visit_is_answered(login: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = threading.Event(), threading.Event()
    redeemed = Authorization._redeemed

    def hold(self: Authorization, form: Any) -> Any:
        asked.set()
        go.wait(30)
        return redeemed(self, form)

    monkeypatch.setattr(Authorization, "_redeemed", hold)
    process = login("--browser", "--port=0")
    address, query = answer_of(process)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(requests.get, address, params=query, timeout=30)
        assert asked.wait(30)
        assert requests.get(address, params=query, timeout=30).status_code == 404
        go.set()
        assert first.result().status_code == 200
    assert process.end()[0] == 0


def test_other_requests_of_a_browser_are_not_taken_for_its_return(login: Start) -> None:
    process = login("--browser", "--port=0")
    address, query = answer_of(process)
    root = address.removesuffix("/callback")
    assert requests.get(f"{root}/favicon.ico", timeout=30).status_code == 404
    assert requests.get(address, params=query, timeout=30).status_code == 200
    assert process.end()[0] == 0


@pytest.mark.slow
def test_a_closed_window_ends_in_time(login: Start) -> None:
    code, _, said = login("--browser", "--port=0", "--timeout=1").end()
    assert code == 1
    assert len(errors(said)) == 1
    assert "Nobody came back from the browser within 1 seconds" in errors(said)[0]


def test_giving_up_stores_nothing(login: Start) -> None:
    process = login("--browser", "--port=0")
    process.opened()
    process.process.send_signal(signal.SIGINT)
    code, _, said = process.end()
    assert code == 1
    assert errors(said) == ["Error: Given up. Nothing was stored."]
    assert not process.token_file.exists()


def test_a_port_that_is_taken_is_named(login: Start) -> None:
    first = login("--browser", "--port=0")
    port = urlsplit(answer_of(first)[0]).port
    code, _, said = login("--browser", f"--port={port}").end()
    assert code == 1
    assert f"Port {port} cannot be used" in errors(said)[0]


def test_a_challenge_is_held_against_its_verifier(
    login: Start, authorization: Authorization
) -> None:
    process = login("--browser", "--port=0")
    address, query = answer_of(process)
    authorization.codes[query["code"]].challenge = "of somebody else"
    assert requests.get(address, params=query, timeout=30).status_code == 400
    assert process.end()[0] == 1


# By a code


def test_a_code_signs_in(login: Start) -> None:
    process = login("--device")
    shown = process.wait_for(r"Enter  (\S+)")
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", shown)
    assert entered(process, "allow").status_code == 200
    assert process.end()[0] == 0
    assert process.tap().returncode == 0


def test_a_code_can_be_denied(login: Start) -> None:
    process = login("--device")
    entered(process, "deny")
    code, _, said = process.end()
    assert code == 1
    assert len(errors(said)) == 1
    assert "Access was denied in the browser. Nothing was stored." in errors(said)[0]


def test_a_code_expires(login: Start, authorization: Authorization) -> None:
    process = login("--device")
    process.wait_for(r"or open (\S+)")
    for device in authorization.devices.values():
        device.ends_at = 0
    code, _, said = process.end()
    assert code == 1
    assert "expired before anybody entered it" in errors(said)[0]


def test_a_wrong_code_is_said_to_be_wrong(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.url}/activate?user_code=<b>XX", timeout=30)
    assert "&lt;B&gt;XX" in page.text
    assert "is not known" in page.text


# The application


def test_a_secret_comes_from_its_variable_and_is_shown_on_demand_only(
    login: Start, authorization: Authorization
) -> None:
    authorization.client_secret = "very-secret"
    process = login("--browser", "--port=0", TAP_CONSTANTCONTACT_CLIENT_SECRET="very-secret")
    decide(requests.get(process.opened(), timeout=30), "allow")
    code, out, said = process.end()
    assert code == 0
    assert "very-secret" not in out + said
    process = login(
        "--browser", "--port=0", "--show", TAP_CONSTANTCONTACT_CLIENT_SECRET="very-secret"
    )
    decide(requests.get(process.opened(), timeout=30), "allow")
    shown = json.loads(process.end()[1])
    assert shown["client_secret"] == "very-secret"
    assert shown["refresh_token"] == authorization.refresh_token


@pytest.mark.slow
def test_a_secret_is_asked_for_out_of_sight(
    sandbox: Sandbox, authorization: Authorization, login: Start
) -> None:
    authorization.client_secret = "typed-secret"
    environment = login("--version").environment
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tap_constantcontact.commands.login", "--browser", "--port=0"],
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = ""
    while "Client secret" not in shown:
        shown += os.read(master, 1000).decode()
    os.write(master, b"typed-secret\n")
    while not (found := re.search(r"go to\s+(\S+)\s", shown)):
        shown += os.read(master, 1000).decode()
    decide(requests.get(found[1], timeout=30), "allow")
    shown += b"".join(blocks(master)).decode()
    assert process.wait() == 0
    assert "client_secret" in shown
    assert "typed-secret" not in shown
    os.close(master)


@pytest.mark.slow
def test_login_reads_the_configuration_of_the_tap(
    login: Start, sandbox: Sandbox, tmp_path: Path, authorization: Authorization
) -> None:
    authorization.client_secret = "in-the-file"
    config = {
        "client_id": "sandbox",
        "client_secret": "in-the-file",
        "refresh_token": "worn-out",
        "auth_url": sandbox.auth_url,
        "api_url": sandbox.api_url,
        "token_file": str(tmp_path / "mine" / "tokens.json"),
        "requests_per_second": 10_000,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    process = login("--config=config.json", "--browser", "--port=0")
    decide(requests.get(process.opened(), timeout=30), "allow")
    code, out, _ = process.end()
    assert (code, out) == (0, "")
    ran = subprocess.run(
        [sys.executable, "-m", "tap_constantcontact", "--config=config.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not authorization.spent


@pytest.mark.parametrize(
    ("options", "variables", "line"),
    [
        ((), {"TAP_CONSTANTCONTACT_CLIENT_ID": ""}, "API key is missing"),
        (("--device", "--client-id=other"), {}, "refused the application (invalid_client)"),
        (("--device", "--scopes=contact_data everything"), {}, "one of the scopes"),
        pytest.param(
            ("--device",),
            {"TAP_CONSTANTCONTACT_AUTH_URL": "http://127.0.0.1:9/oauth2"},
            "cannot be reached (no connection)",
            marks=pytest.mark.slow,
        ),
        (("--device",), {"XDG_STATE_HOME": "/dev/null"}, "cannot be written (Not a directory)"),
    ],
)
def test_a_sign_in_that_cannot_work_ends_with_one_line(
    login: Start, options: tuple[str, ...], variables: dict[str, str], line: str
) -> None:
    code, out, said = login(*options, **variables).end()
    assert (code, out) == (1, "")
    assert len(errors(said)) == 1
    assert line in errors(said)[0]


@pytest.mark.parametrize(
    ("scopes", "line"),
    [("contact_data", "add offline_access to --scopes"), (None, "allow refresh tokens")],
)
def test_an_answer_without_a_refresh_token_is_explained(
    login: Start, monkeypatch: pytest.MonkeyPatch, scopes: str | None, line: str
) -> None:
    if scopes is None:
        monkeypatch.setattr(Authorization, "_first_token", lambda _, scope: (Grant(scope, 0), None))
    process = login("--device", *([f"--scopes={scopes}"] if scopes else []))
    entered(process, "allow")
    code, _, said = process.end()
    assert code == 1
    assert line in errors(said)[0]
    assert not process.token_file.exists()


# Later


@pytest.mark.slow
@pytest.mark.parametrize("kind", partly_slow(["rotating"], ["long lived"]))
def test_a_token_is_checked_and_removed(
    login: Start, authorization: Authorization, kind: str
) -> None:
    authorization.rotating = kind == "rotating"
    process = login("--device")
    entered(process, "allow")
    assert process.end()[0] == 0
    stored = json.loads(process.token_file.read_text())
    stored["refreshed_at"] -= 20 * 86_400
    process.token_file.write_text(json.dumps(stored))
    authorization.access_tokens.clear()
    code, out, _ = login("--check").end()
    assert code == 0
    assert "It was last used 20 days ago, and 160 of 180 idle days are left." in out
    code, out, _ = login("--check").end()
    assert code == 0
    assert f"is {kind}" in out
    assert "It was last used 0 days ago, and 180 of 180 idle days are left." in out
    authorization.grants.clear()
    authorization.access_tokens.clear()
    code, out, _ = login("--check").end()
    assert code == 1
    assert "refused the refresh token (invalid_grant)" in out
    assert "sign in again" in out
    assert login("--logout").end()[0] == 0
    assert not process.token_file.exists()
    assert "no token file" in login("--logout").end()[1]


def test_another_application_s_tokens_are_not_written_over(login: Start, tmp_path: Path) -> None:
    process = login("--device", TAP_CONSTANTCONTACT_TOKEN_FILE=str(tmp_path / "t.json"))
    entered(process, "allow")
    assert process.end()[0] == 0
    code, _, said = login(
        "--device", "--client-id=other", TAP_CONSTANTCONTACT_TOKEN_FILE=str(tmp_path / "t.json")
    ).end()
    assert code == 1
    assert "tokens of another application (sandbox)" in errors(said)[0]
