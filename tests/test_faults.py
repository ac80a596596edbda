"""What an unreliable service does to a run: nothing, or one plain line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.conftest import Expected, Run, config_for, grown, sync

STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
Fault = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def waits(clock: PatientClock) -> list[float]:
    """The pauses of the run, which take no time."""
    return clock.slept


@pytest.fixture
def account() -> Account:
    return grown(12)


def every(nth: int, fault: Fault, path: str = "/v3/") -> Any:
    """Strike every n-th request to a path."""
    count = 0

    @web.middleware
    async def strike(request: web.Request, handler: Any) -> Any:
        nonlocal count
        if request.path.startswith(path):
            count += 1
            if count % nth == 0:
                return await fault(request, handler)
        return await handler(request)

    return strike


def answer(status: int, body: str, kind: str = "application/json") -> Fault:
    async def fault(request: web.Request, handler: Any) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    return fault


async def reset(request: web.Request, handler: Any) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request, handler: Any) -> web.StreamResponse:
    whole = await handler(request)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(whole.body)
    await response.prepare(request)
    await response.write(whole.body[: len(whole.body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


HTML = "<html><body>Bad Gateway</body></html>"
FAULTS: dict[str, Fault] = {
    "a gateway's HTML": answer(502, HTML, "text/html"),
    "an error as a list": answer(500, '[{"error_key": "oops", "error_message": "Oops"}]'),
    "a 503": answer(503, "", "text/plain"),
    "a reset": reset,
    "a body cut short": cut,
    "a 200 that is HTML": answer(200, HTML, "text/html"),
    "a 200 that is half JSON": answer(200, '{"contacts": ['),
    "a 200 that is a list": answer(200, "[]"),
    "a throttle": answer(429, '{"error_key":"throttled","error_message":"Too Many Requests"}'),
    "a throttle in a list": answer(429, '[{"error_key":"throttled"}]'),
    "a 429 of no known shape": answer(429, HTML, "text/html"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_same_records_come_out(
    account: Account, tmp_path: Path, clock: PatientClock, waits: list[float], name: str
) -> None:
    with Sandbox(account, middlewares=[every(3, FAULTS[name])]) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    expected = Expected(account)
    for stream in STREAMS:
        assert result.by_key(stream) == getattr(expected, stream)()
    assert waits


def test_tokens_that_expire_in_the_middle_are_renewed(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    authorization = Authorization()

    async def forget(request: web.Request, handler: Any) -> Any:
        authorization.access_tokens.clear()
        return await handler(request)

    strike = every(20, forget)
    with Sandbox(account, authorization=authorization, middlewares=[strike]) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    assert result.by_key("contact_activity_details") == Expected(account).contact_activity_details()
    assert max(authorization.spent.values()) == 1
    assert len(authorization.spent) > 2


def test_a_limit_of_requests_a_second_is_waited_out(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    limits = Limits(4, clock=lambda: 1_000_000.0 + sum(clock.slept))
    with Sandbox(account, limits=limits) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    assert result.by_key("contact_activity_details") == Expected(account).contact_activity_details()


# What ends a run


@pytest.fixture
def failing(
    account: Account, tmp_path: Path, clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> Callable[..., tuple[Run, str]]:
    def fail(*middlewares: Any, **settings: Any) -> tuple[Run, str]:
        with Sandbox(account, middlewares=middlewares) as sandbox:
            result = sync(config_for(sandbox, tmp_path, **settings), clock=clock)
        errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
        assert result.exit_code == 1
        assert len(errors) == 1
        return result, errors[0]

    return fail


def error(key: str, message: str) -> str:
    return json.dumps([{"error_key": key, "error_message": message}])


def test_an_outage_is_given_up_after_minutes(
    failing: Any, account: Account, waits: list[float]
) -> None:
    fault = answer(503, "")
    result, said = failing(every(1, fault, "/v3/reports"), contact_ids=[*account.contacts][:1])
    assert "did not answer contact_action_summary for minutes (HTTP 503)" in said
    assert 120 < sum(waits) < 600
    assert waits[-1] > waits[0]
    assert result.state["bookmarks"]["contacts"]["replication_key_value"]
    assert not result.state["bookmarks"]["contact_action_summary"]["replication_key_value"]


def test_a_token_that_stays_refused_is_fatal(failing: Any) -> None:
    seen = []

    async def refuse(request: web.Request, handler: Any) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=401, text="")

    _, said = failing(every(1, refuse))
    assert "HTTP 401" in said
    assert len(seen) == len(set(seen)) == 2


def test_an_access_token_of_its_own_is_never_refreshed(failing: Any) -> None:
    _, said = failing(access_token="stale")
    assert "does not accept the access token" in said


def test_403_names_scope_and_privilege(failing: Any) -> None:
    _, said = failing(every(1, answer(403, error("forbidden", "No")), "/v3/reports"))
    assert "contact_data" in said
    assert "ui:campaign:metrics" in said


def test_another_refusal_says_what_the_api_said(failing: Any) -> None:
    _, said = failing(
        every(1, answer(400, error("contacts.api.bad", "Limit is off")), "/v3/contacts")
    )
    assert "HTTP 400, contacts.api.bad, Limit is off" in said


def test_a_refused_refresh_token_says_to_sign_in(failing: Any) -> None:
    _, said = failing(refresh_token="spent")
    assert "sign in again" in said
    assert "spent" not in said


def test_a_wrong_application_says_so(failing: Any) -> None:
    _, said = failing(client_secret="wrong-secret")
    assert "invalid_client" in said
    assert "wrong-secret" not in said


def test_a_token_endpoint_that_recovers_is_tried_again(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    flaky = every(2, answer(429, "", "text/plain"), "/oauth2")
    authorization = Authorization(lifetime=0.001)
    with Sandbox(account, authorization=authorization, middlewares=[flaky]) as sandbox:
        authorization.lifetime = 86400
        result = sync(config_for(sandbox, tmp_path), streams=("contact_lists",), clock=clock)
    assert result.by_key("contact_lists") == Expected(account).contact_lists()


def test_a_link_to_another_host_does_not_get_the_token(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    led_astray: list[Any] = []

    async def record(request: web.Request, handler: Any) -> Any:
        led_astray.append(request)
        return await handler(request)

    with Sandbox(account, middlewares=[every(1, record)]) as other:

        async def lead_away(request: web.Request, handler: Any) -> Any:
            response = await handler(request)
            if request.query_string == "stray":
                return response
            body = json.loads(response.body)
            body["_links"] = {"next": {"href": f"{other.api_url}/contact_lists?status=deleted"}}
            return web.json_response(body)

        count = iter((lead_away,))

        async def once(request: web.Request, handler: Any) -> Any:
            fault = next(count, None)
            return await (fault(request, handler) if fault else handler(request))

        with Sandbox(account, middlewares=[every(1, once, "/v3/contact_lists")]) as sandbox:
            result = sync(config_for(sandbox, tmp_path), streams=("contact_lists",), clock=clock)
    assert result.exit_code == 0
    assert not led_astray
