"""One request or more a parent, in real processes that are killed and otherwise."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import read_whole, select
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, DETAILS, SUMMARY
from tests.processes import Process
from tests.runs import FaultyRunner, Run, Runner, config_for, sync
from tests.sandboxes import Slow, record_requests

ENDPOINTS = {SUMMARY: "/activity_summary", DETAILS: "/activity_details"}


@pytest.mark.slow
def test_twenty_kills_lose_nothing(slow: Slow, tmp_path: Path, expected: Expected) -> None:
    seen = record_requests(slow)
    rng = random.Random(7)
    pace = 60
    config = config_for(slow, tmp_path, max_concurrent_requests=8, requests_per_second=pace)
    state: dict[str, Any] = {}
    selected = [stream.name for stream in STREAMS if stream.selected_by_default]
    records: dict[str, dict[Any, Any]] = {name: {} for name in selected}
    asked: dict[str, int] = {}
    for kill in range(21):
        process = Process(tmp_path, config, state)
        under_way = tuple(
            endpoint
            for report, endpoint in ENDPOINTS.items()
            if not state.get("bookmarks", {}).get(report, {}).get("replication_key_value")
        )
        if kill < 20:
            left = rng.randrange(1, 150)

            def enough(line: bytes) -> bool:
                nonlocal left
                left -= 1
                return left <= 0

            process.read_until(enough)
            process.end(signal.SIGKILL)
        else:
            process.end()
            assert process.process.returncode == 0
        run = process.run()
        state = run.state or state
        assert len(json.dumps(state)) <= 2048
        for name in records:
            records[name] |= run.by_key(name)
        again = {request.path for request in seen if "/reports/" in request.path}
        repeated = sum(path in asked for path in again if path.endswith(under_way))
        assert repeated <= pace + 9, kill  # a second of work, and what was in flight
        asked |= dict.fromkeys(again, kill)
        seen.clear()
    for name, found in records.items():
        assert found == expected[name], name


def test_as_many_reports_as_the_setting_says_are_requested_at_once(
    slow: Slow, tmp_path: Path
) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path, max_concurrent_requests=5))
    process.end()
    assert process.process.returncode == 0
    assert slow.slowness.most == 5


def full_table(sandbox: Sandbox, tmp_path: Path, state: Any, **settings: Any) -> Run:
    config = config_for(sandbox, tmp_path, emit_activate_version_messages=True, **settings)
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, (DETAILS,))
    read_whole(catalog, DETAILS)
    return sync(config, state, catalog=catalog)


def test_a_table_s_version_is_the_sweep_s_and_activated_when_that_is_complete(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    first = full_table(sandbox, tmp_path, None, request_budget=20)
    second = full_table(sandbox, tmp_path, first.state)

    def versions(run: Run, kind: str) -> set[int]:
        return {line["version"] for line in run.lines if line["type"] == kind}

    assert not versions(first, "ACTIVATE_VERSION")
    (version,) = versions(first, "RECORD") | versions(second, "RECORD")
    assert versions(second, "ACTIVATE_VERSION") == {version}
    last_record, activated = (
        max(n for n, line in enumerate(second.lines) if line["type"] == kind)
        for kind in ("RECORD", "ACTIVATE_VERSION")
    )
    assert activated > last_record
    third = full_table(sandbox, tmp_path, second.state)
    assert min(versions(third, "ACTIVATE_VERSION")) >= version


def test_a_segment_that_was_deleted_since_it_was_listed_is_skipped(
    read: FaultyRunner, account: Account, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    gone, *kept = account.segment_rows

    @web.middleware
    async def delete_after_listing(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if request.path == "/v3/segments":
            account.segment_rows.pop(gone)
        return response

    result, errors = read(delete_after_listing, streams=("segment_details",))
    assert not errors
    assert result.by_key("segment_details") == expected["segment_details"]
    assert {*result.by_key("segment_details")} == {int(key) for key in kept}
    assert "skipped 1 unknown" in caplog.text


def test_old_pages_of_an_incremental_report_are_not_asked_for(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    first = run(streams=DETAILS)
    del requests_seen[:]
    run(state=first.state, streams=DETAILS)
    contacts = sum("deleted_at" not in c for c in account.contacts.values())
    assert len(requests_seen) == 1 + contacts


def test_a_contact_that_is_gone_is_passed_over(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    known = next(key for key, rows in account.events.items() if rows)
    caplog.set_level("INFO")
    result = run(streams=CONTACT_REPORTS, contact_ids=["gone", known])
    assert {record["contact_id"] for record in result.records[DETAILS]} == {known}
    assert "skipped 2 unknown parents" in caplog.text
