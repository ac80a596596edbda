"""A service that fails now and then: requests are retried, and given up in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.clocks import PatientClock
from tests.expected import Expected
from tests.faults import Fault, answering, on_every
from tests.parameters import NAMES, ONE_OF_EACH_KIND, partly_slow
from tests.runs import FaultyRunner, config_for, sync
from tests.sandboxes import is_request_for

pytestmark = [pytest.mark.contacts(12, young=True), pytest.mark.usefixtures("present")]


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


async def of_the_other_kind(request: web.Request, handler: Any) -> web.Response:
    whole = await handler(request)
    return web.json_response([] if isinstance(json.loads(whole.body), dict) else {})


HTML = "<html><body>Bad Gateway</body></html>"


FAULTS: dict[str, Fault] = {
    "a gateway's HTML": answering(502, HTML, "text/html"),
    "an error as a list": answering(500, '[{"error_key": "oops", "error_message": "Oops"}]'),
    "a 503": answering(503, "", "text/plain"),
    "a reset": reset,
    "a body cut short": cut,
    "a 200 that is HTML": answering(200, HTML, "text/html"),
    "a 200 that is half JSON": answering(200, '{"contacts": ['),
    "a 200 of the other JSON kind": of_the_other_kind,
    "a throttle": answering(429, '{"error_key":"throttled","error_message":"Too Many Requests"}'),
    "a throttle in a list": answering(429, '[{"error_key":"throttled"}]'),
    "a 429 of no known shape": answering(429, HTML, "text/html"),
}

QUICK_FAULTS = ("a reset", "a body cut short", "a 200 that is half JSON", "a throttle")
"""One of each way to fail, for `pytest` without `-m slow`."""


def first_of_each_stream(fault: Fault) -> Any:
    """Strike the first request of each stream."""
    struck: set[str] = set()

    @web.middleware
    async def strike(request: web.Request, handler: Any) -> Any:
        asking = {stream.name for stream in STREAMS if is_request_for(stream, request.path)}
        if asking <= struck:
            return await handler(request)
        struck.update(asking)
        return await fault(request, handler)

    return strike


STRIKES: dict[str, Callable[[Fault], Any]] = {
    "every third request": lambda fault: on_every(3, fault),
    "the first of each stream": first_of_each_stream,
}

FEW_STREAMS = ("account_emails", "email_campaign_stats", "contacts", "contact_action_summary")
STREAMS_READ = {
    "every third request": NAMES,
    "the first of each stream": tuple(sorted(ONE_OF_EACH_KIND)),
}
"""The streams that are read while the service fails, at each time that it does."""


@pytest.mark.parametrize(
    ("name", "when"),
    partly_slow(
        [
            ("a 503", "the first of each stream"),
            *((name, "every third request") for name in QUICK_FAULTS),
        ],
        [(name, "every third request") for name in FAULTS if name not in QUICK_FAULTS],
    ),
)
def test_the_same_records_come_out_although_requests_fail(
    read: FaultyRunner, expected: Expected, waits: list[float], name: str, when: str
) -> None:
    streams = STREAMS_READ[when] if name == "a 503" else FEW_STREAMS
    result, errors = read(STRIKES[when](FAULTS[name]), streams=streams)
    assert not errors
    for stream in streams:
        assert result.by_key(stream) == expected[stream], stream
    assert waits


def test_a_limit_of_requests_a_second_is_waited_out(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    limits = Limits(4, clock=lambda: 1_000_000.0 + sum(clock.slept))
    with Sandbox(account, limits=limits) as sandbox:
        result = sync(config_for(sandbox, tmp_path), clock=clock)
    assert result.by_key("contact_activity_details") == Expected(account).contact_activity_details()


def test_an_outage_is_given_up_after_minutes(
    read: FaultyRunner, account: Account, waits: list[float]
) -> None:
    fault = answering(503, "")
    result, said = read.failing(
        on_every(1, fault, "/v3/reports/contact_reports"), contact_ids=[*account.contacts][:1]
    )
    assert "did not answer requests for contact_action_summary for minutes (HTTP 503)" in said
    assert 120 < sum(waits) < 600
    assert waits[-1] > waits[0]
    assert result.state["bookmarks"]["contacts"]["replication_key_value"]
    assert not result.state["bookmarks"]["contact_action_summary"]["replication_key_value"]
