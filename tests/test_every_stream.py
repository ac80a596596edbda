"""Real processes that read every stream, and are ended again and again before they have."""

from __future__ import annotations

import copy
import json
import random
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.reading.report import Report
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.parameters import NAMES
from tests.processes import Process
from tests.runs import Runner, config_for, merge

pytestmark = [
    pytest.mark.slow,
    pytest.mark.contacts(6, young=True),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signals"),
]

READ_BY_EACH_RUN = [one.name for one in STREAMS if not issubclass(one, Report)]
"""The streams that no run resumes: each reads them anew, or what is new of them."""

SWEEP_UNDER_WAY = re.compile(rb'"sweep":"[^" ]+ ')

IN_FLIGHT = 20
"""More requests than a run has under way at once."""

SOURCES = pytest.mark.parametrize("source", ["campaigns", "contacts"])


@dataclass
class Arrivals:
    """The requests that reached the API.

    Attributes:
        number: How many they are.
        awaited: Number of the one at whose arrival something happens.
        happens: What happens then.
    """

    number: int = 0
    awaited: int = 0
    happens: Callable[[], None] = lambda: None

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def count(request: web.Request, handler: Any) -> Any:
            if request.path.startswith("/v3/"):
                self.number += 1
                if self.number == self.awaited:
                    self.happens()
            return await handler(request)

        return count


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def sandbox(account: Account, arrivals: Arrivals, present: None) -> Iterator[Sandbox]:
    with Sandbox(account, middlewares=[arrivals.middleware]) as running:
        running.api.partner = True
        yield running


class Reading:
    """A reading of every stream in many runs, as a runner has it that merges their states.

    Attributes:
        source: What the contact reports are built from.
        loaded: The records that arrived, by stream and key.
        unfinished: The streams that every run so far has left for the next one.
        at_once: Number of requests of one run that nothing ends.
        fixed: Number of them that each run sends before the reports.
    """

    def __init__(self, run: Runner, arrivals: Arrivals, source: str) -> None:
        self.source = source
        self.loaded: dict[str, dict[Any, Any]] = {name: {} for name in NAMES}
        self.unfinished = {*NAMES}
        self._run = run
        self._state: dict[str, Any] = {}
        self._temporary = run.folder / "temporary"
        self._temporary.mkdir()
        run(streams=READ_BY_EACH_RUN)
        self.fixed = arrivals.number
        run(streams=NAMES, report_source=source)
        self.at_once = arrivals.number - self.fixed
        self._files = {*run.folder.iterdir()}

    def start(self, **settings: Any) -> Process:
        config = config_for(self._run.sandbox, self._run.folder, report_source=self.source)
        return Process(self._run.folder, config | {"streams": [*NAMES]} | settings, self._state)

    def end(self, process: Process) -> int:
        """Wait until a process has ended; returns its exit code."""
        said = process.end()
        assert "Traceback" not in said
        assert all(line.endswith(b"\n") for line in process.lines)
        run = process.run()
        for name in NAMES:
            self.loaded[name] |= run.by_key(name)
        for line, message in zip(process.lines, run.lines, strict=True):
            if message["type"] == "STATE":
                assert len(line) <= 8192
                merge(copy.deepcopy(message["value"]), self._state)
        if run.exit_code == 0:
            self.unfinished &= {*re.findall(r"the next run resumes (\w+) from here", said)}
        return run.exit_code

    def assert_is_whole(self, expected: Expected) -> None:
        """Compare the records with the account's, and look for what the runs have left behind."""
        assert not self.unfinished
        for name, rows in self.loaded.items():
            assert rows == expected[name], name
        tokens = json.loads((self._run.folder / "tokens.json").read_text())
        assert tokens["refresh_token"] == self._run.sandbox.authorization.refresh_token
        assert not [*self._temporary.iterdir()]
        left = {path.name for path in {*self._run.folder.iterdir()} - self._files}
        assert left <= {"config.json", "state.json", "tap.log", "days"}


@pytest.fixture
def reading(
    run: Runner, arrivals: Arrivals, source: str, monkeypatch: pytest.MonkeyPatch
) -> Reading:
    monkeypatch.setenv("TMPDIR", str(run.folder / "temporary"))
    return Reading(run, arrivals, source)


def after(number: int, wanted: Callable[[bytes], object]) -> Callable[[bytes], bool]:
    """Return what tells the line that is the last of so many wanted ones."""
    left = iter(range(number - 1))
    return lambda line: bool(wanted(line)) and next(left, None) is None


@SOURCES
@pytest.mark.parametrize(
    ("signum", "times", "pace"),
    [(signal.SIGTERM, 3, 400), (signal.SIGKILL, 18, 60), (signal.SIGTERM, 18, 60)],
)
def test_every_stream_is_whole_however_often_its_runs_are_ended(  # noqa: PLR0913, PLR0917
    reading: Reading, arrivals: Arrivals, expected: Expected, signum: int, times: int, pace: int
) -> None:
    """A signal costs the requests of a second, and those that each run sends.

    It comes after a state of a sweep that is under way, after any line, or with a request.
    """
    chance = random.Random(5)
    before = arrivals.number
    for time in range(times):
        process = reading.start(requests_per_second=pace)
        end = partial(process.process.send_signal, signum)
        if time % 3 == 2:
            arrivals.awaited = arrivals.number + chance.randrange(1, 200)
            arrivals.happens = end
        else:
            of_a_sweep = after(time // 3 % 3 + 1, SWEEP_UNDER_WAY.search)
            any_line = after(chance.randrange(1, 900), lambda _: True)
            process.read_until(any_line if time % 3 else of_a_sweep)
            end()
        assert reading.end(process) in {0, -signum, 128 + signum}
    assert reading.end(reading.start()) == 0
    reading.assert_is_whole(expected)
    lost = reading.fixed + pace + IN_FLIGHT
    assert arrivals.number - before <= reading.at_once + times * lost


@SOURCES
@pytest.mark.parametrize(("limit", "number"), [("daily_request_limit", 60), ("request_budget", 50)])
def test_every_stream_is_whole_in_runs_of_few_requests(
    reading: Reading, arrivals: Arrivals, expected: Expected, limit: str, number: int
) -> None:
    """Beside what each run sends, all runs together send little more than one does."""
    of_reports = reading.at_once - reading.fixed
    most = round(1.2 * of_reports / (number - reading.fixed)) + 2
    for day in range(most):
        before = arrivals.number
        settings = {"limits_store": f"days/{day}.sqlite", limit: number}
        assert reading.end(reading.start(**settings)) == 0
        assert arrivals.number - before <= number
        if not reading.unfinished:
            break
    reading.assert_is_whole(expected)
