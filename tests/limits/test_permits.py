"""A run's permits, from the ledger that all runs of its key share."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tap_constantcontact.clock import SECONDS_A_DAY
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client, DayUsedUp, Permit, Queued
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.stores.store import MemoryStore, Step, StoreError, T, UnlimitedStore
from tap_constantcontact.limits.tuning import MIDNIGHT, OUTAGE
from tests.clocks import StillClock

NOON = 12 * 3600.0


class WatchedStore(MemoryStore):
    """A store that counts how often it is used, and fails when a test says so."""

    used = 0
    fails = False

    def change(self, step: Step[T]) -> T:
        self.used += 1
        if self.fails:
            raise StoreError("it is down")
        return super().change(step)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOON)


@pytest.fixture
def store(clock: StillClock) -> WatchedStore:
    return WatchedStore(clock)


def permits_of(store: WatchedStore, limits: KeyLimits, run: str = "run", **kwargs: Any) -> Permits:
    return Permits(store, limits, lambda: Client(run, "account"), clock=store._clock, **kwargs)


def test_the_sandbox_s_store_permits_every_request_at_once(clock: StillClock) -> None:
    client, limits = Client("run", "account"), KeyLimits(1, 2)
    permits = Permits(UnlimitedStore(clock), limits, lambda: client, clock=clock)
    for _ in range(5):
        assert isinstance(permits.take(0.0), Permit)
        permits.throttled()
    permits.begin()
    assert permits.left_today == 2


def test_a_run_knows_from_its_begin_what_others_left(store: WatchedStore) -> None:
    other = permits_of(store, KeyLimits(1, 10), "other")
    other.take(0.0)
    permits = permits_of(store, KeyLimits(1, 10))
    permits.begin()
    assert permits.left_today == 9


def test_a_run_that_finds_the_day_spent_has_nothing_left(store: WatchedStore) -> None:
    permits_of(store, KeyLimits(1, 1), "other").take(0.0)
    permits = permits_of(store, KeyLimits(1, 1))
    assert isinstance(permits.take(0.0), DayUsedUp)
    assert permits.left_today == 0


def test_a_day_that_one_run_finds_closed_is_closed_for_the_others(store: WatchedStore) -> None:
    opens_in = permits_of(store, KeyLimits(1, 10), "other").close_day(age=0.0)
    assert opens_in == SECONDS_A_DAY - NOON + MIDNIGHT
    assert permits_of(store, KeyLimits(1, 10)).take(0.0) == DayUsedUp(opens_in)


@pytest.mark.parametrize("fails", [False, True])
def test_the_day_of_the_refused_request_is_closed_with_or_without_the_store(
    store: WatchedStore, clock: StillClock, *, fails: bool
) -> None:
    clock.at = SECONDS_A_DAY + 20.0
    store.fails = fails
    permits = permits_of(store, KeyLimits(1, 10))
    assert permits.close_day(age=30.0) < 0
    assert permits.close_day(age=0.0) == SECONDS_A_DAY - 20 + MIDNIGHT


def test_a_store_that_fails_at_the_start_ends_a_run_that_needs_it(store: WatchedStore) -> None:
    store.fails = True
    with pytest.raises(ConfigValidationError) as caught:
        permits_of(store, KeyLimits(1, 10)).begin()
    (said,) = caught.value.errors
    assert said.startswith(
        "limits_store: The limits that runs share cannot be kept in this process"
    )
    assert "(it is down)" in said
    assert "limits_store_required to false" in said


def test_a_store_that_fails_at_the_start_is_told_once_where_it_is_not_needed(
    store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.fails = True
    permits = permits_of(store, KeyLimits(1, 10), required=False)
    permits.begin()
    store.fails = False
    store.used = 0
    assert isinstance(permits.take(0.0), Permit)
    assert store.used == 0
    assert permits.left_today == 9
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_outage_is_told_once_and_counted_from_its_own_start(
    store: WatchedStore, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    permits = permits_of(store, KeyLimits(1, 10))
    for outage in (1, 2):
        store.fails = True
        for _ in range(3):
            taken = permits.take(0.0)
            assert isinstance(taken, Queued)
            assert 0 < taken.wait < 1
            clock.at += (OUTAGE - 1) / 3
        assert len(caplog.records) == outage
        store.fails = False
        permits.take(0.0)
        clock.at += OUTAGE
