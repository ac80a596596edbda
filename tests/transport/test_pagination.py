"""Links from page to page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.harness import config_for, every, spoil, sync

pytestmark = pytest.mark.usefixtures("present")


def test_next_links_in_a_circle_are_fatal(read: Any) -> None:
    hrefs = [f"/v3/contacts?cursor={letter}" for letter in "abc"]
    asked = 0

    @web.middleware
    async def in_a_circle(request: web.Request, handler: Any) -> Any:
        nonlocal asked
        if request.path != "/v3/contacts":
            return await handler(request)
        asked += 1
        links = {"next": {"href": hrefs[asked % 3]}}
        return web.json_response({"contacts": [], "_links": links})

    result, (said,) = read(in_a_circle, streams=("contacts",))
    assert result.exit_code == 1
    assert "next links of contacts lead in a circle" in said
    assert asked <= 5


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


def test_a_cursor_goes_into_the_parameter_next(run: Any, requests_seen: list[Any]) -> None:
    run(streams="event_registrations")
    pages = [request for request in requests_seen if request.path.endswith("/registrations")]
    later = [request.query for request in pages if request.query]
    assert later
    assert all(query.keys() == {"next"} for query in later)


@pytest.mark.parametrize("cursor", [7, ["a"]], ids=repr)
def test_a_cursor_that_is_no_text_is_fatal_in_the_end(read: Any, cursor: Any) -> None:
    spoilt = spoil("events", lambda body: body.update(next_cursor=cursor))
    result, (said,) = read(spoilt, streams=("events",))
    assert result.exit_code == 1
    assert "_links are malformed" in said


def test_cursors_in_a_circle_are_fatal(read: Any) -> None:
    spoilt = spoil("event_registrations", lambda body: body.update(next_cursor="bmV4dD0x"))
    result, (said,) = read(spoilt, streams=("event_registrations",))
    assert result.exit_code == 1
    assert "lead in a circle" in said
