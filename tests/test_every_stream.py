"""Real processes that read every stream, and are ended again and again before they have."""

from __future__ import annotations

import copy
import json
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.parameters import NAMES
from tests.processes import Process
from tests.runs import config_for, merge
from tests.sandboxes import record_requests

pytestmark = [
    pytest.mark.slow,
    pytest.mark.contacts(6, young=True),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signals"),
]

MOST = 60
"""Number of runs in which every stream must have been finished."""


def signals(signum: int) -> Iterator[tuple[dict[str, Any], Callable[[Process], None]]]:
    """Yield settings of runs, each with what ends it: a signal after some lines."""
    chance = random.Random(5)
    for _ in range(12):
        yield {}, lambda process: _end_after(process, chance.randrange(1, 900), signum)
    yield {}, lambda _: None


def _end_after(process: Process, lines: int, signum: int) -> None:
    left = iter(range(lines))
    process.read_until(lambda _: next(left, None) is None)
    with suppress(ProcessLookupError):
        process.process.send_signal(signum)


def limits(name: str, number: int) -> Iterator[tuple[dict[str, Any], Callable[[Process], None]]]:
    """Yield settings of runs that a limit ends; each begins on a day of which none is spent."""
    for day in range(MOST):
        yield {"limits_store": f"day-{day}.sqlite", name: number}, lambda _: None


ENDS = {
    "kill": lambda: signals(signal.SIGKILL),
    "terminate": lambda: signals(signal.SIGTERM),
    "quota of 150": lambda: limits("daily_request_limit", 150),
    "budget of 100": lambda: limits("request_budget", 100),
}


@pytest.mark.parametrize("source", ["contacts", "campaigns"])
@pytest.mark.parametrize("ends", ENDS)
def test_every_stream_is_whole_however_its_runs_end(
    sandbox: Sandbox, tmp_path: Path, expected: Expected, ends: str, source: str
) -> None:
    """The rows of all runs together are those of the account, and the states merge key by key."""
    seen = record_requests(sandbox)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    base = config_for(sandbox, tmp_path, streams=[*NAMES], report_source=source)
    state: dict[str, Any] = {}
    loaded: dict[str, dict[Any, Any]] = {name: {} for name in NAMES}
    said = ""
    for settings, end in ENDS[ends]():
        process = Process(tmp_path, {**base, **settings}, state)
        end(process)
        said = process.end()
        run = process.run()
        assert "Traceback" not in said
        for name in NAMES:
            loaded[name] |= run.by_key(name)
        merge(copy.deepcopy(run.state), state)
        assert len(json.dumps(state)) <= 8192
        if all(rows.keys() == expected[name].keys() for name, rows in loaded.items()):
            break
    else:
        pytest.fail(f"after {MOST} runs, the last one said: {said[-2000:]}")
    for name, rows in loaded.items():
        assert rows == expected[name], name
    assert seen
