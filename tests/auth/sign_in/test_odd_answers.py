"""Signing in where the servers and the browser answer anything at all."""

from __future__ import annotations

import json
import threading
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from click.testing import CliRunner, Result
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_constantcontact.auth import token_file
from tap_constantcontact.auth.answers import GrantedTokens
from tap_constantcontact.auth.sign_in.flows import SignIn
from tap_constantcontact.commands import login
from tap_constantcontact.exceptions import FatalAPIError
from tests.auth.odd import (
    SECRETS,
    STATUSES,
    TEXTS,
    WHOLE_DEVICE,
    device_bodies,
    is_plain,
    token_bodies,
)
from tests.auth.sign_in.conftest import Start
from tests.clocks import PatientClock, StillClock
from tests.servers import Canned, canned

pytestmark = pytest.mark.contacts(3, young=True)

TOKENS = json.dumps(
    {"access_token": "an-access-token", "refresh_token": "a-refresh-token", "expires_in": 86_400}
).encode()

quickly = settings(suppress_health_check=[*HealthCheck])


class Person:
    """Somebody whose browser is sent back with these queries, one after the other.

    Attributes:
        queries: Takes the right state; returns the queries.
        pages: The status and the text of each page that the browser was shown.
    """

    def __init__(self) -> None:
        self.queries: Callable[[str], list[Mapping[str, Any]]] = lambda state: [
            {"state": state, "code": SECRETS["code"]}
        ]
        self.pages: list[tuple[int, str]] = []
        self.done = threading.Event()

    def open(self, url: str) -> bool:
        asked = parse_qs(urlsplit(url).query)
        address = asked["redirect_uri"][0].replace("localhost", "127.0.0.1")
        for query in self.queries(asked["state"][0]):
            page = requests.get(address, query, timeout=30)
            self.pages.append((page.status_code, page.text))
        self.done.set()
        return True


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    person = Person()
    monkeypatch.setattr(webbrowser, "open", person.open)
    return person


def signed_in(server: Canned, person: Person | None, **more: Any) -> GrantedTokens | str:
    """Sign in; returns what was granted, or the line with which it failed."""
    kept: list[GrantedTokens] = []
    clock = StillClock() if person is None else PatientClock()
    config = {"auth_url": server.url, "client_id": "ada", "request_timeout": 5, **more}
    sign_in = SignIn(config, "contact_data offline_access", clock)
    try:
        if person is None:
            sign_in.by_device(kept.append)
        else:
            person.pages, person.done = [], threading.Event()
            sign_in.by_browser(0, 30, kept.append)
    except FatalAPIError as error:
        said = str(error)
    else:
        return kept[0]
    assert is_plain(said)
    assert not kept
    return said


@given(STATUSES, token_bodies("client_secret", "code"))
@quickly
def test_every_token_response_ends_the_sign_in_in_the_terminal_and_in_the_browser(
    server: Canned, person: Person, status: int, body: bytes
) -> None:
    server.answers(body, status)
    result = signed_in(server, person, client_secret=SECRETS["client_secret"])
    assert person.done.wait(30)
    ((shown, text),) = person.pages
    assert shown == (200 if isinstance(result, GrantedTokens) else 400)
    assert ("You are signed in" in text) == isinstance(result, GrantedTokens)
    assert "hush" not in text


SENT = TEXTS.filter(lambda text: text.isascii() and len(text) < 1000)
"""What fits into the address of a redirect."""

QUERIES = st.one_of(
    st.dictionaries(st.sampled_from(["error", "error_description", "state", "iss"]), SENT),
    st.fixed_dictionaries(
        {"code": st.just(SECRETS["code"])},
        optional=dict.fromkeys(
            ("error", "error_description", "errorSummary"), SENT | st.just(SECRETS["code"])
        ),
    ),
)


@given(QUERIES, st.booleans())
@quickly
def test_any_redirect_ends_the_sign_in_or_is_passed_over(
    server: Canned, person: Person, query: dict[str, str], is_ours: bool
) -> None:
    server.answers(TOKENS)
    person.queries = lambda state: (
        [{**query, "state": state}] if is_ours else [query, {"state": state, "code": "right"}]
    )
    result = signed_in(server, person)
    assert person.done.wait(30)
    if is_ours:
        assert isinstance(result, GrantedTokens) == (
            bool(query.get("code")) and not query.get("error")
        )
    else:
        assert isinstance(result, GrantedTokens)
        assert [status for status, _ in person.pages] == [400, 200]
        assert [b"code=right" in body for _, _, body in server.seen] == [True]


@given(STATUSES, device_bodies())
@quickly
def test_every_response_to_a_device_request_is_shown_safely_or_ends_the_sign_in(
    server: Canned, capsys: pytest.CaptureFixture[str], status: int, body: bytes
) -> None:
    server.answers(body, status)
    capsys.readouterr()
    assert isinstance(signed_in(server, None), str)
    out, said = capsys.readouterr()
    assert out == ""
    assert all(line.isprintable() for line in said.splitlines())
    assert SECRETS["device_code"] not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_code", {}),
        ("user_code", "A\x1b[31m"),
        ("user_code", "A\nB"),
        ("user_code", " "),
        ("user_code", "A" * 500),
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri", "https://"),
        ("verification_uri", "https://[::1"),
        ("verification_uri", "https://a/\x1b[31m"),
        ("verification_uri", ["https://a"]),
        ("verification_uri_complete", "file:///etc/passwd"),
        ("verification_uri_complete", 5),
        ("device_code", ["a"]),
        ("device_code", None),
    ],
)
def test_a_code_that_cannot_be_shown_or_used_is_refused(
    server: Canned, name: str, value: Any
) -> None:
    server.answers(json.dumps({**WHOLE_DEVICE, name: value}).encode())
    assert f"sent no {name} that can be used" in str(signed_in(server, None))


