"""The ledger of a key, which all its runs share."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import datetime, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.clock import SECONDS_A_DAY
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client, Correction, DayUsedUp, Ledger, Permit, Queued
from tap_constantcontact.limits.tuning import (
    FINEST,
    MIDNIGHT,
    PERIOD_MARGIN,
    QUEUE_POLL,
    THROTTLE_MEMORY,
    WIDEST,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc).timestamp()
DAY_END = NOON + SECONDS_A_DAY / 2
ALL_DAY = 10**6

rates = st.integers(1, 20)
runs = st.integers(1, 8)


class Key:
    """Runs of a key that always have something to send, and ask whenever they are told to."""

    def __init__(self, limits: KeyLimits, runs: int, now: float = NOON) -> None:
        self.limits = limits
        self.ledger = Ledger()
        self.due = {f"run-{n}": now for n in range(runs)}
        self.sent: list[tuple[float, str]] = []

    def let_pass(self, seconds: float) -> None:
        end = min(self.due.values()) + seconds
        while (now := min(self.due.values())) < end:
            run = min(self.due, key=lambda name: self.due[name])
            self.ledger = msgspec.json.decode(msgspec.json.encode(self.ledger), type=Ledger)
            match self.ledger.take(Client(run, run), self.limits, now):
                case Permit(next_in=next_in):
                    self.sent.append((now, run))
                    self.due[run] = now + max(next_in, 0.0005)
                case Queued(wait):
                    assert wait > 0
                    self.due[run] = now + wait
                case DayUsedUp():
                    self.due[run] = end

    def of_each(self) -> Counter[str]:
        return Counter(run for _, run in self.sent)


@given(rate=rates, number=runs)
def test_runs_reach_the_pace_together_and_share_it(rate: int, number: int) -> None:
    key = Key(KeyLimits(rate, ALL_DAY), number)
    key.let_pass(60)
    sent = [at for at, _ in key.sent]
    assert all(bisect_left(sent, at + 1) - i <= rate for i, at in enumerate(sent))
    assert len(sent) >= 0.98 * rate * 60
    assert max(key.of_each().values()) - min(key.of_each().values()) <= 1


@given(rate=rates, killed=st.integers(1, 7))
def test_a_run_that_ends_without_notice_costs_a_moment(rate: int, killed: int) -> None:
    key = Key(KeyLimits(rate, ALL_DAY), 8)
    key.let_pass(5)
    for n in range(killed):
        del key.due[f"run-{n}"]
    key.sent.clear()
    key.let_pass(60)
    assert len(key.sent) >= 0.98 * rate * 60 - killed - 1
    assert max(key.of_each().values()) - min(key.of_each().values()) <= 2


def test_a_permit_is_not_given_while_a_request_may_be_late() -> None:
    ledger, limits, client = Ledger(), KeyLimits(1, ALL_DAY), Client("run", "")
    first = ledger.take(client, limits, NOON, allowance=0.5)
    assert isinstance(first, Permit)
    assert isinstance(ledger.take(client, limits, NOON + 1.2), Queued)
    ledger.correct(Correction(first.number, late=0.0, allowance=0.1))
    assert isinstance(ledger.take(client, limits, NOON + 1.2), Permit)


def test_a_request_counts_from_when_it_left() -> None:
    ledger, limits, client = Ledger(), KeyLimits(1, ALL_DAY), Client("run", "")
    first = ledger.take(client, limits, NOON)
    assert isinstance(first, Permit)
    ledger.correct(Correction(first.number, late=0.7, allowance=0.0))
    assert isinstance(ledger.take(client, limits, NOON + 1.1), Queued)


def test_a_waiting_run_gets_its_permit_before_a_later_one() -> None:
    ledger, limits = Ledger(), KeyLimits(1, ALL_DAY)
    first, second, third = (Client(name, "") for name in "abc")
    ledger.take(first, limits, NOON)
    queued = ledger.take(second, limits, NOON)
    assert isinstance(queued, Queued)
    free = NOON + queued.wait
    behind = ledger.take(third, limits, free)
    assert isinstance(behind, Queued)
    assert behind.wait == pytest.approx(1.003)
    assert isinstance(ledger.take(second, limits, free), Permit)
    assert isinstance(ledger.take(third, limits, free + behind.wait), Permit)


def waits(ledger: Ledger, limits: KeyLimits, now: float, runs: str) -> list[float]:
    """How long runs are told to wait that ask one after the other."""
    queued = [ledger.take(Client(run, ""), limits, now) for run in runs]
    return [one.wait for one in queued if isinstance(one, Queued)]


def test_each_run_that_waits_is_told_of_a_permit_of_its_own() -> None:
    ledger, limits = Ledger(), KeyLimits(2, ALL_DAY)
    for seconds in (0.0, 0.5):
        ledger.take(Client("run", ""), limits, NOON + seconds)
    assert waits(ledger, limits, NOON + 0.5, "abc") == pytest.approx(
        [0.503, 1.003, 1.506], abs=1e-6
    )


def test_runs_that_wait_are_told_to_come_one_after_the_other() -> None:
    ledger, limits = Ledger(), KeyLimits(4, ALL_DAY)
    ledger.take(Client("run", ""), limits, NOON)
    spacing = limits.spacing
    assert waits(ledger, limits, NOON, "ab") == pytest.approx([spacing, 2 * spacing], abs=1e-6)


def test_a_request_that_left_late_does_not_hide_one_that_counts_no_more() -> None:
    ledger, limits = Ledger(), KeyLimits(2, ALL_DAY)
    first = ledger.take(Client("run", ""), limits, NOON)
    assert isinstance(first, Permit)
    ledger.take(Client("run", ""), limits, NOON + 0.5)
    ledger.correct(Correction(first.number, late=0.7, allowance=0.0))
    assert waits(ledger, limits, NOON + 0.7, "a") == pytest.approx([0.803], abs=1e-6)


def test_a_run_that_got_its_permit_holds_nobody_up() -> None:
    ledger, limits = Ledger(), KeyLimits(4, ALL_DAY)
    first, second, third = (Client(name, "") for name in "abc")
    ledger.take(first, limits, NOON)
    queued = ledger.take(second, limits, NOON)
    assert isinstance(queued, Queued)
    now = NOON + queued.wait
    assert isinstance(ledger.take(second, limits, now), Permit)
    assert isinstance(ledger.take(third, limits, now + limits.spacing), Permit)


def test_a_run_asks_again_soon_while_an_answer_may_make_room() -> None:
    ledger, limits, client = Ledger(), KeyLimits(1, ALL_DAY), Client("run", "")
    ledger.take(client, limits, NOON, allowance=0.5)
    for after, wait in ((1.0, 0.003), (1.1, QUEUE_POLL), (1.5, 0.003)):
        queued = ledger.take(client, limits, NOON + after)
        assert isinstance(queued, Queued)
        assert queued.wait == pytest.approx(wait, abs=1e-6)


def test_the_last_permits_of_a_day_are_as_many_as_are_left() -> None:
    limits, ledger, client = KeyLimits(4, 2), Ledger(), Client("run", "")
    assert ledger.take(client, limits, NOON)[:2] == (1, 1)
    assert ledger.take(client, limits, NOON + 1)[:2] == (2, 0)
    assert isinstance(ledger.take(client, limits, NOON + 2), DayUsedUp)


@given(rate=st.integers(51, 5000), requests=st.integers(1, 400))
def test_many_requests_of_a_period_are_counted_in_few_parts(rate: int, requests: int) -> None:
    ledger, limits, client = Ledger(), KeyLimits(rate, ALL_DAY), Client("run", "")
    now, sent = NOON, 0
    while sent < requests:
        taken = ledger.take(client, limits, now)
        if isinstance(taken, Permit):
            sent += 1
            now += max(taken.next_in, limits.spacing)
        else:
            assert isinstance(taken, Queued)
            assert sum(one.requests for one in ledger.departures.values()) == limits.burst
            now += taken.wait
        assert len(ledger.departures) <= FINEST + 2
    counted = sum(one.requests for one in ledger.departures.values())
    assert all(one.until >= NOON + 1 for one in ledger.departures.values())
    assert counted == requests or now > NOON + 1


def test_throttled_responses_widen_the_margin_for_a_minute() -> None:
    ledger, limits, client = Ledger(), KeyLimits(1, ALL_DAY), Client("run", "")
    for n in range(20):
        ledger.throttle(limits, NOON + n / 2)
    assert len(ledger.throttled) == 10  # one a period at the most
    last = NOON + 9

    def waits(at: float, after: float = 1.02) -> bool:
        assert isinstance(ledger.take(client, limits, at), Permit)
        return isinstance(ledger.take(client, limits, at + after), Queued)

    assert not waits(last, after=1.001 + WIDEST)

    assert waits(last + 5)
    assert waits(last + THROTTLE_MEMORY - 5)
    assert not waits(last + THROTTLE_MEMORY)
    assert ledger.throttled == []


@pytest.mark.parametrize("jump", [-SECONDS_A_DAY, -30.0, 30.0, SECONDS_A_DAY])
def test_a_clock_that_is_set_does_not_stop_a_run(jump: float) -> None:
    key = Key(KeyLimits(4, ALL_DAY), 2)
    key.let_pass(10)
    key.due = {run: at + jump for run, at in key.due.items()}
    key.sent.clear()
    key.let_pass(100)
    assert len(key.sent) > 200


def test_ledger_entries_from_the_future_are_forgotten() -> None:
    ahead, limits = NOON + SECONDS_A_DAY, KeyLimits(1, ALL_DAY)
    ledger = Ledger(throttled=[ahead], queue={"a run that was killed": ahead})
    assert isinstance(ledger.take(Client("run", ""), limits, NOON), Permit)
    assert ledger.throttled == []
    ledger.throttle(limits, NOON)
    assert ledger.throttled == [NOON]


def test_a_run_is_told_to_ask_again_when_a_permit_may_be_free() -> None:
    client = Client("run", "")

    def wait(ledger: Ledger, limits: KeyLimits, at: float) -> float:
        taken = ledger.take(client, limits, at)
        assert isinstance(taken, Queued)
        return taken.wait

    ledger, limits = Ledger(), KeyLimits(4, ALL_DAY)
    ledger.take(client, limits, NOON)
    assert wait(ledger, limits, NOON) == pytest.approx(limits.spacing)

    ledger, limits = Ledger(), KeyLimits(1, ALL_DAY)
    ledger.take(client, limits, NOON, allowance=0.5)
    until = NOON + 1 + PERIOD_MARGIN
    assert wait(ledger, limits, until - 1) == pytest.approx(1.0)
    assert wait(ledger, limits, until + 0.1) == QUEUE_POLL
    assert wait(ledger, limits, until + 0.495) == pytest.approx(0.005, rel=0.001)


# The day


@given(
    limit=st.integers(1, 50),
    shares=st.lists(st.floats(0.05, 1), min_size=1, max_size=4),
    order=st.lists(st.integers(0, 3), max_size=100),
)
def test_a_day_holds_what_it_may_and_a_share_what_is_its_own(
    limit: int, shares: list[float], order: list[int]
) -> None:
    ledger, sent = Ledger(), Counter[int]()
    for step, pick in enumerate(order):
        n = pick % len(shares)
        client, limits = Client(str(n), str(n)), KeyLimits(1, limit, shares[n])
        if isinstance(ledger.take(client, limits, NOON + 2 * step), Permit):
            sent[n] += 1
        else:
            assert sent[n] == int(limit * shares[n]) or sent.total() == limit
        left = min(limit - sent.total(), int(limit * shares[n]) - sent[n])
        assert ledger.left_today(client, limits, NOON + 2 * step) == left


@given(rate=st.sampled_from([1, 10, 100]), limit=st.integers(1, 60))
def test_no_more_is_permitted_than_is_left_of_the_day(rate: int, limit: int) -> None:
    key = Key(KeyLimits(rate, limit), 2)
    key.let_pass(90)
    assert len(key.sent) == limit


@given(skews=st.lists(st.floats(-2, 2), min_size=1, max_size=4), limit=st.integers(2, 40))
def test_no_clock_sees_a_day_exceeded_around_midnight(skews: list[float], limit: int) -> None:
    key = Key(KeyLimits(4, limit), 3, now=DAY_END - 8)
    key.let_pass(16)
    key.let_pass(30)
    for skew in skews:
        days = Counter(int((at + skew) // SECONDS_A_DAY) for at, _ in key.sent)
        assert max(days.values()) <= limit


def test_a_spent_day_tells_when_the_next_one_begins() -> None:
    ledger, client, limits = Ledger(), Client("run", ""), KeyLimits(1, 1)
    ledger.take(client, limits, NOON)
    spent = ledger.take(client, limits, NOON + 5)
    assert spent == DayUsedUp(DAY_END - NOON - 5 + MIDNIGHT)
    assert isinstance(ledger.take(client, limits, DAY_END + MIDNIGHT), Permit)


def test_a_day_that_the_api_closed_is_closed_for_all_runs() -> None:
    ledger, limits = Ledger(), KeyLimits(4, ALL_DAY)
    ledger.close_day(Client("a", ""), limits, NOON)
    other = Client("b", "")
    assert isinstance(ledger.take(other, limits, NOON + 1), DayUsedUp)
    assert ledger.left_today(other, limits, NOON + 1) == 0
    assert isinstance(ledger.take(other, limits, DAY_END + MIDNIGHT), Permit)


def test_a_day_that_was_closed_while_the_clock_was_ahead_is_forgotten() -> None:
    ledger, limits, client = Ledger(), KeyLimits(4, ALL_DAY), Client("run", "")
    ledger.close_day(client, limits, NOON + 5 * SECONDS_A_DAY)
    assert isinstance(ledger.take(client, limits, NOON), Permit)
    assert ledger.close_day(client, limits, NOON) > 0
    assert isinstance(ledger.take(client, limits, NOON + 1), DayUsedUp)


def test_a_day_stays_closed_when_a_refusal_of_the_day_before_comes_late() -> None:
    ledger, limits, client = Ledger(), KeyLimits(4, ALL_DAY), Client("run", "")
    ledger.close_day(client, limits, DAY_END + 10)
    assert ledger.close_day(client, limits, DAY_END + 20, age=30) > 0
    assert isinstance(ledger.take(client, limits, DAY_END + 20), DayUsedUp)


def test_the_last_request_of_a_day_may_be_sent_after_a_late_refusal() -> None:
    ledger, limits, client = Ledger(), KeyLimits(4, 1), Client("run", "")
    assert ledger.close_day(client, limits, DAY_END + 20, age=30) < 0


def test_a_limit_that_is_lowered_below_what_was_sent_leaves_nothing() -> None:
    ledger, client = Ledger(), Client("run", "")
    ledger.count(10, client, KeyLimits(4, 20), NOON)
    assert ledger.left_today(client, KeyLimits(4, 5), NOON) == 0


def test_a_refusal_right_after_midnight_is_of_the_day_before() -> None:
    ledger, limits, client = Ledger(), KeyLimits(4, ALL_DAY), Client("run", "", lag=20.0)
    opens_in = ledger.close_day(client, limits, DAY_END + 22)
    assert opens_in == pytest.approx(1.0)
    assert isinstance(ledger.take(client, limits, DAY_END + 24), Permit)


def test_a_late_refusal_is_of_the_day_on_which_the_request_was_sent() -> None:
    ledger, limits, client = Ledger(), KeyLimits(4, ALL_DAY), Client("run", "")
    assert ledger.close_day(client, limits, DAY_END + 20, age=30) < 0
    assert isinstance(ledger.take(client, limits, DAY_END + 20), Permit)


def test_a_ledger_remembers_one_day_at_most() -> None:
    ledger, limits, client = Ledger(), KeyLimits(1, ALL_DAY, 0.5), Client("run", "account")
    for day in range(30):
        ledger.take(client, limits, NOON + day * SECONDS_A_DAY)
    assert len(ledger.spent) == 1


def test_late_requests_that_are_counted_together_hold_the_next_ones_up_once() -> None:
    ledger, limits, client = Ledger(), KeyLimits(200, ALL_DAY), Client("run", "")
    taken = [ledger.take(client, limits, NOON + n * limits.spacing) for n in range(4)]
    (number,) = {one.number for one in taken if isinstance(one, Permit)}
    for _ in taken:
        ledger.correct(Correction(number, late=0.02, allowance=0.0))
    (together,) = ledger.departures.values()
    assert together.requests == 4
    assert together.end == pytest.approx(NOON + 1.02 + 0.02)
