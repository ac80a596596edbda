"""What is private of the SDK's stream, and used by ours, still exists."""

from __future__ import annotations

import re

import pytest
from singer_sdk.streams.rest import RESTStream

from tap_constantcontact import client
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.harness import Stream, named

PACKAGE = client.__package__ or ""
PRIVATE = re.findall(r"`(_[a-z_]+)`", client.__doc__ or "")


@pytest.mark.parametrize("stream", STREAMS, ids=named)
def test_what_is_private_of_the_sdk_is_named(stream: Stream) -> None:
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
def test_what_is_private_of_the_sdk_still_exists(name: str) -> None:
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
