"""Tokens that the API refuses on the way, and what the environment says of the way."""

from __future__ import annotations

import json
import time
import zlib
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.expected import Expected
from tests.faults import on_every
from tests.runs import FaultyRunner, config_for, sync, tap_with
from tests.wire import chunked, whole, wire

pytestmark = [pytest.mark.contacts(12, young=True), pytest.mark.usefixtures("present")]


def test_tokens_that_expire_in_the_middle_are_renewed(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    authorization = Authorization()

    async def forget(request: web.Request, handler: Any) -> Any:
        authorization.access_tokens.clear()
        return await handler(request)

    strike = on_every(20, forget, "/v3/reports/contact_reports/")
    with Sandbox(account, authorization=authorization, middlewares=[strike]) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    assert result.by_key("contact_activity_details") == Expected(account).contact_activity_details()
    assert max(authorization.spent.values()) == 1
    assert len(authorization.spent) > 2


def test_a_token_that_stays_refused_is_fatal(read: FaultyRunner) -> None:
    seen = []

    async def refuse(request: web.Request, handler: Any) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=401, text="")

    _, said = read.failing(on_every(1, refuse))
    assert "HTTP 401" in said
    assert len(seen) == len(set(seen)) == 2


def test_an_access_token_of_its_own_is_never_refreshed(read: FaultyRunner) -> None:
    _, said = read.failing(access_token="stale")
    assert "does not accept the access token" in said


def test_a_refused_token_is_renewed_and_the_request_sent_again_at_once(
    account: Account, tmp_path: Path, clock: PatientClock, waits: list[float]
) -> None:
    """Every third token is revoked as it is used, as where another sign-in ends the last one."""
    authorization = Authorization()
    sent: list[str] = []

    @web.middleware
    async def revoke(request: web.Request, handler: Any) -> Any:
        token = request.headers.get("Authorization", "")
        if request.path.startswith("/v3") and token not in sent:
            sent.append(token)
            if len(sent) % 3 == 1:
                authorization.access_tokens.clear()
        return await handler(request)

    with Sandbox(account, authorization=authorization, middlewares=[revoke]) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    assert result.exit_code == 0
    assert result.by_key("contacts") == Expected(account).contacts()
    assert sum(waits) == 0


def test_a_token_that_another_process_renewed_may_be_refused_too(
    account: Account, tmp_path: Path, clock: PatientClock, waits: list[float]
) -> None:
    authorization = Authorization()
    sent: list[str] = []

    @web.middleware
    async def renewed_elsewhere(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts":
            sent.append(request.headers["Authorization"].removeprefix("Bearer "))
            if len(sent) == 1:
                authorization.access_tokens.clear()
                tokens = json.loads((tmp_path / "tokens.json").read_text())
                tokens["access_token"] = "from another process, and revoked"
                (tmp_path / "tokens.json").write_text(json.dumps(tokens))
        return await handler(request)

    with Sandbox(account, authorization=authorization, middlewares=[renewed_elsewhere]) as sandbox:
        result = sync(
            config_for(sandbox, tmp_path), streams=("contact_lists", "contacts"), clock=clock
        )
    assert result.by_key("contacts") == Expected(account).contacts()
    assert sent[1] == "from another process, and revoked"
    assert len(set(sent)) == len(sent) == 3
    assert sum(waits) == 0


@pytest.mark.parametrize(
    ("no_proxy", "proxy"), [("", "http://proxy.example:3128"), ("cc.example", None)]
)
def test_proxies_and_certificates_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_proxy: str, proxy: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    config = {"access_token": "x", "api_url": "https://api.cc.example/v3"}
    session = tap_with(config).run.connection.session
    assert session.proxies.get("https") == proxy
    assert session.verify == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(("behind", "lag"), [(-60, 0), (3600, 3600), (86_400, 0)])
def test_the_lag_of_the_api_s_clock_is_learnt_unless_it_is_absurd(
    account: Account, tmp_path: Path, behind: float, lag: float
) -> None:
    @web.middleware
    async def late(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        response.headers["Date"] = formatdate(time.time() - behind, usegmt=True)
        return response

    with Sandbox(account, middlewares=[late]) as sandbox:
        tap = tap_with(config_for(sandbox, tmp_path), streams=["contact_lists"])
        tap.sync_all()
    assert tap.run.connection.clock_lag == pytest.approx(lag, abs=2)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_response_that_is_too_large_is_fatal_at_once(
    clock: PatientClock, caplog: pytest.LogCaptureFixture, compressed: bool
) -> None:
    """A body that is just larger than the bound, or one that is when it is decoded."""
    pieces = [b" " * 2**20] * 65
    packed = zlib.compressobj(level=1, wbits=31)
    if compressed:
        pieces = [*filter(None, map(packed.compress, pieces)), packed.flush()]
    encoding = "Content-Encoding: gzip" if compressed else "Content-Language: en"
    with wire(lambda _: chunked(pieces, encoding)) as server:
        config = {"access_token": "t", "api_url": f"{server.url}/v3"}
        result = sync(config, streams=("contact_tags",), clock=clock)
    assert result.exit_code == 1
    assert len(server.seen) == 1
    assert "contact_tags cannot be read. A response from" in caplog.text
    assert "is larger than 64 MiB" in caplog.text


def test_no_request_takes_the_token_to_another_server(clock: PatientClock) -> None:
    """Not even one that does not follow from a link."""
    with wire(lambda _: whole(b"[]")) as home, wire(lambda _: whole(b"[]")) as other:
        config = {"access_token": "t", "api_url": f"{home.url}/v3"}
        session = tap_with(config, clock=clock).run.connection.session
        for url in (f"{other.url}/v3/contacts", f"http://localhost:{home.port}/v3/contacts"):
            with pytest.raises(FatalAPIError, match="would have left"):
                session.get(url)
        assert session.get(f"{home.url}/v3/contacts").ok
    assert not other.connections
    assert home.connections == 1
