"""What the status of a response means: a good one, a retry, or the end of the run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from tests.faults import answering, on_every
from tests.parameters import partly_slow
from tests.runs import FaultyRunner

pytestmark = pytest.mark.contacts(12, young=True)


def error(key: str, message: str) -> str:
    return json.dumps([{"error_key": key, "error_message": message}])


def test_403_names_scope_and_privilege(read: FaultyRunner) -> None:
    _, said = read.failing(
        on_every(1, answering(403, error("forbidden", "No")), "/v3/reports/contact_reports")
    )
    assert "contact_data" in said
    assert "ui:campaign:metrics" in said


def test_another_refusal_says_what_the_api_said(read: FaultyRunner) -> None:
    _, said = read.failing(
        on_every(1, answering(400, error("contacts.api.bad", "Limit is off")), "/v3/contacts")
    )
    assert "HTTP 400, contacts.api.bad, Limit is off" in said


@pytest.mark.parametrize("status", partly_slow([302], [301, 303, 307, 308]))
def test_a_redirect_is_fatal_and_names_where_it_leads(read: FaultyRunner, status: int) -> None:
    followed = []

    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts":
            return web.Response(
                status=status, headers={"Location": "http://127.0.0.1:9/login?ticket=hush"}
            )
        followed.append(request.path)
        return await handler(request)

    result, (said,) = read(redirect, streams=("contacts",))
    assert result.exit_code == 1
    assert f"redirected the request (HTTP {status}, to http://127.0.0.1:9/login)" in said
    assert "hush" not in said


def test_a_refusal_has_the_ids_that_support_asks_for(read: FaultyRunner) -> None:
    ids = {
        "x-amzn-requestid": "d1b4ab94-6f8f-4a3b",
        "x-eig-tracking-id": "11b2c3",
    }

    @web.middleware
    async def refuse(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts":
            error = [{"error_key": "contacts.api.bad", "error_message": "Limit is\noff"}]
            return web.json_response(error, status=400, headers=ids)
        return await handler(request)

    _, (said,) = read(refuse, streams=("contacts",))
    assert "contacts.api.bad, Limit is off" in said
    for name, value in ids.items():
        assert f"{name} {value}" in said


def test_a_403_says_that_a_new_application_is_private(read: FaultyRunner) -> None:
    @web.middleware
    async def forbid(request: web.Request, handler: Any) -> Any:
        return web.json_response([], status=403) if "v3" in request.path else await handler(request)

    _, (said,) = read(forbid, streams=("contacts",))
    assert "has not approved yet" in said
