"""The day's quota and the run's budget."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web

from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import AbandonedError, DayClosedError
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.turns import Turns
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.state.bookmarks import Bookmark
from tests.clocks import FastClock, StillClock
from tests.expected import Expected
from tests.limits.paces import permits_of
from tests.parameters import CONTACT_REPORTS, DETAILS, NAMES, ONE_OF_EACH_KIND, SUMMARY, partly_slow
from tests.runs import Run, Runner, config_for, sync
from tests.sandboxes import record_requests

pytestmark = pytest.mark.contacts(20, young=True)

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


STREAMS_READ = ("contact_lists", "contacts", *CONTACT_REPORTS)


class Days(Clock):
    """A clock of tap and sandbox, moved from day to day."""

    def __init__(self) -> None:
        self._ahead = NOON.timestamp() - self.monotonic()

    def now(self) -> float:
        return self.monotonic() + self._ahead

    def pass_on(self) -> None:
        self._ahead += 86_400


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def sandbox(account: Account, days: Days, present: None) -> Iterator[Sandbox]:
    with Sandbox(account, limits=Limits(per_day=15, clock=days.now)) as running:
        running.api.partner = True
        yield running


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path, days: Days) -> Runner:
    """Run a tap on the day that it is, until its last request is answered."""

    class DailyRunner(Runner):
        def __call__(self, *args: Any, **settings: Any) -> Run:
            before = set(threading.enumerate())
            result = super().__call__(*args, clock=days, **settings)
            for thread in set(threading.enumerate()) - before:
                if "(_work)" in thread.name:
                    thread.join(timeout=10)
                    assert not thread.is_alive(), "a thread of the run waits for more work"
            return result

    return DailyRunner(sandbox, tmp_path)


def union(runs: list[Run], stream: str) -> dict[Any, Any]:
    return {key: record for run in runs for key, record in run.by_key(stream).items()}


def _spent(stream: str) -> Iterable[int]:
    if stream in CONTACT_REPORTS:
        return range(0, 16, 3)
    return (0, 13, 15) if stream in ONE_OF_EACH_KIND else (13,)


SPENT = [
    pytest.param(
        stream,
        spent,
        marks=() if stream in ONE_OF_EACH_KIND and spent in {12, 13} else pytest.mark.slow,
    )
    for stream in NAMES
    for spent in _spent(stream)
]
"""Streams, and requests that were spent of a day of 15 before they are read."""


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "spent"), SPENT)
def test_a_spent_day_ends_a_run_well_and_the_next_day_goes_on(  # noqa: PLR0913, PLR0917
    run: Runner,
    sandbox: Sandbox,
    days: Days,
    expected: Expected,
    requests_seen: list[Any],
    caplog: pytest.LogCaptureFixture,
    stream: str,
    spent: int,
) -> None:
    for _ in range(spent):
        sandbox.limits.refuse()
    runs = [run(streams=stream)]
    while "the next run resumes" in caplog.text:
        caplog.clear()
        days.pass_on()
        runs.append(run(streams=stream, state=runs[-1].state))
    assert {result.exit_code for result in runs} == {0}
    assert len(runs) <= 5
    assert union(runs, stream) == expected[stream]
    reports = [request.path for request in requests_seen if "/reports/" in request.path]
    assert len(reports) - len(set(reports)) <= 9 * len(runs)


def test_nothing_is_asked_once_the_day_is_spent(
    run: Runner, requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(streams=STREAMS_READ, max_concurrent_requests=1)
    assert len(requests_seen) == 16
    assert result.exit_code == 0
    assert "until 20" in caplog.text
    assert "the next run resumes contact_activity_details from here" in caplog.text
    assert "replication_key_value" in result.state["bookmarks"]["contacts"]
    for report in CONTACT_REPORTS:
        assert not result.state["bookmarks"][report].get("replication_key_value")


def test_a_spent_day_can_fail_a_run(
    run: Runner, requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(streams=STREAMS_READ, on_daily_limit="fail", max_concurrent_requests=1)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert result.exit_code == 1
    assert len(errors) == 1
    assert "request quota is used up until" in errors[0]
    assert len(requests_seen) == 16
    assert result.state["bookmarks"]["contact_action_summary"]["sweep"]


def test_the_key_s_day_is_kept_by_the_tap_s_own_count(
    run: Runner, requests_seen: list[Any]
) -> None:
    result = run(streams=STREAMS_READ, daily_request_limit=7)
    assert len(requests_seen) == 7
    assert result.exit_code == 0


def test_a_stream_that_is_not_reached_keeps_its_state(run: Runner) -> None:
    bookmark = {
        "replication_key": "created_time",
        "replication_key_value": "2026-05-01T00:00:00Z",
        "sweep": "2026-05-01T01:00:00Z",
    }
    state = {"bookmarks": {"contact_activity_details": bookmark}}
    result = run(state=state, budget=3)
    kept = result.state["bookmarks"]["contact_activity_details"]
    assert kept.items() >= bookmark.items()


def test_a_budget_of_one_is_one_request(
    run: Runner, requests_seen: list[Any], expected: Expected
) -> None:
    result = run(streams="contact_lists", budget=1)
    assert len(requests_seen) == 1
    assert result.exit_code == 0
    lists = result.by_key("contact_lists")
    assert lists
    assert lists == {key: expected.contact_lists()[key] for key in lists}


def test_budgets_of_one_add_up(
    run: Runner, account: Account, expected: Expected, requests_seen: list[Any]
) -> None:
    some = [key for key in sorted(account.contacts) if len(account.events[key]) <= 100][:4]
    runs: list[Run] = []
    for _ in some:
        state = runs[-1].state if runs else None
        runs.append(run(streams=DETAILS, contact_ids=some, budget=1, state=state))
    assert union(runs, DETAILS) == expected.contact_activity_details(
        lambda contact: contact["contact_id"] in some
    )
    assert len(requests_seen) == len(some) == 4


@pytest.mark.parametrize("budget", partly_slow([5], [4, 9]))
def test_a_contact_of_several_pages_gets_out_with_a_budget_that_just_holds_it(  # noqa: PLR0913, PLR0917
    run: Runner,
    sandbox: Sandbox,
    account: Account,
    expected: Expected,
    requests_seen: list[Any],
    budget: int,
) -> None:
    sandbox.limits.per_day = 1000
    some = [key for key in sorted(account.contacts) if len(account.events[key]) <= 50][:6]
    mail = next(row for rows in account.events.values() for row in rows)
    for contact_id in some:
        for minutes in range(350):
            account.add_event(
                contact_id,
                "em_opens",
                NOON - timedelta(minutes=minutes),
                campaign_activity_id=mail["campaign_activity_id"],
                campaign_activity_name=mail["campaign_activity_name"],
            )
    runs: list[Run] = []
    while not runs or Bookmark(runs[-1].state, DETAILS).swept_at is None:
        state = runs[-1].state if runs else None
        runs.append(run(streams=DETAILS, contact_ids=some, budget=budget, state=state))
        assert runs[-1].records[DETAILS]
    assert union(runs, DETAILS) == expected.contact_activity_details(
        lambda contact: contact["contact_id"] in some
    )
    assert len(requests_seen) <= 4 * len(some) + len(runs) * (budget % 4)


@pytest.mark.slow
def test_waiting_goes_on_after_midnight_with_one_probe_and_a_new_token(
    account: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    midnight = (NOON + timedelta(hours=12)).timestamp()
    under_way = 0
    evening: list[int] = []
    morning: list[tuple[int, int]] = []

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> Any:
        nonlocal under_way
        if not request.path.startswith("/v3"):
            return await handler(request)
        under_way += 1
        late = time.time() >= midnight
        if late and not morning:
            await asyncio.sleep(0.3)  # time for others to come, if they would
        with_it = under_way
        response = await handler(request)
        under_way -= 1
        if late:
            morning.append((response.status, with_it))
        else:
            evening.append(response.status)
        return response

    ended = threading.Event()

    def pass_the_night(clock: Any) -> None:
        while "Waiting until 2026-05-05 00:00 UTC" not in caplog.text and not ended.wait(0.01):
            pass
        for later in (timedelta(hours=12, seconds=-1), timedelta(hours=12, seconds=3)):
            clock.shift(NOON + later - datetime.now(timezone.utc))
            ended.wait(0.3)

    authorization = Authorization(lifetime=3600)
    sandbox = Sandbox(
        account, authorization=authorization, limits=Limits(per_day=15), middlewares=[watch]
    )
    with time_machine.travel(NOON, tick=True) as clock, sandbox:
        night = threading.Thread(target=pass_the_night, args=(clock,))
        night.start()
        config = config_for(sandbox, tmp_path, on_daily_limit="wait", max_concurrent_requests=8)
        try:
            result = sync(config, streams=(SUMMARY,))
        finally:
            ended.set()
            night.join()
    assert result.exit_code == 0
    assert result.by_key(SUMMARY) == Expected(account).contact_action_summary()
    assert 1 <= evening.count(429) <= 8
    assert {status for status, _ in morning} == {200}
    assert morning[0] == (200, 1)
    assert len(authorization.spent) == 2


@pytest.mark.slow
@pytest.mark.parametrize("per_day", partly_slow([15], [7, 8, 23]))
def test_waiting_goes_on_night_after_night(account: Account, tmp_path: Path, per_day: int) -> None:
    clock = FastClock(NOON.timestamp())
    with Sandbox(account, limits=Limits(per_day=per_day, clock=clock.now)) as sandbox:
        sandbox.api.partner = True
        seen = record_requests(sandbox)
        config = config_for(sandbox, tmp_path, on_daily_limit="wait", max_concurrent_requests=8)
        result = sync(config, streams=STREAMS_READ, clock=clock)
        expected = Expected(account)
    assert result.exit_code == 0
    for stream in STREAMS_READ:
        assert result.by_key(stream) == expected[stream]
    addresses = {request.path_qs for request in seen}
    nights = len(addresses) // per_day
    assert len(seen) - len(addresses) <= 8 * nights


def test_a_request_on_its_way_stays_when_the_day_is_found_to_be_spent() -> None:
    quota = Quota(permits_of(4), budget=None, on_daily_limit="wait", turns=Turns())
    with quota.admitted():
        quota.count()
    with quota.admitted():
        quota.refused()
        with pytest.raises(DayClosedError):
            quota.check()
    assert quota.spent == 1


class Jumping(StillClock):
    """A clock that jumps while it is read, as that of a machine that was suspended."""

    jump_after = math.inf

    def now(self) -> float:
        now = self.at
        self.jump_after -= 1
        if not self.jump_after:
            self.at += 10 * 3600
        return now


def waiting(permits: Permits, clock: Clock) -> Quota:
    """A quota that waits for a new day, after one request."""
    quota = Quota(permits, None, "wait", Turns(), clock)
    with quota.admitted():
        quota.count()
    return quota


@pytest.mark.parametrize("reading", range(1, 6))
def test_a_clock_that_jumps_while_a_day_closes_does_not_lengthen_the_wait(reading: int) -> None:
    clock = Jumping(NOON.timestamp())
    quota = waiting(permits_of(4, clock=clock), clock)
    clock.jump_after = reading
    quota.refused()
    clock.jump_after = math.inf
    with quota.admitted():
        assert clock.at <= (NOON + timedelta(hours=12, seconds=5)).timestamp()


def test_a_clock_that_is_set_back_closes_no_later_day() -> None:
    clock = StillClock((NOON + timedelta(hours=13)).timestamp())
    permits = permits_of(4, clock=clock)
    quota = waiting(permits, clock)
    clock.at -= 2 * 3600
    quota.refused()
    clock.at += 2 * 3600
    permits.look()
    assert permits.left_today


def test_another_request_is_the_probe_of_a_new_day_if_the_first_got_no_answer() -> None:
    clock = StillClock(NOON.timestamp())
    quota = waiting(permits_of(4, clock=clock), clock)
    quota.refused()
    with suppress(AbandonedError), quota.admitted():
        raise AbandonedError
    probed = threading.Event()

    def probe() -> None:
        with quota.admitted():
            probed.set()

    threading.Thread(target=probe, daemon=True).start()
    assert probed.wait(10)


@pytest.mark.slow
def test_nobody_starves_in_twenty_days(run: Runner, days: Days, requests_seen: list[Any]) -> None:
    """A day holds 15 requests, a sweep of either report takes about twice as many."""
    state: dict[str, Any] = {}
    finished: dict[str, list[str]] = {report: [] for report in CONTACT_REPORTS}
    for _ in range(20):
        requests_seen.clear()
        result = run(state=state, streams=STREAMS_READ, max_concurrent_requests=8)
        state = result.state
        assert result.records["contact_lists"]
        assert "replication_key_value" in state["bookmarks"]["contacts"]
        assert len(requests_seen) <= 15 + 8
        for report, sweeps in finished.items():
            swept_at = Bookmark(state, report).swept_at
            if swept_at and swept_at not in sweeps:
                sweeps.append(swept_at)
        days.pass_on()
    summary, details = map(len, finished.values())
    assert min(summary, details) >= 3
    turns = sorted((when, report) for report, sweeps in finished.items() for when in sweeps)
    assert all(one[1] != other[1] for one, other in itertools.pairwise(turns))
