"""A sandbox over real HTTP, and taps run against it."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.expected import Expected
from tests.runs import FaultyRunner, Runner
from tests.sandboxes import PRESENT, Slow, Slowness, account_of, record_requests

for profile, examples in (("quick", 5), ("ci", 200)):
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure() -> None:
    """Collect garbage less often: the accounts are many small objects, and none of them is garbage.

    The tests take a fifth less processor time.
    """
    gc.set_threshold(100_000, 50, 100)


def pytest_sessionfinish() -> None:
    """Collect no garbage at the end, for which pytest would search everything five times."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more process than there are processors, as tests often wait."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the limits of a test's keys to itself, as ports are used again."""
    for variable in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "state-home"))


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Account:
    """A new account of the size that the mark `contacts` says, of 40 contacts by default."""
    mark = request.node.get_closest_marker("contacts") or pytest.mark.contacts(40).mark
    return account_of(*mark.args, **mark.kwargs)


@pytest.fixture
def present() -> Iterator[None]:
    """Begin the test at the tests' present; from there on, time passes as it does."""
    with time_machine.travel(PRESENT, tick=True):
        yield


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine in a time zone in which it is another time, and often another day."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot be put in another time zone")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def expected(account: Account) -> Expected:
    return Expected(account)


@pytest.fixture
def sandbox(account: Account, present: None) -> Iterator[Sandbox]:
    with Sandbox(account) as running:
        running.api.partner = True
        yield running


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Runner:
    return Runner(sandbox, tmp_path)


@pytest.fixture
def requests_seen(sandbox: Sandbox) -> list[Any]:
    """The requests that reach the sandbox's API, as they come."""
    return record_requests(sandbox)


# A sandbox that misbehaves


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def waits(clock: PatientClock) -> list[float]:
    """The pauses of the run, which take no time."""
    return clock.slept


@pytest.fixture
def read(
    account: Account,
    tmp_path: Path,
    present: None,
    clock: PatientClock,
    caplog: pytest.LogCaptureFixture,
) -> FaultyRunner:
    return FaultyRunner(account, tmp_path, clock, caplog)


@pytest.fixture
def slow(account: Account) -> Iterator[Slow]:
    slowness = Slowness()
    sandbox = Slow(account, middlewares=[slowness.middleware])
    sandbox.slowness = slowness
    with sandbox:
        yield sandbox
