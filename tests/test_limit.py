"""`--limit`: the first rows of each stream, with few requests and without a state."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.singerlib import StateMessage

from tap_constantcontact.cli import Command
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.comparison import key_of
from tests.parameters import Stream, one_of_each_kind_first
from tests.runs import Runner, config_for

pytestmark = pytest.mark.contacts(12, young=True)


def first_rows(sandbox: Sandbox, folder: Path, stream: str, limit: int) -> list[dict[str, Any]]:
    """The messages of a run with a limit."""
    out = io.StringIO()
    config = config_for(sandbox, folder, streams=[stream])
    writer = WholeLineWriter(None, (StateMessage,))
    with contextlib.redirect_stdout(out):
        Command(config=config, limit=limit, message_writer=writer).read()
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("stream", one_of_each_kind_first(STREAMS))
def test_the_first_rows_are_rows_of_the_stream_and_move_no_state(
    run: Runner, sandbox: Sandbox, tmp_path: Path, requests_seen: list[Any], stream: Stream
) -> None:
    name = stream.name
    every = {key_of(name, row) for row in run(streams=name).records[name]}
    of_all = len(requests_seen)
    messages = first_rows(sandbox, tmp_path, name, 3)
    rows = [line["record"] for line in messages if line["type"] == "RECORD"]
    keys = {key_of(name, row) for row in rows}
    assert keys <= every
    assert len(rows) == len(keys) == min(3, len(every))
    assert len(requests_seen) - of_all <= of_all + 1  # the account
    assert not [line for line in messages if line["type"] in {"STATE", "ACTIVATE_VERSION"}]


def test_contacts_cost_one_request_and_those_of_a_report_few(
    sandbox: Sandbox, tmp_path: Path, requests_seen: list[Any]
) -> None:
    costs = {}
    for stream in ("contacts", "contact_action_summary", "email_opens"):
        before = len(requests_seen)
        first_rows(sandbox, tmp_path, stream, 2)
        costs[stream] = len(requests_seen) - before
    assert costs["contacts"] <= 2  # with the account
    assert costs["contact_action_summary"] <= 5
    assert costs["email_opens"] <= 5
