"""A sandbox over real HTTP, and taps run against it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web
from hypothesis import HealthCheck, settings

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.expected import Expected
from tests.harness import PRESENT, Run, config_for, grown, record_requests, sync

for profile, examples in (("quick", 15), ("ci", 200)):
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the limits of a test's keys to itself, as ports are used again."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))


@pytest.fixture
def account() -> Account:
    return grown(40)


@pytest.fixture
def present() -> Iterator[None]:
    """Begin the test at the tests' present; from there on, time passes as it does."""
    with time_machine.travel(PRESENT, tick=True):
        yield


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine in a time zone in which it is another time, and often another day."""
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
def run(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Run]:
    """Run a tap against the sandbox, with these settings beside the credentials."""

    def run_with(
        state: dict[str, Any] | None = None,
        streams: Any = (),
        clock: Clock = SYSTEM,
        **settings: Any,
    ) -> Run:
        names = (streams,) if isinstance(streams, str) else streams
        return sync(config_for(sandbox, tmp_path, **settings), state, names, clock=clock)

    return run_with


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
) -> Callable[..., tuple[Run, list[str]]]:
    """Run a tap through middlewares; returns the run and the lines that it ended with."""

    def run(*middlewares: Any, streams: tuple[str, ...] = (), **settings: Any) -> Any:
        with Sandbox(account, middlewares=middlewares) as sandbox:
            sandbox.api.partner = True
            result = sync(config_for(sandbox, tmp_path, **settings), streams=streams, clock=clock)
        errors = [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.ERROR and record.name.startswith("tap")
        ]
        assert "Traceback" not in "".join(errors)
        return result, errors

    return run


@pytest.fixture
def failing(
    read: Callable[..., tuple[Run, list[str]]], caplog: pytest.LogCaptureFixture
) -> Callable[..., tuple[Run, str]]:
    """Run a tap through middlewares that make it fail; returns the run and its one line."""

    def fail(*middlewares: Any, **settings: Any) -> tuple[Run, str]:
        result, (said,) = read(*middlewares, **settings)
        assert result.exit_code == 1
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert sum(record.name.startswith("tap") for record in errors) == 1
        return result, said

    return fail


class Slowness:
    """How long responses take, and how many of them were asked for at once at the most.

    Attributes:
        path: What is in the paths of requests that have slow responses.
    """

    def __init__(self) -> None:
        self.seconds = 0.01
        self.path = "/contact_reports/"
        self.under_way = self.most = 0

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def delay(request: web.Request, handler: Any) -> Any:
            if self.path not in request.path:
                return await handler(request)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(self.seconds)
            self.under_way -= 1
            return await handler(request)

        return delay


class Slow(Sandbox):
    """A sandbox whose contact reports are as slow as a test says."""

    slowness: Slowness


@pytest.fixture
def slow(account: Account) -> Iterator[Slow]:
    slowness = Slowness()
    sandbox = Slow(account, middlewares=[slowness.middleware])
    sandbox.slowness = slowness
    with sandbox:
        yield sandbox
