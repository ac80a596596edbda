"""Runs of the tap in this process, and what they wrote."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.clocks import retries_wait_by
from tests.comparison import instants, key_of


@dataclass
class Run:
    """What a run of the tap wrote."""

    lines: list[dict[str, Any]]
    exit_code: int = 0
    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            if line["type"] == "RECORD":
                self.records[line["stream"]].append(line["record"])
            elif line["type"] == "STATE":
                self.state = line["value"]

    def by_key(self, stream: str) -> dict[Any, Any]:
        """The records of a stream by key, dates as instants; a key that comes twice is an error."""
        keyed = {}
        for record in self.records[stream]:
            key = key_of(stream, record)
            assert key not in keyed
            keyed[key] = instants(record)
        return keyed


def merge(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Merge a state into another as Meltano does: object by object, key by key."""
    for key, value in new.items():
        if isinstance(value, dict):
            merge(value, old.setdefault(key, {}))
        else:
            old[key] = value
    return old


def config_for(sandbox: Sandbox, tmp_path: Path, **settings: Any) -> dict[str, Any]:
    return {
        "api_url": sandbox.api_url,
        "auth_url": sandbox.auth_url,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh-token",
        "token_file": str(tmp_path / "tokens.json"),
        "requests_per_second": 10_000,
        "landing_page_activity_ids": sandbox.account.landing_pages,
        **settings,
    }


def tap_with(  # noqa: PLR0913
    config: dict[str, Any],
    state: dict[str, Any] | None = None,
    streams: Iterable[str] = (),
    catalog: dict[str, Any] | None = None,
    clock: Clock = SYSTEM,
    *,
    limit: int | None = None,
) -> TapConstantContact:
    """Set a tap up in this process; unless streams are named, it reads those that it selects."""
    given = json.loads(json.dumps(state or {}))
    if names := sorted({*streams}):
        config = {**config, "streams": names}
    tap = TapConstantContact(
        config=dict(config), state=given, catalog=catalog, clock=clock, limit=limit
    )
    tap.run.state_interval = 0
    return tap


def sync(config: dict[str, Any], *args: Any, **kwargs: Any) -> Run:
    """Run a tap in this process; the arguments are those of `tap_with`."""
    out = io.StringIO()
    exit_code = 0
    with contextlib.redirect_stdout(out), retries_wait_by(kwargs.get("clock", SYSTEM)):
        tap = tap_with(config, *args, **kwargs)
        try:
            tap.sync_all()
        except SystemExit as end:
            exit_code = int(end.code or 0)
        finally:
            tap.run.progress.summarize()
            tap.run.connection.session.close()
    return Run([json.loads(line) for line in out.getvalue().splitlines()], exit_code)


@dataclass(frozen=True)
class Runner:
    """Runs the tap against a sandbox; the fixture `run` is one for the test's sandbox.

    Attributes:
        sandbox: What the tap reads.
        folder: Where the tap keeps its tokens.
    """

    sandbox: Sandbox
    folder: Path

    def __call__(
        self,
        state: dict[str, Any] | None = None,
        streams: str | Iterable[str] = (),
        *,
        budget: int | None = None,
        clock: Clock = SYSTEM,
        **settings: Any,
    ) -> Run:
        """Run the tap with these settings beside the credentials.

        Args:
            state: The state that it starts from.
            streams: The names of streams to read; those that are selected by default if none.
            budget: How many requests it may send.
            clock: What it tells the time by.
            settings: Settings by name.
        """
        if budget is not None:
            settings["request_budget"] = budget
        names = (streams,) if isinstance(streams, str) else streams
        config = config_for(self.sandbox, self.folder, **settings)
        return sync(config, state, names, clock=clock)


@dataclass(frozen=True)
class FaultyRunner:
    """Runs the tap against sandboxes that misbehave; the fixture `read` is one.

    Attributes:
        account: What the sandboxes serve.
        folder: Where the tap keeps its tokens.
        clock: What the tap tells the time by.
        log: What the test logged.
    """

    account: Account
    folder: Path
    clock: Clock
    log: pytest.LogCaptureFixture

    def __call__(
        self, *faults: Any, streams: Iterable[str] = (), **settings: Any
    ) -> tuple[Run, list[str]]:
        """Run the tap through these middlewares; returns the run and the errors that it told."""
        with Sandbox(self.account, middlewares=faults) as sandbox:
            sandbox.api.partner = True
            config = config_for(sandbox, self.folder, **settings)
            result = sync(config, streams=streams, clock=self.clock)
        errors = [
            record.getMessage()
            for record in self.log.records
            if record.levelno >= logging.ERROR and record.name.startswith("tap")
        ]
        assert "Traceback" not in "".join(errors)
        return result, errors

    def failing(
        self, *faults: Any, streams: Iterable[str] = (), **settings: Any
    ) -> tuple[Run, str]:
        """Run the tap through middlewares that make it fail; returns the run and its one error."""
        result, (error,) = self(*faults, streams=streams, **settings)
        assert result.exit_code == 1
        return result, error
