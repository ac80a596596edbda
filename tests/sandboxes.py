"""Sandboxes of the tests, the accounts that they serve, and the requests that reach them."""

from __future__ import annotations

import asyncio
import pickle
import re
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from aiohttp import web

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import Stream

PRESENT = datetime(2026, 11, 10, 12, tzinfo=timezone.utc)
"""When tests take place that run the tap in this process."""

YOUTH = FIRST_NEWSLETTER + timedelta(days=260)
"""When an account has sent some newsletters, of which one was sent again and one was removed."""


@cache
def _pickled(size: int, now: datetime) -> bytes:
    return pickle.dumps(Account(size=size, now=now))


def account_of(size: int, *, young: bool = False) -> Account:
    """A new account of so many first contacts, as it is at the tests' present.

    One that is young has sent few campaigns, so that it is read in less time.
    """
    account: Account = pickle.loads(_pickled(size, YOUTH if young else PRESENT))
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


def path_of(stream: Stream) -> str:
    return stream.path


def is_request_for(stream: Stream, path: str) -> bool:
    """Tell whether a request's path is that of a stream."""
    return bool(re.fullmatch("/v3" + re.sub(r"\{\w+\}", "[^/]+", path_of(stream)), path))


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
