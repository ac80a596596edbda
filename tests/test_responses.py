"""Servers that misbehave: what they send is read, asked for again, or fatal with one plain line."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.conftest import Expected, Run, config_for, grown, sync

STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
PATHS = {
    "contact_lists": "/v3/contact_lists",
    "contacts": "/v3/contacts",
    "contact_action_summary": "/activity_summary",
    "contact_activity_details": "/activity_details",
}
ROWS = {
    "contact_lists": "lists",
    "contacts": "contacts",
    "contact_action_summary": "campaign_activities",
    "contact_activity_details": "tracking_activities",
}
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def account() -> Account:
    return grown(12)


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def waits(clock: PatientClock) -> list[float]:
    """The pauses of the run, which take no time."""
    return clock.slept


def spoil(stream: str, change: Change, *, every: int = 1) -> Any:
    """Change the body of every n-th response for a stream."""
    count = 0

    @web.middleware
    async def spoilt(request: web.Request, handler: Any) -> Any:
        nonlocal count
        response = await handler(request)
        if not request.path.endswith(PATHS[stream]) or response.status != 200:
            return response
        count += 1
        if count % every:
            return response
        body = json.loads(response.body)
        changed = change(body)
        return web.json_response(body if changed is None else changed)

    return spoilt


@pytest.fixture
def read(
    account: Account, tmp_path: Path, clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> Callable[..., tuple[Run, list[str]]]:
    """Run a tap through middlewares; returns the run and the lines that it ended with."""

    def run(*middlewares: Any, streams: tuple[str, ...] = STREAMS, **settings: Any) -> Any:
        with Sandbox(account, middlewares=middlewares) as sandbox:
            result = sync(config_for(sandbox, tmp_path, **settings), streams=streams, clock=clock)
        errors = [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.ERROR and record.name.startswith("tap")
        ]
        assert "Traceback" not in "".join(errors)
        return result, errors

    return run


# Rows


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("row", [None, "row", 7, []], ids=repr)
def test_a_row_that_is_not_an_object_is_fatal(read: Any, stream: str, row: Any) -> None:
    result, (said,) = read(spoil(stream, lambda body: body[ROWS[stream]].insert(0, row)))
    assert result.exit_code == 1
    assert f"a row of {stream} that is not an object" in said


@pytest.mark.parametrize("key", [None, "", [], {}, "absent"], ids=repr)
@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("contact_lists", "list_id"),
        ("contacts", "contact_id"),
        ("contact_action_summary", "campaign_activity_id"),
    ],
)
def test_a_row_without_its_key_is_fatal(read: Any, stream: str, name: str, key: Any) -> None:
    def take_key(body: dict[str, Any]) -> None:
        for row in body[ROWS[stream]][:1]:
            row[name] = key
            if key == "absent":
                del row[name]

    result, (said,) = read(spoil(stream, take_key))
    assert result.exit_code == 1
    assert f"a row of {stream} without {name}" in said


def test_numbers_for_keys_are_read_as_text(read: Any, account: Account) -> None:
    def number(body: dict[str, Any]) -> None:
        for n, row in enumerate(body["lists"]):
            row["list_id"] = n

    result, errors = read(spoil("contact_lists", number), streams=("contact_lists",))
    assert not errors
    assert [row["list_id"] for row in result.records["contact_lists"]] == list("012345")


def test_one_warning_names_what_was_converted_and_what_was_left_empty(
    read: Any, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for contact in account.contacts.values():
        contact["birthday_month"] = "11"
        contact["birthday_day"] = "soon"
        contact["taggings"] = [None, 7]
        contact["updated_at"] = "0000-00-00"
        contact["first_name"] = "Z\ud800"
    result, errors = read(streams=("contacts",))
    assert not errors
    for record in result.records["contacts"]:
        assert record["birthday_month"] == 11
        assert record["birthday_day"] is None
        assert record["updated_at"] is None
        assert record["first_name"] == "Z\ufffd"
        if "taggings" in record:
            assert record["taggings"] == ["7"]
    (warning,) = [r.getMessage() for r in caplog.records if "another type" in r.getMessage()]
    assert "converted birthday_month, first_name, taggings[]" in warning
    assert "left empty birthday_day, updated_at" in warning


# Bodies


SPOILT_BODIES: dict[str, Change] = {
    "an empty object": lambda _: {},
    "rows that are null": dict.fromkeys,
    "rows that are an object": lambda body: {name: {} for name in body},
    "links that are a text": lambda body: body.update(_links="next"),
    "a next link that is a list": lambda body: body.update(_links={"next": []}),
    "a link that is a number": lambda body: body.update(_links={"next": {"href": 7}}),
    "a link that is empty": lambda body: body.update(_links={"next": {"href": ""}}),
    "a link to elsewhere": lambda body: body.update(_links={"next": {"href": "/v3/x?cursor=a"}}),
}


@pytest.mark.parametrize("name", SPOILT_BODIES)
def test_a_body_that_makes_no_sense_is_asked_for_again(
    read: Any, account: Account, name: str
) -> None:
    expected = Expected(account)
    spoilt = [spoil(stream, SPOILT_BODIES[name], every=3) for stream in STREAMS]
    result, errors = read(*spoilt)
    assert not errors
    for stream in STREAMS:
        assert result.by_key(stream) == getattr(expected, stream)()


@pytest.mark.parametrize("stream", STREAMS)
def test_a_body_without_its_rows_is_fatal_in_the_end(
    read: Any, stream: str, waits: list[float]
) -> None:
    result, (said,) = read(spoil(stream, lambda _: {}), max_concurrent_requests=1)
    assert result.exit_code == 1
    assert f"has no list of {ROWS[stream]}" in said
    assert 120 < sum(waits) < 600


@pytest.mark.parametrize("text", ["[" * 100_000, '{"lists": [1' + "0" * 5000 + "]}"], ids=len)
def test_json_that_cannot_be_read_is_fatal_in_the_end(read: Any, text: str) -> None:
    @web.middleware
    async def unreadable(request: web.Request, handler: Any) -> Any:
        if request.path.startswith("/v3"):
            return web.Response(text=text, content_type="application/json")
        return await handler(request)

    result, (said,) = read(unreadable)
    assert result.exit_code == 1
    assert "not a JSON object" in said


# Servers


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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_fatal_and_names_where_it_leads(read: Any, status: int) -> None:
    followed = []

    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts":
            return web.Response(
                status=status, headers={"Location": "http://127.0.0.1:9/login?ticket=secret"}
            )
        followed.append(request.path)
        return await handler(request)

    result, (said,) = read(redirect, streams=("contacts",))
    assert result.exit_code == 1
    assert f"redirected to http://127.0.0.1/login (HTTP {status})" in said
    assert "secret" not in said


def test_a_response_that_drips_is_given_up_at_its_deadline(read: Any, account: Account) -> None:
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


def test_a_page_of_contacts_that_keeps_failing_is_read_in_smaller_pages(
    read: Any, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    limits: Counter[str] = Counter()

    @web.middleware
    async def cut_at_29_seconds(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts" and "cursor" not in request.query:
            limits[request.query["limit"]] += 1
            if int(request.query["limit"]) > 20:
                return web.Response(status=504, text="<html>Gateway Timeout</html>")
        return await handler(request)

    result, errors = read(cut_at_29_seconds, streams=("contacts",))
    assert not errors
    assert result.by_key("contacts") == Expected(account).contacts()
    assert limits == {"500": 9, "100": 5, "20": 1}
    assert "Reading contacts again with 20 rows a page" in caplog.text


# Tokens


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


# Errors that support can use


def test_a_refusal_has_the_ids_that_support_asks_for(read: Any) -> None:
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
    assert "contacts.api.bad, Limit is?off" in said
    for name, value in ids.items():
        assert f"{name} {value}" in said


def test_a_403_says_that_a_new_application_is_private(read: Any) -> None:
    @web.middleware
    async def forbid(request: web.Request, handler: Any) -> Any:
        return web.json_response([], status=403) if "v3" in request.path else await handler(request)

    _, (said,) = read(forbid, streams=("contacts",))
    assert "has not approved yet" in said
