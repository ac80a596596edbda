"""The pace, the day's quota and the run's budget."""

from __future__ import annotations

import asyncio
import itertools
import logging
import statistics
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.bookmarks import NO_SWEEP
from tap_constantcontact.exceptions import AbandonedError, DayClosedError
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.transport.pace import Pace
from tap_constantcontact.transport.quota import Quota
from tap_constantcontact.transport.turns import Turns
from tests.clocks import StillClock
from tests.conftest import Expected, Run, config_for, sync

STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
REPORTS = STREAMS[2:]
NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


# The pace


def departures(rate: float, gaps: list[float], throttled: int = 0) -> list[float]:
    """When requests leave that come with these gaps between them, and are not answered yet."""
    clock, left = StillClock(), []
    pace = Pace(rate, clock=clock)
    for _ in range(throttled):
        clock.at += 1
        pace.throttled()
        pace.throttled()  # of the same second
    for gap in gaps:
        clock.at += gap
        with pace.departure():
            left.append(clock.at)
    return left


def arrivals(ways: list[tuple[float, float]]) -> list[float]:
    """When requests reach the server that take so long to it and back, one after the other."""
    clock, arrived = StillClock(), []
    pace = Pace(4, clock=clock)
    for there, back in ways:
        with pace.departure() as departure:
            pass
        clock.at += there
        arrived.append(clock.at)
        clock.at += back
        pace.answered(departure)
    return arrived


def busiest_second(instants: list[float]) -> int:
    return max(bisect_left(instants, start + 1) - i for i, start in enumerate(instants))


def seconds_for(number: int, instants: list[float]) -> float:
    """How long so many of them take on average."""
    mean = statistics.fmean
    return (mean(instants[-number:]) - mean(instants[:number])) * number / (len(instants) - number)


GAPS = st.lists(st.floats(0, 2), min_size=1, max_size=60)


@given(rate=st.floats(0.05, 20), gaps=GAPS)
def test_no_second_holds_more_than_the_pace(rate: float, gaps: list[float]) -> None:
    left = departures(rate, gaps)
    period, most = (1, int(rate)) if rate >= 1 else (1 / rate, 1)
    for i, start in enumerate(left):
        assert bisect_left(left, start + period) - i <= most


@pytest.mark.parametrize(("throttled", "period"), [(0, 1.018), (1, 1.023), (100, 1.05)])
def test_a_throttled_pace_keeps_more_of_a_distance(throttled: int, period: float) -> None:
    left = departures(4, [0.0] * 9, throttled)
    assert left[4] - left[0] == pytest.approx(period)
    assert left[8] - left[4] == pytest.approx(period)


def test_a_throttled_pace_recovers() -> None:
    left = departures(4, [0.0] * 4 + [61.0] + [0.0] * 4, throttled=3)
    assert left[4] - left[0] > 60
    assert left[8] - left[4] == pytest.approx(1.018)


@given(rate=st.floats(0.05, 20), gaps=GAPS)
def test_requests_do_not_leave_all_at_once(rate: float, gaps: list[float]) -> None:
    for before, after in itertools.pairwise(departures(rate, gaps)):
        assert after - before >= 0.2 / rate * 0.99


@given(rate=st.integers(1, 20), gaps=GAPS)
def test_no_request_waits_longer_than_the_pace_asks_for(rate: int, gaps: list[float]) -> None:
    left = departures(rate, gaps)
    for i, gap in enumerate(gaps):
        ready = (left[i - 1] if i else 1000.0) + gap
        free = left[i - rate] + 1.03 if i >= rate else 0.0
        spaced = left[i - 1] + 0.2 / rate if i else 0.0
        assert left[i] <= max(ready, free, spaced) + 1e-9


STEADY = [(0.001, 0.019)]


@given(late=st.lists(st.floats(0, 0.1), min_size=1, max_size=3))
def test_a_late_request_does_not_make_the_next_come_too_early(late: list[float]) -> None:
    ways = [way for there in late for way in (*STEADY * 80, (there, 0.019), *STEADY * 4)]
    arrived = arrivals(ways)
    assert busiest_second(arrived) <= 4
    assert seconds_for(4, arrived) <= 1.03


def test_a_late_first_request_is_not_taken_for_a_quick_one() -> None:
    assert busiest_second(arrivals([(0.012, 0.019), *STEADY * 8])) <= 4


@given(back=st.lists(st.floats(0, 0.045), min_size=50, max_size=60))
def test_answers_that_come_unevenly_do_not_slow_the_pace(back: list[float]) -> None:
    arrived = arrivals([(0.001, seconds) for seconds in back] * 8)
    assert busiest_second(arrived) <= 4
    assert seconds_for(4, arrived) <= 1.03


