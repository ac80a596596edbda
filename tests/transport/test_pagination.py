"""Links from page to page."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.transport.pagination import MOST_EMPTY
from tests.clocks import PatientClock
from tests.faults import changing, on_every
from tests.parameters import partly_slow
from tests.runs import FaultyRunner, Run, Runner, config_for, sync
from tests.wire import Wire, whole, wire

pytestmark = [pytest.mark.contacts(12, young=True), pytest.mark.usefixtures("present")]


def test_next_links_in_a_circle_are_fatal(read: FaultyRunner) -> None:
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


def test_empty_pages_that_only_lead_to_others_are_fatal(read: FaultyRunner) -> None:
    asked = 0

    @web.middleware
    async def onward(request: web.Request, handler: Any) -> Any:
        nonlocal asked
        if request.path != "/v3/contacts":
            return await handler(request)
        asked += 1
        links = {"next": {"href": f"/v3/contacts?cursor={asked}"}}
        return web.json_response({"contacts": [], "_links": links})

    result, (said,) = read(onward, streams=("contacts",))
    assert result.exit_code == 1
    assert "pages of contacts without a row, each with a link to another" in said
    assert MOST_EMPTY < asked < MOST_EMPTY + 10


HREF = "/v3/contact_tags?cursor=a"

LAST: tuple[dict[str, Any], ...] = (
    {},
    {"_links": None},
    {"_links": {}},
    {"_links": {"next": None}},
    {"_links": {"next": {}}},
    {"_links": {"next": {"href": None}}},
    {"_links": {"next": {"href": None, "next": None}}},
    {"_links": {"next": {"next": {"href": None}}}},
    {"_links": {"self": {"href": HREF}}},
    {"_links": {"self": {"href": HREF}, "prev": {"href": HREF}, "next": None}},
    {"_links": {"up": None}},
    {"next_cursor": None},
    {"next_cursor": "", "prev_cursor": "a"},
    {"tags_count": 1, "nextLink": None, "has_next": False},
)

ONWARD: tuple[dict[str, Any], ...] = (
    *(
        {"_links": {"next": {"href": href}}}
        for href in (
            HREF,
            f"{HREF}#part",
            "/v3/contact_tags/?cursor=a",
            "/v3/contact%5Ftags?cursor=a",
            "https://api.cc.email/v3/contact_tags?cursor=a",
            "//other.example:1/v3/contact_tags?cursor=a",
        )
    ),
    {"_links": {"next": {"next": {"href": HREF}}}},
    {"_links": {"next": {"href": None, "next": {"href": HREF}}}},
    {"_links": {"next": {"href": HREF, "next": None, "templated": False}, "up": {"href": "/"}}},
)

MALFORMED: tuple[dict[str, Any], ...] = (
    *({"_links": links} for links in ([], [{"next": {"href": HREF}}], HREF, "", 7, True)),
    {"_links": {"nxt": {"href": HREF}}},
    {"_links": {"Next": {"href": HREF}}},
    {"_links": {"href": HREF}},
    *({"_links": {"next": link}} for link in (HREF, "", [], [{"href": HREF}], 7, False)),
    {"_links": {"next": {"url": HREF}}},
    {"_links": {"next": {"next": HREF}}},
    {"_links": {"next": {"next": {"url": HREF}}}},
    {"_links": {"next": {"next": {"href": None, "url": HREF}}}},
    {"_links": {"next": None, "more": {"href": HREF}}},
    {"pagination": {"next": HREF}},
    {"cursor": "a"},
    {"tags_count": 7, "has_more": True},
    {"_links": {"self": {"href": HREF}}, "continuation": "a"},
    {"_links": {"next": {"next": {"next": {"href": HREF}}}}},
    *({"_links": {"next": {"href": href}}} for href in ("", 7, [HREF], {"href": HREF}, True)),
    *({"next_cursor": cursor} for cursor in (7, 0, False, ["a"], [], {"next": "a"}, "\ud800")),
    *({name: HREF} for name in ("next", "nextLink", "@odata.nextLink", "links", "_link")),
    *(
        {"_links": {"next": {"href": href}}}
        for href in (
            "#",
            "?cursor=a",
            "contact_tags?cursor=a",
            "/v3/contact_tags",
            "/v3/contact_tags#?cursor=a",
            "/contact_tags?cursor=a",
            "/v2/contact_tags?cursor=a",
            "/v3/../contact_tags?cursor=a",
            "/v3/%2e%2e/contact_tags?cursor=a",
            "/v3//contact_tags?cursor=a",
            "/v3/contacts?cursor=a",
            "\\v3\\contact_tags?cursor=a",
            "//v3/contact_tags?cursor=a",
            "http://x//evil.example/v3/contact_tags?cursor=a",
            "http://[::1/v3/contact_tags?cursor=a",
            "/v3/contact_tags?cursor=\ud800",
        )
    ),
)


def page(*ids: str, **links: Any) -> list[bytes]:
    tags = [{"tag_id": key, "name": "a tag"} for key in ids]
    return whole(json.dumps({"tags": tags, **links}).encode())


def tags_in(server: Wire, clock: PatientClock, token: str = "token") -> Run:
    config = {"access_token": token, "api_url": f"{server.url}/v3", "requests_per_second": 10_000}
    return sync(config, streams=("contact_tags",), clock=clock)


@pytest.mark.parametrize("links", partly_slow([*LAST][:4], [*LAST][4:]), ids=json.dumps)
def test_a_last_page_ends_a_stream(links: dict[str, Any], clock: PatientClock) -> None:
    with wire(lambda _: page("a", **links)) as server:
        result = tags_in(server, clock)
    assert result.exit_code == 0
    assert len(result.records["contact_tags"]) == 1
    assert len(server.seen) == 1


@pytest.mark.parametrize("links", partly_slow([*ONWARD][:3], [*ONWARD][3:]), ids=json.dumps)
def test_a_link_of_a_known_form_leads_on(links: dict[str, Any], clock: PatientClock) -> None:
    answers = iter((page("a", **links), page("b")))
    with wire(lambda _: next(answers)) as server:
        result = tags_in(server, clock)
    assert [row["tag_id"] for row in result.records["contact_tags"]] == ["a", "b"]
    assert server.seen[1].startswith(b"GET /v3/contact_tags?cursor=a HTTP/1.1")


@pytest.mark.parametrize(
    "links",
    partly_slow(MALFORMED[::6], [row for at, row in enumerate(MALFORMED) if at % 6]),
    ids=json.dumps,
)
def test_a_link_of_an_unknown_form_is_fatal_in_the_end(
    links: dict[str, Any], clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> None:
    with wire(lambda _: page("a", **links)) as server:
        result = tags_in(server, clock)
    assert result.exit_code == 1
    assert "_links are malformed" in caplog.text
    assert "Traceback" not in caplog.text
    assert len(server.seen) > 5
    assert len({*server.seen}) <= 3  # of pages of three sizes
    assert 120 < sum(clock.slept) < 600


def links() -> st.SearchStrategy[str]:
    """Links of any form, many of which name a host, which is to be filled in."""
    odd = st.text(st.sampled_from("/\\@.:?#%&=[]v3 \t\n\r\x00\x7f\u3002\uff0f\u2100"), max_size=4)
    scheme = st.sampled_from(("", "http:", "https:", "HTTP:", "//", "http://", "http://x//"))
    user = st.sampled_from(("", "user@", "user:word@", "127.0.0.1@", "x/"))
    path = st.sampled_from(("", "/", "/v3/contact_tags", "v3/contact_tags", "/%2e%2e/", "/../"))
    query = st.sampled_from(("", "?cursor=a", "#?cursor=a", "?@HOST", "?//HOST/"))
    parts = (scheme, odd, user, st.sampled_from(("HOST", "")), odd, path, odd, query)
    return st.tuples(*parts).map("".join)


@given(link=links(), name=st.sampled_from(("href", "next_cursor")))
@example(link="http://x//HOST/v3/contact_tags?cursor=a", name="href")
@example(link="http://x/\\HOST/v3/contact_tags?cursor=a", name="href")
@example(link="http:////HOST/v3/contact_tags?cursor=a", name="href")
def test_no_link_takes_the_token_to_another_server(link: str, name: str) -> None:
    with wire(lambda _: page("evil")) as other:
        away = link.replace("HOST", f"localhost:{other.port}")
        first = page(
            "a", **({"_links": {"next": {name: away}}} if name == "href" else {name: away})
        )
        answers = itertools.chain((first,), itertools.repeat(page("b")))
        with wire(lambda _: next(answers)) as server:
            result = tags_in(server, PatientClock(), "the-token")
    assert not other.connections
    assert all(b"Authorization: Bearer the-token" in request for request in server.seen)
    assert all(request.startswith(b"GET /v3/contact_tags") for request in server.seen)
    assert {row["tag_id"] for row in result.records["contact_tags"]} <= {"a", "b"}


def test_a_link_to_another_host_does_not_get_the_token(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    led_astray: list[Any] = []

    async def record(request: web.Request, handler: Any) -> Any:
        led_astray.append(request)
        return await handler(request)

    with Sandbox(account, middlewares=[on_every(1, record)]) as other:

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

        with Sandbox(account, middlewares=[on_every(1, once, "/v3/contact_lists")]) as sandbox:
            result = sync(config_for(sandbox, tmp_path), streams=("contact_lists",), clock=clock)
    assert result.exit_code == 0
    assert not led_astray


def test_a_cursor_goes_into_the_parameter_next(run: Runner, requests_seen: list[Any]) -> None:
    run(streams="event_registrations")
    pages = [request for request in requests_seen if request.path.endswith("/registrations")]
    later = [request.query for request in pages if request.query]
    assert later
    assert all(query.keys() == {"next"} for query in later)


def test_cursors_in_a_circle_are_fatal(read: FaultyRunner) -> None:
    spoilt = changing("event_registrations", lambda body: body.update(next_cursor="bmV4dD0x"))
    result, (said,) = read(spoilt, streams=("event_registrations",))
    assert result.exit_code == 1
    assert "lead in a circle" in said
