"""Work side by side, results in order, and never more of them waiting than are wanted.

The threads are daemons: a run that ends does not wait for a response that is not coming.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import islice
from multiprocessing.pool import ThreadPool
from queue import SimpleQueue
from typing import Any, TypeVar

from tap_constantcontact.transport.turns import Turns

T = TypeVar("T")
R = TypeVar("R")

MOST = 64
"""Number of requests in flight at most, as each keeps a thread, a socket and a result in memory."""

AT_FIRST = 8
"""Number of requests in flight as long as no response has come."""

RECENT = 50
"""Number of responses whose slowest counts."""

HEADROOM = 1.25
"""Share by which more are in flight than the slowest response asks for: some work takes two."""

FASTEST = 100
"""Requests a second beyond which not the key's pace but this process is the limit."""


class Concurrency:
    """How many requests must be in flight for a pace to be reached.

    That is pace times latency (Little's law). The slowest of the recent responses counts, as
    results are handed on in order and the quick ones wait for the slow.

    Args:
        pace: Requests a second.
        most: Upper bound, or None for `MOST`.

    Example:
        >>> concurrency = Concurrency(pace=20)
        >>> concurrency.note(latency=1.5)
        >>> concurrency.wanted
        40
    """

    def __init__(self, pace: float, most: int | None = None) -> None:
        self.most = min(most or MOST, MOST)
        self._pace = min(pace, FASTEST)
        self._latencies: deque[float] = deque(maxlen=RECENT)

    def note(self, latency: float) -> None:
        """Note the seconds that a response took."""
        self._latencies.append(latency)

    @property
    def wanted(self) -> int:
        """Number of requests to have in flight."""
        if not self._latencies:
            return min(AT_FIRST, self.most)
        slowest = max(tuple(self._latencies))
        return min(math.ceil(HEADROOM * self._pace * slowest) + 2, self.most)


def in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    turns: Turns,
    ahead: Callable[[], int],
    most: int,
) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, in the order of the items.

    Args:
        work: What is done with an item, in a thread.
        items: The items.
        turns: The order in which the work may send its requests.
        ahead: Tells how many of the following items may be under way or done while one is handed
            on; 0 for one item at a time.
        most: Number of threads, at most.

    Raises:
        Exception: What the work on an item raised, after all items before it.
    """
    pending: deque[tuple[T, int, Future[R]]] = deque()
    workers = Workers()
    try:
        for item in items:
            number = turns.take()
            if workers.number < min(len(pending) + 1, most):
                workers.add()
            pending.append(
                (item, number, workers.do(partial(_numbered, work, item, turns, number)))
            )
            while len(pending) > ahead():
                first, _, result = pending.popleft()
                yield first, result.result()
        while pending:
            first, _, result = pending.popleft()
            yield first, result.result()
    finally:
        turns.leave(number for _, number, _ in pending)
        workers.dismiss()


def _numbered(work: Callable[[T], R], item: T, turns: Turns, number: int) -> R:
    with turns.work(number):
        return work(item)


class Workers:
    """Daemon threads that are started as they are needed.

    Attributes:
        number: Number of threads.
    """

    def __init__(self) -> None:
        self.number = 0
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def add(self) -> None:
        """Start one more thread."""
        self.number += 1
        threading.Thread(target=self._work, daemon=True).start()

    def do(self, task: Callable[[], R]) -> Future[R]:
        """Have a task done by the next free thread, in the order of the calls."""
        future: Future[R] = Future()
        self._tasks.put((future, task))
        return future

    def dismiss(self) -> None:
        """End the threads as they become free."""
        for _ in range(self.number):
            self._tasks.put(None)

    def _work(self) -> None:
        while (given := self._tasks.get()) is not None:
            future, task = given
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - raised where the result is read
                future.set_exception(error)


def read_ahead(items: Iterator[T], size: int) -> Iterator[T]:
    """Yield items while so many that follow are fetched.

    Raises:
        Exception: What fetching raised, after all items before it.
    """
    failure: list[Exception] = []

    def fetch() -> list[T]:
        fetched: list[T] = []
        try:
            for item in islice(items, size):
                fetched.append(item)  # noqa: PERF402 - those before a failure are kept
        except Exception as error:  # noqa: BLE001 - raised again where the items are read
            failure.append(error)
        return fetched

    with ThreadPool(1) as pool:
        pending = pool.apply_async(fetch)
        while chunk := pending.get():
            pending = pool.apply_async(fetch)
            yield from chunk
    for error in failure:
        raise error
