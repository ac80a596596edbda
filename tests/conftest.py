"""A sandbox over real HTTP, and taps run against it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact

for profile, examples in (("quick", 50), ("ci", 500)):
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

PRESENT = datetime(2026, 11, 10, 12, tzinfo=timezone.utc)
"""When tests take place that run the tap in this process."""

FOUR = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
"""The streams that a test reads unless it names others."""

DATES = ("_at", "_date", "_on", "_time")


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


def key_of(stream: str, record: dict[str, Any]) -> Any:
    if stream == "contacts":
        return record["contact_id"]
    if stream == "contact_lists":
        return record["list_id"]
    if stream == "contact_action_summary":
        return record["contact_id"], record["campaign_activity_id"]
    return (
        record["contact_id"],
        record["campaign_activity_id"],
        record["tracking_activity_type"],
        parse(record["created_time"]),
        record.get("link_url"),
    )


def instants(value: Any, name: str = "") -> Any:
    """Replace date-times by the instants that they mean, and drop the key made by the tap."""
    if isinstance(value, dict):
        return {k: instants(v, k) for k, v in value.items() if k != "activity_id"}
    if isinstance(value, list):
        return [instants(item) for item in value]
    if isinstance(value, str) and name.endswith(DATES):
        return parse(value).astimezone(timezone.utc)
    return value


class Expected:
    """The sandbox's own data, in the shape that a run's records take."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def _keyed(self, stream: str, rows: Iterator[dict[str, Any]]) -> dict[Any, Any]:
        return {key_of(stream, row): instants(row) for row in rows}

    def contact_lists(self) -> dict[Any, Any]:
        sms = self.account.sms_lists
        rows = (
            {
                **row,
                "membership_count": row["counts"]["all"],
                "channel_type": "sms" if row["list_id"] in sms else "email",
            }
            for row in self.account.list_rows()
        )
        return self._keyed(
            "contact_lists", ({k: v for k, v in row.items() if k != "counts"} for row in rows)
        )

    def contacts(self, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[Any, Any]:
        rows = (contact for contact in self.account.contacts.values() if wanted(contact))
        shown = (
            {k: v for k, v in row.items() if k != "list_memberships" or "deleted_at" not in row}
            for row in rows
        )
        return self._keyed("contacts", shown)

    def _reported(self, wanted: Callable[[dict[str, Any]], bool]) -> list[str]:
        return [key for key, contact in self.account.contacts.items() if wanted(contact)]

    def contact_action_summary(
        self,
        wanted: Callable[[dict[str, Any]], bool] = lambda contact: "deleted_at" not in contact,
        window: Callable[[datetime], bool] = lambda _: True,
    ) -> dict[Any, Any]:
        rows = (
            {"contact_id": key, **row}
            for key in self._reported(wanted)
            for row in self.account.summary(key)
            if window(parse(row["start_on"]))
        )
        return self._keyed("contact_action_summary", rows)

    def contact_activity_details(
        self,
        wanted: Callable[[dict[str, Any]], bool] = lambda contact: "deleted_at" not in contact,
        window: Callable[[datetime], bool] = lambda _: True,
    ) -> dict[Any, Any]:
        rows = (
            row
            for key in self._reported(wanted)
            for row in self.account.events[key]
            if window(parse(row["created_time"]))
        )
        return self._keyed("contact_activity_details", rows)


@cache
def _grown(size: int) -> bytes:
    return pickle.dumps(Account(size=size, now=PRESENT))


def grown(size: int) -> Account:
    """A new account of so many first contacts, as it is at the tests' present."""
    account: Account = pickle.loads(_grown(size))
    return account


@pytest.fixture
def account() -> Account:
    return grown(40)


@pytest.fixture
def present() -> Iterator[None]:
    """Begin the test at the tests' present; from there on, time passes as it does."""
    with time_machine.travel(PRESENT, tick=True):
        yield


@pytest.fixture
def expected(account: Account) -> Expected:
    return Expected(account)


@pytest.fixture
def sandbox(account: Account, present: None) -> Iterator[Sandbox]:
    with Sandbox(account) as running:
        yield running


def config_for(sandbox: Sandbox, tmp_path: Path, **settings: Any) -> dict[str, Any]:
    return {
        "api_url": sandbox.api_url,
        "auth_url": sandbox.auth_url,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh-token",
        "token_file": str(tmp_path / "tokens.json"),
        "requests_per_second": 10_000,
        **settings,
    }


def tap_with(
    config: dict[str, Any],
    state: dict[str, Any] | None = None,
    streams: tuple[str, ...] = (),
    catalog: dict[str, Any] | None = None,
    clock: Clock = SYSTEM,
) -> TapConstantContact:
    """Set a tap up in this process, with some streams selected or as a catalog says."""
    given = json.loads(json.dumps(state or {}))
    tap = TapConstantContact(config=dict(config), state=given, catalog=catalog, clock=clock)
    tap.run.state_interval = 0
    for name, stream in tap.streams.items():
        if catalog is None:
            stream.selected = name in (streams or FOUR)
    return tap


def sync(config: dict[str, Any], *args: Any, **kwargs: Any) -> Run:
    """Run a tap in this process; the arguments are those of `tap_with`."""
    out = io.StringIO()
    exit_code = 0
    with contextlib.redirect_stdout(out):
        tap = tap_with(config, *args, **kwargs)
        try:
            tap.sync_all()
        except SystemExit as end:
            exit_code = int(end.code or 0)
        finally:
            tap.run.progress.summarize()
    return Run([json.loads(line) for line in out.getvalue().splitlines()], exit_code)


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Run]:
    """Run a tap against the sandbox, with these settings beside the credentials."""

    def run_with(state: dict[str, Any] | None = None, streams: Any = (), **settings: Any) -> Run:
        names = (streams,) if isinstance(streams, str) else streams
        return sync(config_for(sandbox, tmp_path, **settings), state, names)

    return run_with


@pytest.fixture
def requests_seen(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that reach the sandbox's API, as they come."""
    seen: list[Any] = []
    guard = sandbox._guard

    async def recording(request: Any, handler: Any) -> Any:
        if request.path.startswith("/v3/"):
            seen.append(request)
        return await guard(request, handler)

    monkeypatch.setattr(sandbox, "_guard", recording)
    return seen
