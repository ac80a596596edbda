"""`read`: records in Python, without Singer messages."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from singer_sdk.exceptions import ConfigValidationError, FatalAPIError

from tap_constantcontact import read
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import NAMES, partly_slow
from tests.runs import Runner, config_for

pytestmark = pytest.mark.contacts(12, young=True)


def bare(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the time at which they were counted."""
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


TIMES = ("counted_at", "last_refresh_time")

QUICK = ("contacts", "contact_lists", "contact_activity_details", "email_opens")


@pytest.mark.parametrize(
    "stream", partly_slow(QUICK, [name for name in NAMES if name not in QUICK])
)
def test_the_records_are_those_of_a_run(
    run: Runner, sandbox: Sandbox, tmp_path: Path, stream: str, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = bare(run(streams=stream).records[stream])
    settings = config_for(sandbox, tmp_path)
    capfd.readouterr()
    assert bare(read(stream, settings)) == expected
    assert capfd.readouterr().out == ""


def test_the_state_moves_and_the_next_reading_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = config_for(sandbox, tmp_path)
    state: dict[str, Any] = {}
    first = [*read("contacts", settings, state)]
    assert len(first) > 10
    assert state["bookmarks"]["contacts"]["replication_key_value"]
    assert [*read("contacts", settings, state)] == []
    assert [*read("contacts", settings)] == first


@pytest.mark.slow
def test_a_reading_that_a_budget_ends_is_finished_by_later_ones(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = config_for(sandbox, tmp_path, streams=["contacts"])
    whole = [*read("contact_activity_details", settings)]
    state: dict[str, Any] = {}
    found: list[dict[str, Any]] = []
    for _ in range(20):
        found += read("contact_activity_details", {**settings, "request_budget": 6}, state)
    assert sorted(row["activity_id"] for row in found) == sorted(
        row["activity_id"] for row in whole
    )


def test_a_reading_that_is_left_turns_no_state_back(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = config_for(sandbox, tmp_path)
    state: dict[str, Any] = {}
    left = read("contacts", settings, state)
    next(left)
    assert [*read("contacts", settings, state)]
    moved = json.loads(json.dumps(state))
    del left
    assert state == moved


def test_stream_maps_change_the_records(sandbox: Sandbox, tmp_path: Path) -> None:
    maps = {"contact_lists": {"name": "'hidden'", "__filter__": "favorite"}}
    expected = [*read("contact_lists", config_for(sandbox, tmp_path))]
    rows = [*read("contact_lists", config_for(sandbox, tmp_path, stream_maps=maps))]
    assert rows == [{**row, "name": "hidden"} for row in expected if row["favorite"]]


def test_a_failure_is_an_exception_that_says_what_to_do(account: Account, tmp_path: Path) -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Any) -> Any:
        if request.path.endswith("contact_lists"):
            return web.json_response([{"error_key": "x", "error_message": "No."}], status=400)
        return await handler(request)

    with (
        Sandbox(account, middlewares=[refuse]) as sandbox,
        pytest.raises(FatalAPIError, match="No"),
    ):
        [*read("contact_lists", config_for(sandbox, tmp_path))]


@pytest.mark.parametrize("name", ["contact", "contact_*"])
def test_a_name_that_is_not_one_stream_s_is_refused(
    sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigValidationError, match="stream"):
        [*read(name, config_for(sandbox, tmp_path))]


def test_the_handlers_of_signals_stay_as_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    rows = read("contact_lists", config_for(sandbox, tmp_path))
    next(iter(rows))
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
