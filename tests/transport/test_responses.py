"""Bodies that make no sense are retried, and fatal in the end."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.faults import Change, changing
from tests.parameters import ONE_OF_EACH_KIND, partly_slow, stream_of
from tests.runs import FaultyRunner

pytestmark = pytest.mark.contacts(12, young=True)

PAGED = tuple(stream.name for stream in STREAMS if stream.records_key)
"""Streams whose responses hold their rows under a name."""

SPOILT_BODIES: dict[str, Change] = {
    "an empty object": lambda _: {},
    "rows that are null": dict.fromkeys,
    "rows that are an object": lambda body: {name: {} for name in body},
    "a link that is a number": lambda body: body.update(_links={"next": {"href": 7}}),
    "a link to elsewhere": lambda body: body.update(_links={"next": {"href": "/v3/x?cursor=a"}}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", partly_slow([*SPOILT_BODIES][:2], [*SPOILT_BODIES][2:]))
def test_a_body_that_makes_no_sense_is_asked_for_again(
    read: FaultyRunner, expected: Expected, name: str
) -> None:
    streams = [stream for stream in PAGED if stream in ONE_OF_EACH_KIND]
    spoilt = [changing(stream, SPOILT_BODIES[name], every=2) for stream in streams]
    result, errors = read(*spoilt, streams=streams)
    assert not errors
    for stream in streams:
        assert result.by_key(stream) == expected[stream], stream


@pytest.mark.slow
@pytest.mark.parametrize("stream", [name for name in PAGED if name in ONE_OF_EACH_KIND])
def test_a_body_without_its_rows_is_fatal_in_the_end(
    read: FaultyRunner, stream: str, waits: list[float]
) -> None:
    result, (said,) = read(
        changing(stream, lambda _: {}), streams=(stream,), max_concurrent_requests=1
    )
    assert result.exit_code == 1
    assert f"has no list of {stream_of(stream).records_key}" in said
    assert 120 < sum(waits) < 600


@pytest.mark.parametrize("text", ["[" * 100_000, '{"lists": [1' + "0" * 5000 + "]}"], ids=len)
def test_json_that_cannot_be_read_is_fatal_in_the_end(read: FaultyRunner, text: str) -> None:
    @web.middleware
    async def unreadable(request: web.Request, handler: Any) -> Any:
        if request.path.startswith("/v3"):
            return web.Response(text=text, content_type="application/json")
        return await handler(request)

    result, (said,) = read(unreadable, streams=("contact_lists",))
    assert result.exit_code == 1
    assert "not a JSON object" in said
