"""The pace: the most requests that the server may see in any second."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from bisect import bisect_left
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.exceptions import DayClosedError, FatalAPIError
from tap_constantcontact.limits.pace import Pace
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.stores.store import MemoryStore, Step, T
from tap_constantcontact.limits.tuning import LEARNING, MIDNIGHT, QUEUE_POLL
from tap_constantcontact.limits.turns import Turns
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import StillClock, Wakeful
from tests.limits.paces import pace_of, permits_of
from tests.parameters import SUMMARY
from tests.runs import config_for, sync

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


def departures(rate: float, gaps: list[float], throttled: int = 0) -> list[float]:
    """When requests leave that come with these gaps between them, and are not answered yet."""
    clock, left = StillClock(), []
    store = MemoryStore(clock)
    pace, permits = pace_of(rate, clock=clock, store=store), permits_of(rate, store=store)
    for _ in range(throttled):
        clock.at += 1
        permits.throttled()
        permits.throttled()  # of the same second
    for gap in gaps:
        clock.at += gap
        with pace.departure():
            left.append(clock.at)
    return left


def arrivals(ways: list[tuple[float, float]]) -> list[float]:
    """When requests reach the server that take so long to it and back, one after the other."""
    clock, arrived = StillClock(), []
    pace = pace_of(4, clock=clock)
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


@pytest.mark.parametrize(("throttled", "period"), [(0, 1.118), (1, 1.123), (100, 1.15)])
def test_a_throttled_pace_keeps_more_of_a_distance(throttled: int, period: float) -> None:
    left = departures(4, [0.0] * 9, throttled)
    assert left[4] - left[0] == pytest.approx(period)
    assert left[8] - left[4] == pytest.approx(period)


def test_a_throttled_pace_recovers() -> None:
    left = departures(4, [0.0] * 4 + [61.0] + [0.0] * 4, throttled=3)
    assert left[4] - left[0] > 60
    assert left[8] - left[4] == pytest.approx(1.118)


@given(rate=st.floats(0.05, 20), gaps=GAPS)
def test_requests_do_not_leave_all_at_once(rate: float, gaps: list[float]) -> None:
    for before, after in itertools.pairwise(departures(rate, gaps)):
        assert after - before >= 0.2 / rate * 0.99


@given(rate=st.integers(1, 20), gaps=GAPS)
def test_no_request_waits_longer_than_the_pace_asks_for(rate: int, gaps: list[float]) -> None:
    left = departures(rate, gaps)
    for i, gap in enumerate(gaps):
        ready = (left[i - 1] if i else 1000.0) + gap
        free = left[i - rate] + 1.13 if i >= rate else 0.0
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
def test_answers_that_come_unevenly_slow_the_pace_by_no_more_than_they_differ(
    back: list[float],
) -> None:
    arrived = arrivals([(0.001, seconds) for seconds in back] * 8)
    assert busiest_second(arrived) <= 4
    assert seconds_for(4, arrived) <= 1.015 + 0.045


def test_a_request_counts_from_when_it_left_however_long_the_machine_paused() -> None:
    clock = StillClock()
    pace = pace_of(1, clock=clock)
    with pace.departure() as first:
        clock.at += 0.7
    assert first.left == clock.at
    with pace.departure() as second:
        pass
    assert second.left - first.left == pytest.approx(1.118)


def test_a_request_that_gets_no_answer_after_a_long_calm_delays_the_next_one_little() -> None:
    clock = StillClock()
    pace = pace_of(1, clock=clock)
    for _ in range(1000):
        with pace.departure() as departure:
            pass
        pace.answered(departure)
    with pace.departure() as unanswered:
        pass
    with pace.departure() as following:
        pass
    assert following.left - unanswered.left == pytest.approx(1.003 + 0.015 + 0.25)


def test_one_answer_that_takes_very_long_does_not_use_up_all_allowance_for_delays() -> None:
    arrived = arrivals([*STEADY * 80, (0.001, 30.0), *STEADY * 4, (0.1, 0.019), *STEADY * 4])
    assert busiest_second(arrived) <= 4


class CountingStore(MemoryStore):
    """A store that counts how often it is used, as that takes time in a database."""

    used = 0

    def change(self, step: Step[T]) -> T:
        self.used += 1
        return super().change(step)


@pytest.mark.parametrize(
    ("rate", "pause", "usual", "seconds", "used"),
    [
        pytest.param(1, 0.0, 0.0, 0.1, 2, id="quick answer"),
        pytest.param(1, 0.0, 1.05, 1.05, 2, id="answer in time"),
        pytest.param(1, 0.0, 0.0, 0.2, 1, id="answer as late as it was assumed to be"),
        pytest.param(1, 0.0, 2.0, 2.0, 1, id="answer when the request counts no more"),
        pytest.param(1, 0.5, 0.0, 2.0, 2, id="late departure"),
    ],
)
def test_the_store_is_used_only_for_what_other_runs_need_to_know(
    rate: float, pause: float, usual: float, seconds: float, used: int
) -> None:
    clock = StillClock()
    store = CountingStore(clock)
    pace = pace_of(rate, clock=clock, store=store)
    for _ in range(LEARNING):
        with pace.departure() as departure:
            pass
        clock.at += usual
        pace.answered(departure)
        clock.at += 2
    store.used = 0
    with pace.departure() as departure:
        clock.at += pause
    clock.at += seconds
    pace.answered(departure)
    assert store.used == used


def test_a_waiting_request_goes_on_at_once_when_a_response_makes_room() -> None:
    clock = Wakeful()
    pace = pace_of(1, clock=clock)
    for _ in range(LEARNING):
        with pace.departure() as departure:
            pass
        pace.answered(departure)
        clock.at += 2
    left = threading.Event()

    def send() -> None:
        with pace.departure():
            left.set()

    with pace.departure() as departure:
        pass
    clock.at += 1.05
    threading.Thread(target=send, daemon=True).start()
    assert clock.waiting.wait(10)
    departure.left = clock.at
    pace.answered(departure)
    assert left.wait(10)


def test_a_request_that_waits_for_a_permit_ends_at_once_when_the_run_fails() -> None:
    clock, turns = Wakeful(), Turns()
    permits = permits_of(1, clock=clock)
    quota = Quota(permits, None, "stop", turns, clock)
    pace = Pace(permits, quota, turns, clock)
    with pace.departure():
        pass
    ended = threading.Event()

    def send() -> None:
        with suppress(FatalAPIError), pace.departure():
            pytest.fail("it left")
        ended.set()

    threading.Thread(target=send, daemon=True).start()
    assert clock.waiting.wait(10)
    quota.close(FatalAPIError("the run has failed"))
    assert ended.wait(10)


def test_a_day_that_is_spent_is_closed_until_the_next_one_begins() -> None:
    clock, turns = StillClock(NOON.timestamp()), Turns()
    permits = permits_of(4, daily_limit=1, clock=clock)
    quota = Quota(permits, None, "wait", turns, clock)
    pace = Pace(permits, quota, turns, clock)
    with pace.departure():
        pass
    with pytest.raises(DayClosedError), pace.departure():
        pass
    assert quota.spent == 1
    with quota.admitted(), pace.departure() as following:
        pass
    assert following.left == NOON.timestamp() + 12 * 3600 + MIDNIGHT


class Restless(StillClock):
    """A clock on which every wait ends early."""

    longest = 0.0

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        self.longest = max(self.longest, seconds or 0.0)
        super().wait(condition, seconds and min(seconds, 0.01))


def test_a_thread_that_is_woken_early_does_not_use_the_store_before_its_time() -> None:
    clock = Restless()
    store = CountingStore(clock)
    pace = pace_of(1, clock=clock, store=store)
    for _ in range(2):
        with pace.departure():
            pass
    first, announced, while_the_first_may_be_late = 1, 1, round(0.115 / QUEUE_POLL) + 1
    assert store.used <= first + announced + while_the_first_may_be_late
    assert clock.longest == pytest.approx(1.003)


def test_many_late_answers_at_once_leave_no_negative_allowance() -> None:
    clock = StillClock()
    pace = pace_of(50, clock=clock)
    for _ in range(LEARNING):
        with pace.departure() as departure:
            pass
        pace.answered(departure)
    late = []
    for _ in range(50):
        with pace.departure() as departure:
            late.append(departure)
    clock.at += 1
    for departure in late:
        pace.answered(departure)
    with pace.departure() as departure:
        assert departure.lateness == 0


def test_work_lets_later_work_go_while_it_waits_for_an_answer_and_not_for_a_permit() -> None:
    clock, turns = Wakeful(), Turns()
    permits = permits_of(1, clock=clock)
    quota = Quota(permits, None, "stop", turns, clock)
    pace = Pace(permits, quota, turns, clock)
    first, second = turns.take(), turns.take()
    answered = threading.Event()

    def work() -> None:
        with turns.work(first):
            with pace.departure():
                pass
            answered.wait(10)
            with suppress(FatalAPIError), pace.departure():
                pass

    worker = threading.Thread(target=work)
    worker.start()
    with turns.work(second):
        with turns.changed:
            turns.changed.wait_for(turns.is_mine, 10)
            assert turns.is_mine()
        answered.set()
        assert clock.waiting.wait(10)
        assert not turns.is_mine()
    quota.close(FatalAPIError("the test is over"))
    worker.join()


def test_requests_leave_in_the_order_of_the_work_whoever_asks_first() -> None:
    """The threads ask in the reverse order of their work, and each only once the last one waits."""
    turns = Turns()
    pace = pace_of(10_000, turns)
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


@pytest.mark.slow
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
        assert sync(config, streams=(SUMMARY,)).exit_code == 0
    stall = arrived[150]
    assert sum(stall <= instant < stall + 1 for instant in arrived) <= 50
    assert len(arrived) > 200
