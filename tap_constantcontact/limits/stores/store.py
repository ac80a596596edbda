"""Where a ledger is kept.

pyrate-limiter has stores like these, but its records tell neither who waits, nor which account
sent what, nor when a request reached the server. So a store here does less: it runs one step on
the whole ledger, at the time of its own clock, so that no other run sees the ledger in between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.limits.ledger import Ledger

T = TypeVar("T")
Step = Callable[[Ledger, float], T]
"""Changes a ledger at a time, in seconds since the epoch; may be called again if it failed."""

STORE_PATIENCE = 5.0
"""Seconds to wait for a store before an attempt fails."""


class StoreError(Exception):
    """A store cannot be used; the message says why, without addresses and passwords."""


class Store(Protocol):
    """Keeps the ledger of a key.

    A class for each kind of store; `str` names it for messages, without secrets. A store of another
    machine takes its URL and the name of the ledger there. It raises an ImportError if its extra is
    not installed, and a StoreError, which shows nothing of the URL, if the URL is not valid.
    """

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, and keep the changed ledger, in one atomic step.

        Raises:
            StoreError: The store cannot be used.
        """


def stepped(content: bytes | str | None, step: Step[T], now: float) -> tuple[bytes, T]:
    """Run a step on the ledger that a store keeps as `content`; on a new one if it keeps none.

    Returns:
        What the store is to keep from then on, and the result of the step.

    Raises:
        StoreError: The content is not a ledger.
    """
    try:
        ledger = Ledger() if content is None else msgspec.json.decode(content, type=Ledger)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise StoreError("it contains something else than the requests of a key") from None
    result = step(ledger, now)
    return msgspec.json.encode(ledger), result


class UnlimitedStore:
    """Keeps nothing, so that every request is permitted: for the built-in sandbox."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __str__(self) -> str:
        return "no store"

    def change(self, step: Step[T]) -> T:
        """Run a step on a new ledger."""
        return step(Ledger(), self._clock.now())


class MemoryStore:
    """Keeps a ledger in this process; a new one if none is given."""

    def __init__(self, clock: Clock = SYSTEM, ledger: Ledger | None = None) -> None:
        self._ledger = ledger or Ledger()
        self._clock = clock
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return "this process"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger."""
        with self._lock:
            return step(self._ledger, self._clock.now())
