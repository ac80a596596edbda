"""Runs of the tap that share the limits of a key."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.commands import estimate
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError
from tap_constantcontact.limits import permits as permits_module
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client, Correction, Ledger, Permit, Queued
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.stores import file as file_store
from tap_constantcontact.limits.stores.store import STORE_PATIENCE, MemoryStore, Step, StoreError, T
from tap_constantcontact.limits.tuning import OUTAGE, PAUSE
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import StillClock
from tests.expected import Expected
from tests.parameters import SUMMARY
from tests.processes import TAP, Command
from tests.runs import Run, Runner, config_for, tap_with
from tests.servers import LOOPBACK, free_port

pytestmark = pytest.mark.contacts(12, young=True)

LISTS = "contact_lists"
CLIENT = Client("run", "account")


def nowhere() -> str:
    return f"redis://someone:s3cret@{LOOPBACK}:{free_port(LOOPBACK)}"


# The day


def test_the_next_run_knows_what_was_sent_today(
    run: Runner, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run(streams=LISTS, daily_request_limit=100)
    spent = sandbox.limits.spent_today
    assert f"{100 - spent} requests left today" in caplog.text
    tap = tap_with(config_for(sandbox, tmp_path, daily_request_limit=100), streams=[LISTS])
    figures = estimate.estimated(tap)
    assert figures["left_today"] == 100 - sandbox.limits.spent_today < 100 - spent


@pytest.mark.parametrize("told_by", ["count", "api"])
def test_a_key_whose_day_is_spent_is_not_asked_again(
    run: Runner, sandbox: Sandbox, requests_seen: list[Any], told_by: str
) -> None:
    limit: dict[str, Any] = {"daily_request_limit": 5}
    if told_by == "api":
        limit = {}
        sandbox.limits.per_day = 5
    first = run(streams=SUMMARY, max_concurrent_requests=1, **limit)
    assert len(requests_seen) == (6 if told_by == "api" else 5)
    requests_seen.clear()
    second = run(
        streams=SUMMARY,
        access_token=sandbox.authorization.issue(),
        state=first.state,
        **limit,
    )
    assert not requests_seen
    assert second.exit_code == 0
    assert second.state["bookmarks"][SUMMARY] == first.state["bookmarks"][SUMMARY]


@pytest.mark.slow
def test_a_share_of_the_day_is_an_account_s_own(
    run: Runner, sandbox: Sandbox, tmp_path: Path, requests_seen: list[Any]
) -> None:
    sent = {}
    for name in ("a", "b", "c"):
        requests_seen.clear()
        result = run(
            streams=SUMMARY,
            token_file=str(tmp_path / name),
            refresh_token=None,
            access_token=sandbox.authorization.issue(),
            client_id="shared",
            daily_request_limit=20,
            daily_share=0.4,
        )
        assert result.exit_code == 0
        sent[name] = len(requests_seen)
    assert sent == {"a": 8, "b": 8, "c": 4}


# The pace


@pytest.mark.slow
def test_runs_at_once_share_the_pace_and_read_everything(account: Account, tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        statuses[response.status] += 1
        return response

    with Sandbox(account, limits=Limits(per_second=20), middlewares=[watch]) as sandbox:
        commands = []
        for name in ("a", "b", "c"):
            (folder := tmp_path / name).mkdir()
            config = config_for(sandbox, folder, requests_per_second=20)
            config["refresh_token"] = None
            config["access_token"] = sandbox.authorization.issue()
            catalog = tap_with(config, streams=[SUMMARY]).catalog_dict
            (folder / "config.json").write_text(json.dumps(config))
            (folder / "catalog.json").write_text(json.dumps(catalog))
            options = ("--config=config.json", "--catalog=catalog.json")
            commands.append(Command(TAP, *options, folder=folder))
        with ThreadPoolExecutor() as pool:
            ended = [*pool.map(Command.run, commands)]
    assert statuses[429] <= 0.25 * statuses[200]
    for result in ended:
        assert result.returncode == 0, result.stderr
        read = Run([json.loads(line) for line in result.stdout.splitlines()])
        assert read.by_key(SUMMARY) == Expected(account).contact_action_summary()


# A store that cannot be used


def test_a_run_without_its_store_is_refused_in_one_line(run: Runner) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        run(streams=LISTS, limits_store=nowhere())
    (fault,) = caught.value.errors
    assert "limits_store" in fault
    assert "Redis" in fault
    assert "s3cret" not in fault


def test_a_run_can_go_on_without_its_store(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    result = run(streams=LISTS, limits_store=nowhere(), limits_store_required=False)
    assert result.by_key(LISTS) == expected.contact_lists()
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len([line for line in warnings if "goes on alone" in line]) == 1
    assert "s3cret" not in caplog.text


class FailingStore(MemoryStore):
    """A store that fails when a test says so."""

    fails = False

    def change(self, step: Step[T]) -> T:
        if self.fails:
            raise StoreError("it is down")
        return super().change(step)


def permits_in(store: MemoryStore, clock: StillClock, *, required: bool) -> Permits:
    permits = Permits(store, KeyLimits(1, 10), lambda: CLIENT, required=required, clock=clock)
    permits.begin()
    assert isinstance(permits.take(0.0), Permit)
    clock.at += 2
    return permits


def test_a_short_outage_of_the_store_is_waited_out() -> None:
    clock = StillClock()
    store = FailingStore(clock)
    permits = permits_in(store, clock, required=True)
    store.fails = True
    for _ in range(2):
        assert permits.take(0.0) == Queued(PAUSE)
        clock.at += OUTAGE - 1
        store.fails = False
        assert isinstance(permits.take(0.0), Permit)
        store.fails = True
        permits.correct(Correction(1, 0.0, 0.0))
        permits.throttled()
        permits.look()
        clock.at += 5


def test_a_long_outage_of_the_store_ends_a_run() -> None:
    clock = StillClock()
    store = FailingStore(clock)
    permits = permits_in(store, clock, required=True)
    store.fails = True
    permits.take(0.0)
    clock.at += OUTAGE
    with pytest.raises(FatalAPIError, match="it is down"):
        permits.take(0.0)


class HangingStore(FailingStore):
    """A store whose failures take time."""

    attempts = 0

    def change(self, step: Step[T]) -> T:
        if self.fails:
            self.attempts += 1
            self._clock.sleep(STORE_PATIENCE)
        return super().change(step)


def test_an_outage_takes_no_longer_however_long_each_attempt_takes() -> None:
    clock = StillClock()
    store = HangingStore(clock)
    permits = permits_in(store, clock, required=True)
    store.fails = True
    began = clock.at
    with suppress(FatalAPIError):
        while clock.at < began + 10 * OUTAGE:
            permits.take(0.0)
            for _ in range(10):  # as many requests are answered meanwhile
                permits.correct(Correction(1, 0.0, 0.0))
            permits.throttled()
            permits.look()
            clock.at += PAUSE
    assert OUTAGE <= clock.at - began <= OUTAGE + STORE_PATIENCE + PAUSE
    attempts = store.attempts
    permits.look()
    assert store.attempts == attempts


def test_a_ledger_that_another_process_locks_ends_a_run_with_its_state(
    run: Runner, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "STORE_PATIENCE", 0.02)
    monkeypatch.setattr(permits_module, "OUTAGE", 0.2)
    monkeypatch.setattr(permits_module, "PAUSE", 0.02)
    file = tmp_path / "limits.sqlite"
    guard = sandbox._guard

    async def lock(request: Any, handler: Any) -> Any:
        if request.path.startswith("/v3/contact_tags") and not database.in_transaction:
            database.execute("BEGIN EXCLUSIVE")
        return await guard(request, handler)

    sandbox._guard = lock  # type: ignore[method-assign]
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as database:
        result = run(limits_store=str(file))
    assert result.exit_code == 1
    assert result.records[LISTS]
    assert result.state["bookmarks"]


def test_after_a_long_outage_a_run_goes_on_alone_with_what_is_left() -> None:
    clock = StillClock()
    store = FailingStore(clock)
    permits = permits_in(store, clock, required=False)
    store.change(lambda ledger, now: ledger.count(5, CLIENT, permits.limits, now))
    assert isinstance(permits.take(0.0), Permit)
    assert permits.left_today == 10 - 1 - 5 - 1
    store.fails = True
    permits.take(0.0)
    clock.at += OUTAGE
    permits.take(0.0)
    taken = permits.take(0.0)
    assert isinstance(taken, Permit)
    assert taken.left_today == 2


def test_a_ledger_does_not_grow_with_the_runs() -> None:
    clock, ledger = StillClock(), Ledger()
    for n in range(500):
        ledger.take(Client(f"run-{n}", "account"), KeyLimits(4, 10**6), clock.at)
        clock.at += 2
    assert len(ledger.queue) + len(ledger.departures) < 10
