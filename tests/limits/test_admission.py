"""Which requests a quota admits, and what it tells of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import DayClosedError, FatalAPIError, LimitReachedError
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.stores.store import MemoryStore
from tap_constantcontact.limits.tuning import DAY_POLL, MIDNIGHT, RESERVE
from tap_constantcontact.limits.turns import Turns
from tests.clocks import StillClock, Wakeful
from tests.limits.paces import permits_of

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc).timestamp()
HALF_A_DAY = 12 * 3600


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOON)


def quota_of(clock: Clock, on_daily_limit: str = "stop", /, **limits: int) -> Quota:
    permits = permits_of(4, limits.get("daily_limit", 10**9), clock)
    return Quota(permits, limits.get("budget"), on_daily_limit, Turns(), clock)


def send(quota: Quota, number: int = 1) -> None:
    for _ in range(number):
        with quota.admitted():
            quota.count()


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def is_open(quota: Quota) -> bool:
    """Whether a request of another thread than this one could leave at once."""
    found = []

    def check() -> None:
        try:
            quota.check()
            found.append(True)
        except DayClosedError:
            found.append(False)

    in_a_thread(check)
    return found[0]


# What is told


def test_the_pace_is_the_average_between_the_first_request_and_the_last(clock: StillClock) -> None:
    quota = quota_of(clock)
    assert quota.pace == 0
    send(quota)
    assert quota.pace == 0
    for seconds in (1, 3):
        clock.at += seconds
        send(quota)
    clock.at += 100
    assert quota.pace == 0.5
    assert quota.spent == 3


@pytest.mark.parametrize("limit", ["budget", "daily_limit"])
def test_requests_are_scarce_when_few_are_left(clock: StillClock, limit: str) -> None:
    assert not quota_of(clock).is_scarce
    assert not quota_of(clock, **{limit: RESERVE + 1}).is_scarce
    assert quota_of(clock, **{limit: RESERVE}).is_scarce


def test_requests_are_scarce_when_few_of_a_budget_are_left(clock: StillClock) -> None:
    quota = quota_of(clock, budget=RESERVE + 3)
    send(quota, 2)
    assert not quota.is_scarce
    send(quota)
    assert quota.is_scarce


def test_the_end_of_a_day_does_not_end_a_run_that_waits(clock: StillClock) -> None:
    assert not quota_of(clock, "wait", daily_limit=1).is_scarce
    assert quota_of(clock, "wait", budget=1).is_scarce


def test_each_thread_knows_when_its_own_last_request_was_sent(clock: StillClock) -> None:
    quota = quota_of(clock)
    send(quota)
    clock.at += 7
    in_a_thread(lambda: send(quota))
    assert quota.sent_at == NOON


# The budget


def test_a_budget_that_is_used_up_says_how_large_it_was(clock: StillClock) -> None:
    quota = quota_of(clock, budget=2)
    send(quota, 2)
    with pytest.raises(LimitReachedError, match=r"request budget is used up \(2\)"):
        send(quota)
    assert quota.spent == 2


def test_a_budget_for_a_while_is_on_top_of_what_was_spent_and_ends_with_it(
    clock: StillClock,
) -> None:
    quota = quota_of(clock, budget=6)
    send(quota, 2)
    with quota.at_most(1):
        send(quota)
        with pytest.raises(LimitReachedError, match=r"\(3\)"):
            send(quota)
    send(quota, 3)
    with pytest.raises(LimitReachedError, match=r"\(6\)"):
        send(quota)


def test_a_failed_run_admits_nothing_more_and_says_what_failed_first(clock: StillClock) -> None:
    quota = quota_of(clock)
    quota.close(FatalAPIError("first"))
    quota.close(FatalAPIError("second"))
    with pytest.raises(FatalAPIError, match="first"):
        send(quota)
    with quota.at_most(1):
        pass
    with pytest.raises(FatalAPIError, match="first"):
        quota.check()


# The day


@pytest.mark.parametrize(
    ("on_daily_limit", "error", "said"),
    [
        ("stop", LimitReachedError, "used up until 2026-05-05 00:00 UTC$"),
        ("fail", FatalAPIError, "until 2026-05-05 00:00 UTC. Run again then with the last state"),
    ],
)
def test_a_spent_day_ends_a_run_and_tells_when_the_next_one_begins(
    clock: StillClock, on_daily_limit: str, error: type[Exception], said: str
) -> None:
    quota = quota_of(clock, on_daily_limit)
    send(quota)
    for end in (quota.refused, quota.check):
        with pytest.raises(error, match=said):
            end()


def test_a_run_waits_for_the_new_day_and_says_so_once_a_night(
    clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    quota = quota_of(clock, "wait")
    for night in range(1, 3):
        send(quota)
        caplog.clear()
        for _ in range(2):
            quota.refused()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert f"Waiting until 2026-05-0{4 + night} 00:00 UTC" in caplog.text
        send(quota)
        assert clock.at == NOON + (2 * night - 1) * HALF_A_DAY + MIDNIGHT
        quota.answered()
        assert "available again" in caplog.text
        clock.at = NOON + night * 2 * HALF_A_DAY


def test_a_new_day_that_is_spent_as_well_is_waited_out(
    clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    quota = quota_of(clock, "wait")
    send(quota)
    for day in (5, 6):
        quota.refused()
        assert f"Waiting until 2026-05-0{day} 00:00 UTC" in caplog.text
        send(quota)
    assert len(caplog.records) == 2


def test_a_wait_ends_on_time_and_looks_at_the_clock_every_second(clock: StillClock) -> None:
    waits = []

    class Watched(StillClock):
        def wait(self, condition: threading.Condition, seconds: float | None) -> None:
            waits.append(seconds)
            super().wait(condition, seconds)

    clock = Watched(NOON + HALF_A_DAY - 5.25)
    quota = quota_of(clock, "wait")
    send(quota)
    quota.refused()
    send(quota)
    assert waits == [DAY_POLL] * 8 + [0.25]


def test_a_day_begins_at_midnight_in_utc_wherever_the_machine_and_its_clock_are(
    clock: StillClock, far_from_utc: None
) -> None:
    client = Client("run", "account", lag=120.0)
    permits = Permits(MemoryStore(clock), KeyLimits(4, 10**9), lambda: client, clock=clock)
    quota = Quota(permits, None, "stop", Turns(), clock)
    send(quota)
    with pytest.raises(LimitReachedError, match="until 2026-05-05 00:00 UTC"):
        quota.refused()


def test_later_work_goes_ahead_before_a_wait(
    clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns()
    quota = Quota(permits_of(4, clock=clock), None, "wait", turns, clock)
    done: list[float] = []
    monkeypatch.setattr(turns, "step_aside", lambda: done.append(clock.at))
    with quota.admitted():
        quota.count()
    assert not done
    quota.refused()
    with quota.admitted():
        pass
    assert done[0] == NOON


def test_a_refusal_of_yesterday_s_request_does_not_close_today(clock: StillClock) -> None:
    quota = quota_of(clock)
    clock.at = NOON + HALF_A_DAY - 10
    send(quota)
    clock.at += 20
    quota.refused()
    send(quota)
    assert quota.spent == 2


def test_one_request_probes_a_new_day_and_its_answer_alone_opens_it(clock: StillClock) -> None:
    quota = quota_of(clock, "wait")
    send(quota)
    quota.refused()
    with quota.admitted():
        for told in (quota.answered, quota.unanswered):
            in_a_thread(told)
            quota.check()
            assert not is_open(quota)
        quota.answered()
        assert is_open(quota)


def test_after_a_failed_probe_another_request_probes_the_day(clock: StillClock) -> None:
    quota = quota_of(clock, "wait")
    send(quota)
    quota.refused()
    with pytest.raises(ConnectionError), quota.admitted():
        raise ConnectionError
    with pytest.raises(DayClosedError):
        quota.check()
    with quota.admitted():
        quota.check()


@pytest.mark.parametrize("news", ["answered", "unanswered", "closed"])
def test_requests_that_wait_for_a_probe_go_on_at_once_when_it_ends(news: str) -> None:
    clock = Wakeful(NOON)
    quota = quota_of(clock, "wait")
    send(quota)
    quota.refused()
    clock.at = NOON + HALF_A_DAY + MIDNIGHT
    ended = threading.Event()

    def wait_for_the_day() -> None:
        try:
            with quota.admitted():
                pass
        except FatalAPIError:
            assert news == "closed"
        ended.set()

    with quota.admitted():
        waiter = threading.Thread(target=wait_for_the_day, daemon=True)
        waiter.start()
        assert clock.waiting.wait(10)
        assert clock.seconds == DAY_POLL
        if news == "closed":
            quota.close(FatalAPIError("the run failed"))
        else:
            getattr(quota, news)()
    assert ended.wait(10)