def test_requests_leave_in_the_order_of_the_work_whoever_asks_first() -> None:
    """The threads ask in the reverse order of their work, and each only once the last one waits."""
    turns = Turns()
    pace = Pace(10_000, turns)
    numbers = [turns.take() for _ in range(8)]
    order: list[int] = []
    asking = threading.Semaphore(0)

    def work(number: int) -> None:
        with turns.work(number):
            asking.release()
            with pace.departure():
                order.append(number)
            turns.come_back()

    workers = [threading.Thread(target=work, args=(number,)) for number in reversed(numbers)]
    for worker in workers:
        worker.start()
        asking.acquire()
    for worker in workers:
        worker.join()
    assert order == numbers


def test_work_that_waits_lets_later_work_pass_and_goes_first_when_it_is_back() -> None:
    turns = Turns()
    first, second = turns.take(), turns.take()
    with turns.work(first):
        turns.step_aside()
    with turns.work(second):
        assert turns.is_mine()
    first, second = turns.take(), turns.take()
    with turns.work(second):
        assert not turns.is_mine()


def test_abandoned_work_sends_nothing_and_holds_nobody_up() -> None:
    turns = Turns()
    pace = Pace(10_000, turns)
    abandoned, next_one = turns.take(), turns.take()
    turns.leave([abandoned])
    with turns.work(abandoned), pytest.raises(AbandonedError), pace.departure():
        pass
    with turns.work(next_one):
        assert turns.is_mine()


def test_a_server_that_stood_still_sees_no_second_too_full(tmp_path: Path) -> None:
    arrived: list[float] = []

    @web.middleware
    async def stand_still_once(request: web.Request, handler: Any) -> Any:
        if "/reports/" in request.path:
            if len(arrived) == 150:
                time.sleep(0.08)  # noqa: ASYNC251 - all of the server
            arrived.append(time.monotonic())
        return await handler(request)

    account = Account(size=250, now=NOON)
    with Sandbox(account, middlewares=[stand_still_once]) as sandbox:
        config = config_for(sandbox, tmp_path, requests_per_second=50)
        assert sync(config, streams=REPORTS[:1]).exit_code == 0
    stall = arrived[150]
    assert sum(stall <= instant < stall + 1 for instant in arrived) <= 50
    assert len(arrived) > 200


# The day