@pytest.mark.parametrize("value", [-5, 10**400, float("nan"), float("inf"), {}, "soon", True, 1e-9])
def test_times_of_a_device_are_believed_within_bounds(server: Canned, value: Any) -> None:
    server.answers(json.dumps({**WHOLE_DEVICE, "expires_in": value, "interval": value}).encode())
    assert "sent no access_token that can be used" in str(signed_in(server, None))
    assert server.paths == ["/device/authorize", "/token"]


@pytest.mark.parametrize(
    ("status", "text"), [(429, "limits how often tokens are requested"), (503, "cannot be reached")]
)
def test_a_device_waits_for_a_server_that_fails_until_its_code_expires(
    server: Canned, monkeypatch: pytest.MonkeyPatch, status: int, text: str
) -> None:
    """The code is answered, and then nothing but failures."""
    clock = StillClock()
    server.answers(json.dumps(WHOLE_DEVICE).encode())
    slept = clock.sleep

    def sleep(seconds: float) -> None:
        server.body, server.status = b"{}", status
        slept(seconds)

    monkeypatch.setattr(clock, "sleep", sleep)
    config = {"auth_url": server.url, "client_id": "ada", "request_timeout": 5}
    with pytest.raises(FatalAPIError) as caught:
        SignIn(config, "contact_data", clock).by_device(lambda _: None)
    assert text in str(caught.value)
    assert f"(HTTP {status})" in str(caught.value)
    assert clock.at == StillClock.at + WHOLE_DEVICE["expires_in"]
    assert 8 < len(server.seen) < 30


@pytest.mark.parametrize("way", ["browser", "device"])
def test_no_code_follows_a_redirect(
    server: Canned, elsewhere: Canned, person: Person, way: str
) -> None:
    elsewhere.answers(TOKENS)
    server.answers(b"", 307, Location=f"{elsewhere.url}/token?code=hush")
    said = signed_in(server, person if way == "browser" else None)
    assert f"redirected the request (HTTP 307, to {elsewhere.url}/token)" in str(said)
    assert elsewhere.seen == []


# The command


@pytest.fixture
def command(
    server: Canned, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run the command in this process, for servers that answer with tokens."""
    server.answers(TOKENS)
    for name, value in {
        "client_id": "ada",
        "token_file": str(tmp_path / "tokens.json"),
        "api_url": server.url,
        "auth_url": server.url,
    }.items():
        monkeypatch.setenv(f"TAP_CONSTANTCONTACT_{name.upper()}", value)

    def run(*options: str) -> Result:
        result = CliRunner().invoke(login.main, ("--browser", "--port=0", *options))
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def last_line(result: Result) -> str:
    assert result.exit_code == 1
    return result.output.splitlines()[-1]


def test_an_account_that_is_redirected_is_told_and_not_followed(
    command: Callable[..., Result],
    elsewhere: Canned,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with canned() as api:
        api.answers(b"", 302, Location=f"{elsewhere.url}/v3?token=hush")
        monkeypatch.setenv("TAP_CONSTANTCONTACT_API_URL", api.url)
        line = last_line(command())
    assert f"redirected the request (HTTP 302, to {elsewhere.url}/v3)" in line
    assert elsewhere.seen == []
    assert person.pages[0][0] == 400


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("check_can_store", "Given up. Nothing was stored."),
        ("tokens_of", "Given up. Nothing was stored."),
        ("_name_lacking", "Given up. The tokens are stored."),
        ("_tell", "Given up. The tokens are stored."),
    ],
)
def test_giving_up_tells_whether_the_tokens_are_stored(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    step: str,
    line: str,
) -> None:
    def give_up(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(login, step, give_up)
    assert last_line(command()) == f"Error: {line}"
    assert (tmp_path / "tokens.json").exists() == ("are stored" in line)


@pytest.mark.parametrize("timeout", ["nan", "inf", "0", "1e12"])
def test_a_wait_that_never_ends_is_refused(command: Callable[..., Result], timeout: str) -> None:
    assert command(f"--timeout={timeout}").exit_code == 2


def test_scopes_that_cannot_be_sent_are_refused(command: Callable[..., Result]) -> None:
    assert "--scopes has characters" in last_line(command("--scopes=contact_data \udcff"))


def test_a_sign_in_waits_for_a_run_that_holds_the_tokens(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_file, "SILENCE", 0)
    monkeypatch.setattr(token_file, "LONGEST_RENEWAL", 0)
    with FileLock(tmp_path / "tokens.json.lock"):
        assert "Another process has been renewing" in last_line(command())


@pytest.mark.slow
def test_a_browser_that_does_not_open_leaves_a_way(login: Start) -> None:
    process = login("--browser", "--port=0", "--timeout=1", BROWSER="'%s")
    code, _, said = process.end()
    assert code == 1
    assert "If it does not open, go to" in said
    assert "Nobody came back from the browser within 1 seconds" in said


def test_a_browser_in_odd_quotes_makes_the_command_show_a_code(login: Start) -> None:
    assert login(BROWSER="'%s").wait_for(r"Enter  (\S+)")


def test_headers_that_cannot_be_read_print_nothing(login: Start, server: Canned) -> None:
    server.answers(json.dumps({**WHOLE_DEVICE, "user_code": {}}).encode())
    server.headers = {"X-Odd: 1\r\nno colon and no value\r\nX-Even": "2"}
    code, _, said = login("--device", TAP_CONSTANTCONTACT_AUTH_URL=server.url).end()
    assert code == 1
    assert [line[:7] for line in said.splitlines() if line] == ["Read fr", "Error: "]
