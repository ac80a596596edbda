"""Sweeps that are cut short, in real processes and otherwise, and go on where they stood."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.bookmarks import NO_SWEEP, validated
from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.conftest import Expected, Run, config_for, sync, tap_with
from tests.processes import TAP, Command, Process

REPORTS = ("contact_action_summary", "contact_activity_details")
ENDPOINTS = dict(zip(REPORTS, ("/activity_summary", "/activity_details"), strict=True))
Runner = Callable[..., Run]


class Slowness:
    """How long the reports take, and how many of them were asked for at once at the most."""

    def __init__(self) -> None:
        self.seconds = 0.01
        self.under_way = self.most = 0

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def delay(request: web.Request, handler: Any) -> Any:
            if "/reports/" not in request.path:
                return await handler(request)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(self.seconds)
            self.under_way -= 1
            return await handler(request)

        return delay


class Slow(Sandbox):
    slowness: Slowness


@pytest.fixture
def slow(account: Account) -> Iterator[Slow]:
    """A sandbox that answers as slowly as a test says."""

    slowness = Slowness()
    sandbox = Slow(account, middlewares=[slowness.middleware])
    sandbox.slowness = slowness
    with sandbox:
        yield sandbox


def test_twenty_kills_lose_nothing(
    slow: Slow, tmp_path: Path, expected: Expected, requests_seen_by: Any
) -> None:
    seen = requests_seen_by(slow)
    rng = random.Random(7)
    pace = 60
    config = config_for(slow, tmp_path, max_concurrent_requests=8, requests_per_second=pace)
    state: dict[str, Any] = {}
    records: dict[str, dict[Any, Any]] = {name: {} for name in ("contacts", *REPORTS)}
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
        assert found == getattr(expected, name)()


@pytest.fixture
def requests_seen_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sandbox], list[Any]]:
    def watch(sandbox: Sandbox) -> list[Any]:
        seen: list[Any] = []
        guard = sandbox._guard

        async def recording(request: Any, handler: Any) -> Any:
            seen.append(request)
            return await guard(request, handler)

        monkeypatch.setattr(sandbox, "_guard", recording)
        return seen

    return watch


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_does_not_wait_for_answers(slow: Slow, tmp_path: Path, signum: int) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path))
    process.read_until(lambda line: b'"sweep"' in line)
    slow.slowness.seconds = 30
    time.sleep(0.3)  # all workers are under way by then; fewer would only make it easier
    asked_at = time.monotonic()
    log = process.end(signum)
    assert time.monotonic() - asked_at < 2
    assert process.process.returncode == 128 + signum
    assert process.run().state["bookmarks"][REPORTS[0]]["sweep"]
    assert "Traceback" not in log


def test_a_closed_pipe_ends_a_sweep(slow: Slow, tmp_path: Path) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path))
    process.read_until(lambda line: b'"sweep"' in line)
    process.stdout.close()
    log = process.end()
    assert process.process.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in log


# Between the runs


def cut_short(run: Runner, budget: int, **settings: Any) -> Run:
    result = run(streams=REPORTS, request_budget=budget, **settings)
    assert result.exit_code == 0
    return result


def test_any_earlier_state_will_do(run: Runner, expected: Expected) -> None:
    first = run(streams=REPORTS)
    seen: dict[str, dict[Any, Any]] = {report: {} for report in REPORTS}
    states = []
    for line in first.lines:
        if line["type"] == "RECORD":
            name, record = line["stream"], line["record"]
            seen[name] |= Run([line]).by_key(name)
            assert record
        elif line["type"] == "STATE":
            states.append((line["value"], {name: dict(rows) for name, rows in seen.items()}))
    for state, before in random.Random(3).sample(states, 12):
        rest = run(state=state, streams=REPORTS)
        for report in REPORTS:
            assert before[report] | rest.by_key(report) == getattr(expected, report)()


def test_a_resumed_sweep_lists_what_is_left_and_both_reports_list_once(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    first = cut_short(run, budget=25)
    requests_seen.clear()
    second = run(state=first.state, streams=REPORTS)
    listings = [request.query for request in requests_seen if request.path == "/v3/contacts"]
    place = first.state["bookmarks"][REPORTS[0]]["sweep"]["created_at"]
    assert len(listings) == 2
    assert 0 < (parse(place) - parse(listings[0]["created_after"])).total_seconds() <= 1.001
    assert parse(listings[1]["created_before"]) > parse(place)
    assert all(query["limit"] == "500" and "include" not in query for query in listings)
    assert second.state["bookmarks"][REPORTS[0]]["replication_key_value"]
    requests_seen.clear()
    run(streams=REPORTS)
    assert sum(request.path == "/v3/contacts" for request in requests_seen) == 1


def test_contacts_come_change_and_go_between_the_runs(
    run: Runner, account: Account, expected: Expected
) -> None:
    first = cut_short(run, budget=20)
    place = first.state["bookmarks"][REPORTS[0]]["sweep"]
    order = sorted(
        (parse(contact["created_at"]), key)
        for key, contact in account.contacts.items()
        if status(contact) != "deleted"
    )
    out = [
        key for at, key in order if (at, key) <= (parse(place["created_at"]), place["parent_id"])
    ]
    left = [key for _, key in order if key not in out]
    now = datetime.now(timezone.utc)
    account.delete(left[0], now)
    account.delete(out[-1], now)
    del account.events[left[1]], account.contacts[left[1]]
    account.edit(left[2], now)
    joined = account.add_contact(now)
    mail = next(row for rows in account.events.values() for row in rows)
    source = {key: mail[key] for key in ("campaign_activity_id", "campaign_activity_name")}
    account.add_event(joined, "em_sends", now, **source)
    account.add_event(left[3], "em_opens", now, **source)

    second = run(state=first.state, streams=REPORTS)

    assert set(second.by_key(REPORTS[0])) == {
        key for key in expected.contact_action_summary() if key[0] not in out
    }
    whole = expected.contact_activity_details()
    assert second.by_key(REPORTS[1]) == whole
    assert {key[0] for key in whole} >= {joined, left[3]}


def test_what_happens_during_a_sweep_is_read_by_the_next(run: Runner, account: Account) -> None:
    settings = {"streams": REPORTS, "lookback_days": 0}
    first = run(request_budget=20, **settings)
    sweep = first.state["bookmarks"][REPORTS[0]]["sweep"]
    half_an_hour_ago = datetime.now(timezone.utc) - timedelta(minutes=30)
    sweep["began"] = (half_an_hour_ago - timedelta(minutes=30)).isoformat()
    visited = next(iter(first.by_key(REPORTS[0])))[0]
    mail = account.events[visited][0]
    source = {key: mail[key] for key in ("campaign_activity_id", "campaign_activity_name")}
    source["campaign_activity_id"] = "new"
    account.add_event(visited, "em_sends", half_an_hour_ago, **source)
    second = run(state=first.state, **settings)
    third = run(state=second.state, **settings)
    assert (visited, "new") not in second.by_key(REPORTS[0])
    assert [*third.by_key(REPORTS[0])] == [(visited, "new")]
    bookmark = second.state["bookmarks"][REPORTS[0]]["replication_key_value"]
    assert 0 <= (parse(sweep["began"]) - parse(bookmark)).total_seconds() < 3


def test_changed_settings_begin_a_new_sweep(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(streams=REPORTS[1], request_budget=20, tracking_activity_types=["em_sends"])
    second = run(streams=REPORTS[1], state=first.state)
    assert "settings of contact_activity_details changed while a sweep was under way" in caplog.text
    assert second.by_key(REPORTS[1]) == expected.contact_activity_details()
    caplog.clear()
    third = run(streams=REPORTS[1], state=second.state, tracking_activity_types=["em_opens"])
    assert "filters of contact_activity_details changed since its last sweep" in caplog.text
    assert third.exit_code == 0


def test_settings_in_another_order_are_the_same(run: Runner, account: Account) -> None:
    some = sorted(account.contacts)[:9]
    first = run(streams=REPORTS[1], request_budget=5, contact_ids=some)
    second = run(streams=REPORTS[1], state=first.state, contact_ids=some[::-1])
    assert not set(first.by_key(REPORTS[1])) & set(second.by_key(REPORTS[1]))


def test_a_fixed_window_goes_on_with_the_days_it_began_with(
    run: Runner, expected: Expected
) -> None:
    first = run(streams=REPORTS[1], request_budget=20, report_days_back=60)
    sweep = first.state["bookmarks"][REPORTS[1]]["sweep"]
    sweep["began"] = "2026-10-15T12:00:00Z"
    rest = run(streams=REPORTS[1], state=first.state, report_days_back=60)
    start, end = parse("2026-08-16T00:00:00Z"), parse("2026-10-15T12:00:00Z")
    out = {key[0] for key in first.by_key(REPORTS[1])}
    for key in rest.by_key(REPORTS[1]):
        assert start <= key[3] < end
        assert key[0] not in out
    bookmark = rest.state["bookmarks"][REPORTS[1]]
    assert bookmark["sweep"] == NO_SWEEP
    assert "replication_key_value" not in bookmark
    assert bookmark["swept_at"]


# States of any kind

DAMAGE: dict[str, tuple[Any, str]] = {
    "a sweep of a later version": ({"sweep": {"version": 2}}, "sweep"),
    "a sweep without a place": (
        {"sweep": {"version": 1, "began": "2026-01-01T00:00:00Z", "settings": "x"}},
        "sweep",
    ),
    "a sweep that is none": ({"sweep": "yes"}, "sweep"),
    "a bookmark that is no date": ({"replication_key_value": "yesterday"}, "replication_key_value"),
    "partitions": ({"partitions": [{"context": {"contact_id": "a"}}] * 500}, "partitions"),
    "no bookmark": ("gone", "bookmark"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_state_is_read_again(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    bookmark, key = DAMAGE[name]
    result = run(streams=REPORTS[1], state={"bookmarks": {REPORTS[1]: bookmark}})
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert f"state's {key} of contact_activity_details is damaged" in warnings[0]
    assert result.by_key(REPORTS[1]) == expected.contact_activity_details()
    assert len(json.dumps(result.state)) < 2048


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = st.sampled_from(["sweep", "replication_key_value", "swept_at", "filters", "other"])


@given(st.dictionaries(st.sampled_from(REPORTS), JSON | st.dictionaries(KEYS, JSON)))
def test_no_state_is_too_strange(bookmarks: dict[str, Any]) -> None:
    kept = validated({"bookmarks": bookmarks}, REPORTS, lambda *_: None)
    assert len(json.dumps(kept)) <= 2048
    assert validated(kept, REPORTS, lambda *_: pytest.fail("left out the second time")) == kept


@pytest.mark.parametrize("content", ["[]", "3", '{"bookmarks": []}', "{"])
def test_what_is_no_state_ends_with_one_line(tmp_path: Path, content: str) -> None:
    config = {"access_token": "t", "api_url": "http://127.0.0.1:1"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "state.json").write_text(content)
    options = ("--config=config.json", "--state=state.json")
    result = Command(TAP, *options, folder=tmp_path).run()
    assert result.returncode == 1
    assert len([line for line in result.stderr.splitlines() if "ERROR" in line]) == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


# What a run costs


def test_a_test_costs_three_requests_a_stream_at_most(
    tmp_path: Path, requests_seen_by: Any
) -> None:
    with Sandbox(Account(size=1200, now=datetime(2024, 7, 20, tzinfo=timezone.utc))) as sandbox:
        seen = requests_seen_by(sandbox)
        (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox, tmp_path)))
        result = Command(TAP, "--config=config.json", "--test", folder=tmp_path).run()
    assert result.returncode == 0
    assert "ERROR" not in result.stderr
    assert len([request for request in seen if request.path.startswith("/v3")]) <= len(STREAMS) * 3


def test_an_estimate_for_a_program_is_json_and_nothing_else(
    account: Account, tmp_path: Path
) -> None:
    with Sandbox(account) as sandbox:
        config = config_for(sandbox, tmp_path)
        (tmp_path / "config.json").write_text(json.dumps(config))
        result = Command(TAP, "--config=config.json", "--estimate=json", folder=tmp_path).run()
        assert result.returncode == 0, result.stderr
        named = [stream["stream"] for stream in json.loads(result.stdout)["streams"]]
        assert named == [stream.name for stream in STREAMS if stream.selected_by_default]


def estimated(config: dict[str, Any], state: Any = None) -> dict[str, Any]:
    """Estimate a run in this process."""
    return tap_with(config, state).estimate()


def test_an_estimate_is_what_a_run_costs(
    run: Runner, sandbox: Sandbox, account: Account, tmp_path: Path, requests_seen: list[Any]
) -> None:
    for key, rows in account.events.items():
        account.events[key] = rows[:90]
    config = config_for(sandbox, tmp_path, requests_per_second=4, daily_request_limit=50)

    fresh = estimated(config)
    assert len(requests_seen) == fresh["spent"] == 4
    requests_seen.clear()
    first = run(request_budget=30)
    second = run(state=first.state)
    assert len(requests_seen) - 30 < fresh["total"]["requests"]
    requests_seen.clear()
    run()
    assert len(requests_seen) == fresh["total"]["requests"]
    days = (parse(fresh["total"]["done_at"]).date() - datetime.now(timezone.utc).date()).days
    assert days == (fresh["total"]["requests"] - 1) // 50

    resumed = estimated(config, first.state)
    requests_seen.clear()
    run(state=first.state)
    assert abs(resumed["total"]["requests"] - len(requests_seen)) <= 1
    later = estimated(config, second.state)
    requests_seen.clear()
    run(state=second.state)
    assert later["total"]["requests"] == len(requests_seen)


def test_progress_is_told_now_and_then(
    run: Runner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("tap_constantcontact.terminal.progress.Progress.interval", 0.2)
    began = time.monotonic()
    run(streams=REPORTS[1], requests_per_second=30)
    lines = [
        record.getMessage() for record in caplog.records if "contacts, " in record.getMessage()
    ]
    assert 1 <= len(lines) <= (time.monotonic() - began) / 0.2
    assert all("requests at" in line for line in lines)
    of_the_report = [line for line in lines if line.startswith(REPORTS[1])]
    assert of_the_report
    assert all("left" in line for line in of_the_report)


def test_so_many_contacts_as_are_wanted_are_asked_for_at_once(slow: Slow, tmp_path: Path) -> None:
    process = Process(tmp_path, config_for(slow, tmp_path, max_concurrent_requests=5))
    process.end()
    assert process.process.returncode == 0
    assert slow.slowness.most == 5


# Versions of a full table


def full_table(sandbox: Sandbox, tmp_path: Path, state: Any, **settings: Any) -> Run:
    config = config_for(sandbox, tmp_path, emit_activate_version_messages=True, **settings)
    catalog = TapConstantContact(config=config).catalog_dict
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["stream"] in REPORTS[1:]
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
