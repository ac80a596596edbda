"""A single response: one object, or a bare array of a few."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.reading.single_response import SingleResponse
from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.faults import changing
from tests.parameters import Stream, named, sent_keys
from tests.runs import FaultyRunner, Runner
from tests.sandboxes import is_request_for

SINGLE = [stream for stream in STREAMS if issubclass(stream, SingleResponse)]
ARRAYS = [stream for stream in SINGLE if stream.is_array]
OBJECTS = [stream for stream in SINGLE if not (stream.is_array or stream.records_key)]


@pytest.mark.parametrize("stream", SINGLE, ids=named)
def test_a_single_response_costs_one_request(
    run: Runner, requests_seen: list[Any], stream: Stream
) -> None:
    result = run(streams=stream.name)
    (request,) = requests_seen
    assert is_request_for(stream, request.path)
    assert result.records[stream.name]


@pytest.mark.parametrize("stream", ARRAYS, ids=named)
def test_every_row_of_a_bare_array_is_a_record(
    run: Runner, expected: Expected, stream: Stream
) -> None:
    wanted = expected[stream.name]
    assert len(wanted) > 1
    assert run(streams=stream.name).by_key(stream.name) == wanted


@pytest.mark.parametrize("stream", ARRAYS, ids=named)
def test_an_empty_array_is_an_empty_stream(read: FaultyRunner, stream: Stream) -> None:
    result, errors = read(changing(stream.name, lambda _: []), streams=(stream.name,))
    assert not errors
    assert result.exit_code == 0
    assert not result.records[stream.name]


@pytest.mark.parametrize("stream", SINGLE, ids=named)
def test_the_other_kind_of_body_is_fatal_in_the_end(
    read: FaultyRunner, waits: list[float], stream: Stream
) -> None:
    other: Any = {} if stream.is_array else []
    kind = "array" if stream.is_array else "object"
    result, (said,) = read(changing(stream.name, lambda _: other), streams=(stream.name,))
    assert result.exit_code == 1
    assert f"not a JSON {kind}" in said
    assert 120 < sum(waits) < 600


@pytest.mark.parametrize("stream", [*filter(sent_keys, OBJECTS)], ids=named)
def test_an_object_without_its_key_is_fatal(read: FaultyRunner, stream: Stream) -> None:
    result, (said,) = read(changing(stream.name, lambda _: {}), streams=(stream.name,))
    assert result.exit_code == 1
    assert f"a row of {stream.name} without {sent_keys(stream)[0]}" in said
