"""Token requests: what they are answered that is no token, and what a run then says."""

from __future__ import annotations

import gzip
import json
import math
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from singer_sdk.exceptions import ConfigValidationError, FatalAPIError, RetriableAPIError

from tap_constantcontact.auth import token_file
from tap_constantcontact.auth.account import ask
from tap_constantcontact.auth.answers import LIFETIME
from tap_constantcontact.auth.authenticator import authenticator
from tap_constantcontact.auth.permissions import ask_privileges
from tap_constantcontact.auth.session import MOST_SIGN_IN_BYTES, BoundedSession
from tap_constantcontact.auth.token_request import TOKEN_PATIENCE, AuthorizationServer
from tap_constantcontact.clock import Clock
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.odd import SECRETS, STATUSES, is_plain, token_bodies
from tests.clocks import PatientClock, StillClock
from tests.expected import Expected
from tests.faults import answering, on_every
from tests.runs import FaultyRunner, config_for, sync
from tests.servers import Canned

FORM = {"grant_type": "refresh_token", "refresh_token": SECRETS["refresh_token"]}

LEADS = {
    "https://ada:hush@portal.example.com/login?token=hush#hush": "https://portal.example.com/login",
    "/login?token=hush": "{root}/login",
    "": "",
}

pytestmark = [pytest.mark.contacts(3, young=True), pytest.mark.usefixtures("present")]


NO_ADDRESS = "http://[hush"


@pytest.mark.parametrize("location", [*LEADS, NO_ADDRESS])
def test_a_token_request_that_is_redirected_says_where(tmp_path: Path, location: str) -> None:
    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        return web.Response(status=302, headers={"Location": location} if location else {})

    with Sandbox(Account(size=0), middlewares=[redirect]) as sandbox:
        config = config_for(sandbox, tmp_path, request_timeout=60)
        with pytest.raises(FatalAPIError) as caught:
            authenticator(config).authenticate_request(None)  # type: ignore[arg-type]
        lead = LEADS.get(location, "").format(root=sandbox.url)
    assert (f"(HTTP 302, to {lead})" if lead else "(HTTP 302") in str(caught.value)
    assert "Check auth_url" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_refused_refresh_token_says_to_sign_in(read: FaultyRunner) -> None:
    _, said = read.failing(refresh_token="spent")
    assert "sign in again" in said
    assert "spent" not in said


def test_a_wrong_application_says_so(read: FaultyRunner) -> None:
    _, said = read.failing(client_secret="wrong-secret")
    assert "invalid_client" in said
    assert "wrong-secret" not in said


def test_a_token_endpoint_that_recovers_is_tried_again(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    flaky = on_every(2, answering(429, "", "text/plain"), "/oauth2")
    authorization = Authorization(lifetime=0.001)
    with Sandbox(account, authorization=authorization, middlewares=[flaky]) as sandbox:
        authorization.lifetime = 86400
        result = sync(config_for(sandbox, tmp_path), streams=("contact_lists",), clock=clock)
    assert result.by_key("contact_lists") == Expected(account).contact_lists()


# Answers of the token endpoint, whatever they are


def application(url: str, clock: Clock | None = None, **more: Any) -> AuthorizationServer:
    config = {"auth_url": url, "client_id": "ada", "request_timeout": 5, **more}
    return AuthorizationServer(config, clock or PatientClock())


def refused(server: Canned, **more: Any) -> str:
    """Return what is said of a refresh token that cannot be exchanged."""
    with pytest.raises(FatalAPIError) as caught:
        application(server.url, client_secret=SECRETS["client_secret"], **more).grant(FORM)
    assert is_plain(str(caught.value))
    return str(caught.value)


@given(STATUSES, token_bodies("client_secret", "refresh_token"))
@settings(suppress_health_check=[*HealthCheck])
def test_every_token_response_gives_usable_tokens_or_one_plain_line(
    server: Canned, caplog: pytest.LogCaptureFixture, status: int, body: bytes
) -> None:
    server.answers(body, status)
    caplog.clear()
    said = []
    try:
        granted = application(server.url, client_secret=SECRETS["client_secret"]).grant(FORM)
    except FatalAPIError as error:
        said.append(str(error))
    else:
        assert granted.access_token.isascii()
        assert granted.access_token.isprintable()
        assert 0 < granted.lifetime < math.inf
    assert all(map(is_plain, said + caplog.messages))


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "token", ["hush\r\nX: 1", "hush\n", "", " ", "hush hush", "hushü", "hush" * 5000, 5, {}, ["a"]]
)
def test_a_token_that_fits_no_header_is_refused_before_it_is_stored(
    server: Canned, tmp_path: Path, name: str, token: Any
) -> None:
    whole = {"access_token": "good", "refresh_token": "good", name: token}
    server.answers(json.dumps(whole).encode())
    config = {
        "client_id": "ada",
        "auth_url": server.url,
        "refresh_token": "seed",
        "request_timeout": 5,
        "token_file": str(tmp_path / "tokens.json"),
    }
    with pytest.raises(FatalAPIError, match=f"sent no {name} that can be used") as caught:
        authenticator(config).authenticate_request(None)  # type: ignore[arg-type]
    assert is_plain(str(caught.value))
    assert not (tmp_path / "tokens.json").exists()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("3600", 3600),
        ('"3600"', 3600),
        ("0", LIFETIME),
        ("-5", LIFETIME),
        ("NaN", LIFETIME),
        ("true", LIFETIME),
        ("null", LIFETIME),
        ("{}", LIFETIME),
        ("1e400", 365 * LIFETIME),
        ("1" + "0" * 400, 365 * LIFETIME),
    ],
)
def test_a_lifetime_is_believed_within_bounds(server: Canned, written: str, seconds: float) -> None:
    server.answers(b'{"access_token": "a", "expires_in": %b}' % written.encode())
    assert application(server.url).grant(FORM).lifetime == seconds