class Days:
    """A clock for the sandbox's limits, moved from day to day."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now

    def pass_on(self) -> None:
        self.now += 86_400


@pytest.fixture
def account() -> Account:
    return Account(size=20, now=datetime(2024, 10, 1, tzinfo=timezone.utc))


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def sandbox(account: Account, days: Days) -> Iterator[Sandbox]:
    with Sandbox(account, limits=Limits(per_day=15, clock=days)) as running:
        yield running


def union(runs: list[Run], stream: str) -> dict[Any, Any]:
    return {key: record for run in runs for key, record in run.by_key(stream).items()}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("spent", range(0, 16, 3))
def test_a_spent_day_ends_a_run_well_and_the_next_day_goes_on(  # noqa: PLR0913, PLR0917
    run: Callable[..., Run],
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
    while "goes on from here in the next run" in caplog.text:
        caplog.clear()
        days.pass_on()
        runs.append(run(streams=stream, state=runs[-1].state))
    assert {result.exit_code for result in runs} == {0}
    assert len(runs) <= 5
    assert union(runs, stream) == getattr(expected, stream)()
    reports = [request.path for request in requests_seen if "/reports/" in request.path]
    assert len(reports) - len(set(reports)) <= 9 * len(runs)


def test_nothing_is_asked_once_the_day_is_spent(
    run: Callable[..., Run], requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(max_concurrent_requests=1)
    assert len(requests_seen) == 16
    assert result.exit_code == 0
    assert "until 20" in caplog.text
    assert "contact_activity_details goes on from here in the next run" in caplog.text
    assert "replication_key_value" in result.state["bookmarks"]["contacts"]
    for report in REPORTS:
        assert not result.state["bookmarks"][report].get("replication_key_value")


def test_a_spent_day_can_fail_a_run(
    run: Callable[..., Run], requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(on_daily_limit="fail", max_concurrent_requests=1)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert result.exit_code == 1
    assert len(errors) == 1
    assert "quota of requests is spent, until" in errors[0]
    assert len(requests_seen) == 16
    assert result.state["bookmarks"]["contact_action_summary"]["sweep"]["began"]


def test_the_key_s_day_is_kept_by_the_tap_s_own_count(
    run: Callable[..., Run], requests_seen: list[Any]
) -> None:
    result = run(daily_request_limit=7)
    assert len(requests_seen) == 7
    assert result.exit_code == 0


def test_a_stream_that_is_not_reached_keeps_its_state(run: Callable[..., Run]) -> None:
    bookmark = {
        "replication_key": "created_time",
        "replication_key_value": "2026-05-01T00:00:00Z",
        "swept_at": "2026-05-01T01:00:00Z",
    }
    state = {"bookmarks": {"contact_activity_details": bookmark}}
    result = run(state=state, request_budget=3, streams=STREAMS)
    kept = result.state["bookmarks"]["contact_activity_details"]
    assert kept.items() >= bookmark.items()
    assert kept["sweep"] == NO_SWEEP


def test_a_budget_of_one_is_one_request(
    run: Callable[..., Run], requests_seen: list[Any], expected: Expected
) -> None:
    result = run(request_budget=1)
    assert len(requests_seen) == 1
    assert result.exit_code == 0
    lists = result.by_key("contact_lists")
    assert lists
    assert lists == {key: expected.contact_lists()[key] for key in lists}


def test_budgets_of_one_add_up(
    run: Callable[..., Run], account: Account, expected: Expected, requests_seen: list[Any]
) -> None:
    some = sorted(account.contacts)[:4]
    runs: list[Run] = []
    for _ in some:
        state = runs[-1].state if runs else None
        runs.append(run(streams=REPORTS[1], contact_ids=some, request_budget=1, state=state))
    whole = [key for key in some if len(account.events[key]) <= 100]
    assert union(runs, REPORTS[1]) == expected.contact_activity_details(
        lambda contact: contact["contact_id"] in whole
    )
    assert len(requests_seen) == len(some) == len(whole)


@pytest.mark.parametrize("budget", [4, 5, 9])
def test_a_contact_of_several_pages_gets_out_with_a_budget_that_just_holds_it(  # noqa: PLR0913, PLR0917
    run: Callable[..., Run],
    sandbox: Sandbox,
    account: Account,
    expected: Expected,
    requests_seen: list[Any],
    budget: int,
) -> None:
    sandbox.limits.per_day = 1000
    some = sorted(account.contacts)[:6]
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
    while not runs or runs[-1].state["bookmarks"][REPORTS[1]]["swept_at"] is None:
        state = runs[-1].state if runs else None
        runs.append(run(streams=REPORTS[1], contact_ids=some, request_budget=budget, state=state))
        assert runs[-1].records[REPORTS[1]]
    assert union(runs, REPORTS[1]) == expected.contact_activity_details(
        lambda contact: contact["contact_id"] in some
    )
    assert len(requests_seen) <= 4 * len(some) + len(runs) * (budget % 4)


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

    def pass_the_night(clock: Any) -> None:
        while "Waiting until 2026-05-05 00:00 UTC" not in caplog.text:
            time.sleep(0.01)
        clock.move_to(NOON + timedelta(hours=11, minutes=59, seconds=59))
        time.sleep(0.3)
        clock.move_to(NOON + timedelta(hours=12, seconds=3))

    authorization = Authorization(lifetime=3600)
    sandbox = Sandbox(
        account, authorization=authorization, limits=Limits(per_day=15), middlewares=[watch]
    )
    with time_machine.travel(NOON, tick=True) as clock, sandbox:
        night = threading.Thread(target=pass_the_night, args=(clock,))
        night.start()
        config = config_for(sandbox, tmp_path, on_daily_limit="wait")
        result = sync(config, streams=REPORTS[:1])
        night.join()
    assert result.exit_code == 0
    assert result.by_key(REPORTS[0]) == Expected(account).contact_action_summary()
    assert 1 <= evening.count(429) <= 8
    assert {status for status, _ in morning} == {200}
    assert morning[0] == (200, 1)
    assert len(authorization.spent) == 2


def test_a_request_on_its_way_stays_when_the_day_is_found_to_be_spent() -> None:
    quota = Quota(daily_limit=10, budget=None, on_daily_limit="wait")
    quota.admit()
    quota.spend()
    quota.admit()
    quota.refused()
    with pytest.raises(DayClosedError):
        quota.spend()
    assert quota.spent == 1


# Many days


def test_nobody_starves_in_twenty_days(
    run: Callable[..., Run], days: Days, requests_seen: list[Any]
) -> None:
    """A day holds 15 requests, a sweep of either report takes about twice as many."""
    state: dict[str, Any] = {}
    finished: dict[str, list[str]] = {report: [] for report in REPORTS}
    for _ in range(20):
        requests_seen.clear()
        result = run(state=state, max_concurrent_requests=8)
        state = result.state
        assert result.records["contact_lists"]
        assert "replication_key_value" in state["bookmarks"]["contacts"]
        assert len(requests_seen) <= 15 + 8
        for report, sweeps in finished.items():
            swept_at = state["bookmarks"][report].get("swept_at")
            if swept_at and swept_at not in sweeps:
                sweeps.append(swept_at)
        days.pass_on()
    summary, details = map(len, finished.values())
    assert min(summary, details) >= 3
    turns = sorted((when, report) for report, sweeps in finished.items() for when in sweeps)
    assert all(one[1] != other[1] for one, other in itertools.pairwise(turns))
