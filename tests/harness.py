"""A tap run against a sandbox over real HTTP, and the sandbox's own data to compare with."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.config.windows import ReportDateSettings
from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import Events
from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)
from tap_constantcontact.tap import TapConstantContact
from tap_constantcontact.transport.status import SUCCESSES

Stream = type[ConstantContactStream]
Fault = Callable[..., Any]

PRESENT = datetime(2026, 11, 10, 12, tzinfo=timezone.utc)
"""When tests take place that run the tap in this process."""

NAMES = tuple(stream.name for stream in STREAMS)
SUMMARY = ContactActionSummaryStream.name
DETAILS = ContactActivityDetailsStream.name
CONTACT_REPORTS = tuple(
    stream.name
    for stream in STREAMS
    if issubclass(stream, Report) and stream.date_settings is ReportDateSettings
)
INCREMENTAL = tuple(stream for stream in STREAMS if stream.replication_key)

OF_EACH_SHAPE = {
    *CONTACT_REPORTS,
    *{
        (
            stream.__bases__[0],
            *(
                type(getattr(stream, answer, None))
                for answer in ("visits", "requests", "rows")
                if issubclass(stream, Report)
            ),
            stream.is_array,
            bool(stream.records_key),
        ): stream.name
        for stream in STREAMS
    }.values(),
}
"""A stream of each way of reading, for tests that would take too long with all streams."""

DATES = ("_at", "_date", "_on", "_time", "_timestamp")
MADE_BY_THE_RUN = ("counted_at", "last_refresh_time")
MADE_ON_THE_WAY = ("activity_id", *MADE_BY_THE_RUN)
"""Fields of a record that are not in the sandbox's data."""

OFFSET = re.compile(r" ([+-]\d\d)(\d\d)$")
"""An offset as some date-times have it, which Python does not read."""


def partly_slow(quick: Iterable[Any], slow: Iterable[Any]) -> list[Any]:
    """Return parameters of a test, of which it takes some only with `-m slow`."""
    values = (one if isinstance(one, tuple) else (one,) for one in slow)
    return [*quick, *(pytest.param(*value, marks=pytest.mark.slow) for value in values)]


def by_shape(streams: Iterable[Stream]) -> list[Any]:
    """Return streams as parameters of a test, which takes one of each shape without `-m slow`."""
    return [
        pytest.param(
            stream, id=stream.name, marks=() if stream.name in OF_EACH_SHAPE else pytest.mark.slow
        )
        for stream in streams
    ]


def has_events(stream: Stream) -> bool:
    """Tell whether the rows of a stream are events, which have no keys of their own."""
    return issubclass(stream, Report) and isinstance(stream.rows, Events)


def parents_of(stream: Stream) -> ParentType | None:
    """Return the type of the parents that a report is about."""
    if issubclass(stream, Report):
        return stream.visits.parents
    return stream.parents if issubclass(stream, BatchedReport) else None


def named(stream: Stream) -> str:
    """Name a test by the stream that it is about."""
    return stream.name


# Runs


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


def tap_with(
    config: dict[str, Any],
    state: dict[str, Any] | None = None,
    streams: Iterable[str] = (),
    catalog: dict[str, Any] | None = None,
    clock: Clock = SYSTEM,
) -> TapConstantContact:
    """Set a tap up in this process; unless streams are named, it reads those that it selects."""
    given = json.loads(json.dumps(state or {}))
    tap = TapConstantContact(config=dict(config), state=given, catalog=catalog, clock=clock)
    tap.run.state_interval = 0
    if names := {*streams}:
        assert names <= {*NAMES}
        for name, stream in tap.streams.items():
            stream.selected = name in names
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
            tap.run.connection.session.close()
    return Run([json.loads(line) for line in out.getvalue().splitlines()], exit_code)


# What is expected


def key_of(stream: str, record: dict[str, Any]) -> Any:
    if has_events(stream_of(stream)):
        return record["contact_id"], record["activity_id"]
    key = tuple(
        instants(record[name], name)
        for name in primary_keys(stream_of(stream))
        if name not in MADE_BY_THE_RUN
    )
    return key[0] if len(key) == 1 else key


