"""The SDK's stream on our transport: what it uses of the SDK, and the paths that it requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from singer_sdk.streams.rest import RESTStream

from tap_constantcontact import client
from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.parameters import Stream, named, one_of_each_kind_first
from tests.runs import tap_with
from tests.sandboxes import path_of
from tests.wire import Wire, whole, wire

PACKAGE = client.__package__ or ""
PRIVATE = re.findall(r"`(_[a-z_]+)`", client.__doc__ or "")


@pytest.mark.parametrize("stream", STREAMS, ids=named)
def test_each_private_member_of_the_sdk_that_is_used_is_listed(stream: Stream) -> None:
    ours = {
        name
        for part in stream.__mro__
        if part.__module__.startswith(PACKAGE)
        for name in vars(part)
    }
    private = {name for name in ours if re.match("_[a-z]", name) and hasattr(RESTStream, name)}
    assert private - {"_abc_impl"} <= {*PRIVATE}
    assert PRIVATE


@pytest.mark.parametrize("name", PRIVATE)
def test_each_private_member_that_is_used_still_exists_in_the_sdk(name: str) -> None:
    stream = next(
        iter(
            TapConstantContact(config={"access_token": "t"}, validate_config=False).streams.values()
        )
    )
    of_the_sdk = hasattr(RESTStream, name) or name in vars(stream)
    assert of_the_sdk, (
        f"singer-sdk no longer has {name}, which client.py overrides or reads: see what took its "
        "place, and adapt client.py"
    )


# Paths

ABOUT_PARENTS = [stream for stream in STREAMS if "{" in path_of(stream)]


def request_of(stream: Stream, context: Mapping[str, Any]) -> Wire:
    """Request rows with these ids, from a server that does not know them; returns the server."""
    with wire(lambda _: whole(b"{}", status="404 Not Found")) as server:
        config = {"access_token": "the-secret", "api_url": f"{server.url}/v3"}
        tap = tap_with({**config, "requests_per_second": 10_000})
        reading = tap.streams[stream.name]
        with pytest.raises(FatalAPIError):
            [*reading.request_records(dict(context))]
    return server


def segments(server: Wire) -> list[str]:
    (request,) = server.seen
    target = request.split()[1].decode()
    assert "?" not in target
    return target.split("/")


@pytest.mark.parametrize("stream", one_of_each_kind_first(ABOUT_PARENTS))
def test_each_id_is_one_segment_of_a_path(stream: Stream) -> None:
    names = re.findall(r"{(\w+)}", path_of(stream))
    ids = dict(zip(names, ("../a/b?c#d%2e{access_token}", "\\{contact_id},\x00"), strict=False))
    path = [ids.get(part.strip("{}"), part) for part in f"/v3{path_of(stream)}".split("/")]
    assert [unquote(part) for part in segments(request_of(stream, ids))] == path


@given(key=st.text())
@example(key="")
@example(key="..")
@example(key=".")
@example(key="%2e%2e")
@example(key="a/..")
@example(key="..;")
@example(key="?x")
@example(key=" ")
@example(key="{client_id}")
def test_no_id_leads_to_another_path(key: str) -> None:
    stream = ABOUT_PARENTS[0]
    (name,) = re.findall(r"{(\w+)}", path_of(stream))
    server = request_of(stream, {name: key})
    if key.strip(" ."):
        assert [unquote(part) for part in segments(server)] == [
            key if part == f"{{{name}}}" else part for part in f"/v3{path_of(stream)}".split("/")
        ]
    else:
        assert not server.seen


@pytest.mark.parametrize(
    "stream", [stream for stream in STREAMS if issubclass(stream, BatchedReport)], ids=named
)
def test_ids_of_a_request_are_told_apart(stream: type[BatchedReport]) -> None:
    server = request_of(stream, {stream.ids: ["a", "b,c", "d/e"]})
    assert segments(server)[-1] == "a,b%2Cc,d%2Fe"