def test_a_redirected_secret_goes_nowhere_else(server: Canned, elsewhere: Canned) -> None:
    server.answers(b"", 307, Location=f"{elsewhere.url}/token?a=b")
    assert f"(HTTP 307, to {elsewhere.url}/token)" in refused(server)
    with BoundedSession(server.url, None) as session:
        assert session.get(server.url, timeout=5).status_code == 307
        with pytest.raises(FatalAPIError, match="must not see"):
            session.get(elsewhere.url, timeout=5)
        with pytest.raises(FatalAPIError, match="redirected the request"):
            ask(session, server.url, 5)
        with pytest.raises(FatalAPIError, match="redirected the request"):
            ask_privileges(session, server.url, 5)
    assert elsewhere.seen == []


def test_a_netrc_file_adds_nothing(
    server: Canned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login ada password hush")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.answers(b'{"access_token": "a"}')
    application(server.url).grant(FORM)
    assert "Authorization" not in server.seen[0][1]


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_the_header_of_a_refused_request_is_masked(server: Canned, status: int) -> None:
    secret = SECRETS["client_secret"]
    sent = b64encode(f"ada:{secret}".encode()).decode()
    told = f"Invalid key=value pair in Authorization header: 'Basic {sent}'."
    server.answers(json.dumps({"message": told}).encode(), status)
    said = refused(server)
    assert "in Authorization header" in said
    assert sent not in said
    assert secret not in said


def test_secrets_in_the_address_of_a_redirect_are_masked(server: Canned) -> None:
    place = f"https://{SECRETS['refresh_token']}.example/{SECRETS['client_secret']}"
    server.answers(b"", 302, Location=place)
    assert "(HTTP 302, to https://***.example/***)" in refused(server)


@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_beyond_all_bounds_is_given_up(server: Canned, packed: bool) -> None:
    body = b'{"access_token": "%b"}' % (b"a" * 2 * MOST_SIGN_IN_BYTES)
    if packed:
        server.answers(gzip.compress(body), Content_Encoding="gzip")
    else:
        server.answers(body)
    assert "is larger than 1 MiB" in refused(server)


def test_an_answer_that_drips_is_given_up(server: Canned) -> None:
    done = threading.Event()
    server.answers(b"{}")
    server.drip = lambda: done.wait(0.05)
    try:
        with pytest.raises(RetriableAPIError, match="no whole answer within"):
            application(server.url).grant_once(FORM, 0.3)
    finally:
        done.set()
        server.drip = None


def test_a_limited_pace_is_waited_for_and_told(
    server: Canned, caplog: pytest.LogCaptureFixture
) -> None:
    summary = "API call exceeded rate limit due to too many requests."
    body = json.dumps({"errorCode": "E0000047", "errorSummary": summary}).encode()
    server.answers(body, 429, Retry_After="99999999")
    clock = StillClock()
    said = refused(server, clock=clock)
    assert "Constant Contact limits how often tokens are requested" in said
    assert f"(HTTP 429, E0000047: {summary})" in said
    assert 3 < len(server.seen) < 8
    assert clock.at - StillClock.at < TOKEN_PATIENCE
    assert all(map(is_plain, caplog.messages))
    assert len(caplog.messages) == len(server.seen) - 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"message": "Forbidden"}', "Forbidden"),
        (b'{"errorCode": "E1", "errorSummary": "Not\x20now"}', "E1: Not now"),
        (b'{"error": "odd", "error_description": "As \\u001b[1mso"}', "odd: As ?[1mso"),
        (b"<html><style>a {}</style><h1>403&nbsp;ERROR</h1>\nBlocked</html>", "403 ERROR Blocked"),
        (b"upstream gone", "upstream gone"),
        (b'{"message": "no hush-refresh-token here"}', "no *** here"),
        (b'{"message": "' + b"long " * 100 + b'"}', "long long"),
    ],
)
def test_the_text_of_a_refusal_is_shown(server: Canned, body: bytes, told: str) -> None:
    server.answers(body, 403)
    assert f"(HTTP 403, {told}" in refused(server)


@pytest.mark.parametrize("url", ["", "example.com/oauth2", "ftp://a", "https://", "http://[::1"])
def test_an_address_of_no_server_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        application(url).grant(FORM)
    assert "is not the address of a server" in caught.value.errors[0]


def test_credentials_that_cannot_be_sent_are_told(server: Canned) -> None:
    assert "check auth_url, client_id" in refused(server, user_agent="a\nb")
    assert "check auth_url, client_id" in refused(server, client_id="a\ud800")


# The lock of the token file


def test_another_process_is_waited_for_aloud_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(token_file, "SILENCE", 0)
    path = tmp_path / "tokens.json"
    lock = token_file.TokenLock(path)
    with FileLock(f"{path}.lock"):
        monkeypatch.setattr(token_file, "LONGEST_RENEWAL", 0)
        with pytest.raises(FatalAPIError, match="Another process has been renewing"), lock:
            pytest.fail("the lock was not held")
    assert caplog.messages[0].startswith("Another process is renewing the token in")
    caplog.clear()
    with lock:
        assert caplog.messages == []
