"""What may go wrong with a sandbox's responses, as middlewares."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tap_constantcontact.transport.status import SUCCESSES
from tests.parameters import Stream, stream_of
from tests.sandboxes import is_request_for

Fault = Callable[..., Any]
Change = Callable[[Any], Any]


def on_every(nth: int, fault: Fault, path: str = "/v3/") -> Any:
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


def answering(status: int, body: str, kind: str = "application/json") -> Fault:
    async def fault(request: web.Request, handler: Any) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    return fault


def changing(stream: str, change: Change, *, every: int = 1) -> Any:
    """Change the body of every n-th response for a stream."""
    count = 0

    @web.middleware
    async def spoilt(request: web.Request, handler: Any) -> Any:
        nonlocal count
        response = await handler(request)
        if not is_request_for(stream_of(stream), request.path) or response.status not in SUCCESSES:
            return response
        count += 1
        if count % every:
            return response
        body = json.loads(response.body)
        changed = change(body)
        return web.json_response(body if changed is None else changed, status=response.status)

    return spoilt


ROW_IN = {"event_tracks": "default_track"}
"""Properties of responses that are the only row."""


def rows_in(stream: Stream, body: Any) -> list[Any]:
    """Return the rows of a response, which may be changed in place."""
    if name := ROW_IN.get(stream.name):
        return [body[name]]
    if stream.records_key:
        rows: list[Any] = body[stream.records_key]
        return rows
    return body if stream.is_array else [body]
