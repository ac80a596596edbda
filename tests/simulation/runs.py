"""Runs of the tap, day after day, on a simulated clock and without a network.

All of the tap runs as it is. In place of the socket, an account computes each response, in no time.
The requests that a page stands for beside its own are counted in the key's ledger, and take their
time on the clock. If the day has no room for all of them, the API says that its quota is used up.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from unittest import mock

import pendulum
import time_machine
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from tap_constantcontact.clock import SECONDS_A_DAY as DAY
from tap_constantcontact.limits.stores.store import MemoryStore
from tap_constantcontact.reading import new_events
from tap_constantcontact.tap import TapConstantContact
from tap_constantcontact.transport import session
from tests.clocks import StillClock
from tests.simulation.account import BEGAN, REQUESTS, SimulatedApi

SUMMARY, DETAILS = "contact_action_summary", "contact_activity_details"
STREAMS = ("contacts", SUMMARY, DETAILS)


@dataclass(frozen=True)
class Day:
    """What the run of a day left.

    Attributes:
        requests: How many it sent.
        behind: Days since the instant of each stream's bookmark; None without one.
        state: Size of the state in bytes.
    """

    requests: int
    behind: dict[str, float | None]
    state: int


class SimulatedClock(StillClock):
    """A clock on which only the waits for another thread take time."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            condition.wait(60)
        else:
            super().wait(condition, seconds)


def days_of(api: SimulatedApi, days: int, **settings: Any) -> Iterator[Day]:
    """Run the tap once a day, each time with the state that the last run left."""
    clock = SimulatedClock(at=BEGAN)
    config = {
        "access_token": "t",
        "api_url": "http://127.0.0.1:1/v3",
        "streams": [*STREAMS],
        "max_concurrent_requests": 1,
        **settings,
    }
    store = MemoryStore(clock)
    remembered = max(1, new_events.MOST_REMEMBERED // api.weight)
    state: dict[str, Any] = {}
    with (
        replaced_socket(api, clock),
        mock.patch.object(session, "store_for", return_value=store),
        mock.patch.object(new_events, "MOST_REMEMBERED", remembered),
    ):
        for day in range(days):
            clock.at = max(clock.at, BEGAN + day * DAY)
            with (
                time_machine.travel(clock.at, tick=False),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                tap = TapConstantContact(config=config, state=state, clock=clock)
                tap.sync_all()
            state = json.loads(json.dumps(tap.state))
            yield Day(
                tap.run.connection.sent,
                {name: behind(state, name, clock.at) for name in STREAMS},
                len(json.dumps(state)),
            )


def behind(state: dict[str, Any], stream: str, now: float) -> float | None:
    """Return the age of a stream's bookmark in days; the newer one if it has two."""
    marks = [
        bookmark["replication_key_value"]
        for name, bookmark in state["bookmarks"].items()
        if name.startswith(stream) and bookmark.get("replication_key_value")
    ]
    instants = [cast("pendulum.DateTime", pendulum.parse(mark)).timestamp() for mark in marks]
    return (now - max(instants)) / DAY if instants else None


@contextlib.contextmanager
def replaced_socket(api: SimulatedApi, clock: StillClock) -> Iterator[None]:
    """Let an account answer the requests that are written to a socket within the context."""

    class Socketless(HTTPConnection):
        def request(self, method: str, url: str, *_: Any, **__: Any) -> None:  # noqa: ARG002
            self._url = url

        def getresponse(self) -> HTTPResponse:  # type: ignore[override]
            body = api.body(self._url, clock.at)
            more = body.pop(REQUESTS, 1) - 1
            connection = cast("session.LimitedConnection", self).api
            if more > connection.permits.left_today:
                return response(429, {"error_key": "quota_exceeded"})
            if more:
                stand_for(connection, more, clock)
            return response(200, body)

    with mock.patch.object(HTTPConnectionPool, "ConnectionCls", Socketless):
        yield


def response(status: int, body: dict[str, Any]) -> HTTPResponse:
    """Return a response as urllib3 reads it from a socket."""
    content = io.BytesIO(json.dumps(body).encode())
    return HTTPResponse(content, status=status, preload_content=False)


def stand_for(connection: session.Connection, requests: int, clock: StillClock) -> None:
    """Count requests that are not sent as the product counts those that are."""
    permits = connection.permits
    permits._store.change(
        lambda ledger, now: ledger.count(requests, connection._client(), permits.limits, now)
    )
    permits.look()
    connection.quota.spent += requests
    clock.at += requests / permits.limits.rate


def quiet() -> None:
    """Log nothing."""
    logging.disable(logging.CRITICAL)
