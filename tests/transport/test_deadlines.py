"""Whole responses have a limit of time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.exceptions import DeadlineExceededError
from tap_constantcontact.sandbox.account import Account
from tests.expected import Expected
from tests.parameters import partly_slow
from tests.runs import FaultyRunner, tap_with
from tests.servers import canned

pytestmark = pytest.mark.contacts(12, young=True)


@pytest.mark.slow
def test_a_response_that_drips_is_given_up_at_its_deadline(
    read: FaultyRunner, account: Account
) -> None:
    dripped = 0

    @web.middleware
    async def drip(request: web.Request, handler: Any) -> Any:
        nonlocal dripped
        response = await handler(request)
        if request.path != "/v3/contacts" or dripped == 2:
            return response
        dripped += 1
        slow = web.StreamResponse(headers={"Content-Type": "application/json"})
        slow.content_length = len(response.body)
        await slow.prepare(request)
        for byte in response.body:
            await slow.write(bytes([byte]))
            await asyncio.sleep(0.05)
        return slow

    began = time.monotonic()
    result, errors = read(drip, streams=("contacts",), request_timeout=0.2)
    assert not errors
    assert result.by_key("contacts") == Expected(account).contacts()
    assert 2.0 <= time.monotonic() - began < 10


@pytest.mark.parametrize("body", partly_slow([b"{}" * 100], [b"{}"]))
def test_a_response_that_drips_from_its_first_byte_is_given_up(body: bytes) -> None:
    """The deadline passes in the headers, or in the body."""
    with canned() as server:
        config = {"access_token": "t", "api_url": server.url, "request_timeout": 0.4}
        session = tap_with(config).run.connection.session
        server.answers(body)
        server.drip = lambda: time.sleep(0.05 if body == b"{}" else 0.015)
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError, match="no whole answer within 2 seconds"):
            session.get(server.url)
        assert 2.0 <= time.monotonic() - began < 5
