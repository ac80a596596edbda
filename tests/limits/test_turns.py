"""The order in which work that goes on side by side may send its requests."""

from __future__ import annotations

import pytest

from tap_constantcontact.exceptions import AbandonedError
from tap_constantcontact.limits.turns import Turns
from tests.limits.paces import pace_of


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
    pace = pace_of(10_000, turns)
    abandoned, next_one = turns.take(), turns.take()
    turns.leave([abandoned])
    with turns.work(abandoned), pytest.raises(AbandonedError), pace.departure():
        pass
    with turns.work(next_one):
        assert turns.is_mine()