def primary_keys(stream: Stream) -> tuple[str, ...]:
    return tuple(stream.primary_keys)


def sent_keys(stream: Stream) -> tuple[str, ...]:
    """Return the keys that the API gives each row of a stream."""
    return primary_keys(stream) if stream.row_keys is None else tuple(stream.row_keys)


def stream_of(name: str) -> Stream:
    return next(stream for stream in STREAMS if stream.name == name)


def instants(value: Any, name: str = "") -> Any:
    """Replace date-times by the instants that they mean, and drop what is made on the way."""
    if isinstance(value, dict):
        return {k: instants(v, k) for k, v in value.items() if k not in MADE_ON_THE_WAY}
    if isinstance(value, list):
        return [instants(item) for item in value]
    if isinstance(value, str) and name.endswith(DATES):
        return parse(OFFSET.sub(r"\1:\2", value)).astimezone(timezone.utc)
    return value


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def is_not_deleted(contact: Mapping[str, Any]) -> bool:
    return "deleted_at" not in contact


# The sandbox


YOUTH = FIRST_NEWSLETTER + timedelta(days=260)
"""When an account has sent some newsletters, of which one was sent again and one was removed."""


@cache
def _aged(size: int, now: datetime) -> bytes:
    return pickle.dumps(Account(size=size, now=now))


def grown(size: int) -> Account:
    """A new account of so many first contacts, as it is at the tests' present."""
    account: Account = pickle.loads(_aged(size, PRESENT))
    return account


def young(size: int) -> Account:
    """A new account of so many first contacts with few campaigns, which is read in less time."""
    account: Account = pickle.loads(_aged(size, YOUTH))
    account.now = PRESENT
    return account


def record_requests(sandbox: Sandbox) -> list[Any]:
    """Return a list of the requests that reach the sandbox's API; it grows as they come."""
    seen: list[Any] = []
    guard = sandbox._guard

    async def recording(request: Any, handler: Any) -> Any:
        if request.path.startswith("/v3/"):
            seen.append(request)
        return await guard(request, handler)

    sandbox._guard = recording  # type: ignore[method-assign]
    return seen


def every(nth: int, fault: Fault, path: str = "/v3/") -> Any:
    """Strike every n-th request to a path."""
    count = 0

    @web.middleware
    async def strike(request: web.Request, handler: Any) -> Any:
        nonlocal count
        if request.path.startswith(path):
            count += 1
            if count % nth == 0:
                return await fault(request, handler)
        return await handler(request)

    return strike


def answer(status: int, body: str, kind: str = "application/json") -> Fault:
    async def fault(request: web.Request, handler: Any) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    return fault


Change = Callable[[Any], Any]


def path_of(stream: Stream) -> str:
    return stream.path


def is_of(stream: Stream, path: str) -> bool:
    """Tell whether a request's path is that of a stream."""
    return bool(re.fullmatch("/v3" + re.sub(r"\{\w+\}", "[^/]+", path_of(stream)), path))


def spoil(stream: str, change: Change, *, every: int = 1) -> Any:
    """Change the body of every n-th response for a stream."""
    count = 0

    @web.middleware
    async def spoilt(request: web.Request, handler: Any) -> Any:
        nonlocal count
        response = await handler(request)
        if not is_of(stream_of(stream), request.path) or response.status not in SUCCESSES:
            return response
        count += 1
        if count % every:
            return response
        body = json.loads(response.body)
        changed = change(body)
        return web.json_response(body if changed is None else changed, status=response.status)

    return spoilt


ROW_IN = {"event_tracks": "default_track"}
"""Properties of responses that are the only row."""


def rows_in(stream: Stream, body: Any) -> list[Any]:
    """Return the rows of a response, which may be changed in place."""
    if name := ROW_IN.get(stream.name):
        return [body[name]]
    if stream.records_key:
        rows: list[Any] = body[stream.records_key]
        return rows
    return body if stream.is_array else [body]
