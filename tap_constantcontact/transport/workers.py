"""Concurrent work whose results are returned in order, with a limit on how far it runs ahead.

The threads are daemons, so that a run that ends does not wait for a response that never comes.
"""

from __future__ import annotations

import math
import statistics
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from tap_constantcontact.limits.turns import Turns

WAIT_ANEW = 0.5
"""Seconds after which a wait for a result is begun anew.

A signal that arrives just before a wait, or in another thread, does not end that wait, and Python
handles signals between waits alone.
"""

T = TypeVar("T")
R = TypeVar("R")

MOST = 64
"""Maximum number of requests in flight: each takes a thread, a socket and memory for its result."""

FIRST_IN_FLIGHT = 8
"""Number of requests in flight before the first response has arrived."""

RECENT = 50
"""Number of recent responses of which the slowest decides how many requests are in flight."""

HEADROOM = 1.25
"""Factor on the number of requests in flight, because some work takes two requests."""

UNHURRIED = 0.5
"""Share of the time that requests sent one after another may take for one to be enough ahead."""

FASTEST = 100
"""Requests a second that this process can send at most, whatever the key's pace."""


class Concurrency:
    """Computes how many requests must be in flight to reach a pace.

    That number is pace times latency (Little's law). The latency is that of the slowest recent
    response, because results are returned in order, so that quick responses wait for slow ones.

    `pace` is in requests a second. At most `most` are in flight; None stands for `MOST`.

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
    def chains(self) -> int:
        """Number of requests to have in flight if results may be used in any order."""
        if not self._latencies:
            return 1
        usual = statistics.median(tuple(self._latencies))
        return min(max(1, math.ceil(HEADROOM * self._pace * usual)), self.most)

    @property
    def wanted(self) -> int:
        """Number of requests to have in flight besides the next one, whose result is needed."""
        if not self._latencies:
            return min(FIRST_IN_FLIGHT, self.most)
        slowest = max(tuple(self._latencies))
        if self._pace * slowest < UNHURRIED:
            return 1
        return min(math.ceil(HEADROOM * self._pace * slowest) + 2, self.most)


def in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    turns: Turns,
    ahead: Callable[[], int],
    most: int,
) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, in the order of the items.

    While an item is being yielded, at most `ahead()` of the following ones may be in progress or
    done. The work is done in at most `most` threads, one for each of these items: work may wait for
    other work that has a later number.

    What the work on an item raises is raised after the items before it were yielded.
    """
    pending: deque[tuple[T, int, Future[R]]] = deque()
    workers = Workers()
    try:
        for item in items:
            number = turns.take()
            if workers.number == len(pending):
                workers.add()
            pending.append(
                (item, number, workers.do(partial(_numbered, work, item, turns, number)))
            )
            while len(pending) > min(ahead(), most - 1):
                first, _, result = pending.popleft()
                yield first, result_of(result)
        while pending:
            first, _, result = pending.popleft()
            yield first, result_of(result)
    finally:
        turns.leave(number for _, number, _ in pending)
        workers.dismiss()


def result_of(future: Future[R]) -> R:
    """Wait for a result, or what the work raised, and handle signals meanwhile."""
    while not future.done():
        wait([future], WAIT_ANEW)
    return future.result()


def _numbered(work: Callable[[T], R], item: T, turns: Turns, number: int) -> R:
    with turns.work(number):
        return work(item)


class Workers:
    """A pool of daemon threads, each started when it is needed."""

    def __init__(self) -> None:
        self.number = 0
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def add(self) -> None:
        """Start one more thread."""
        self.number += 1
        threading.Thread(target=self._work, daemon=True).start()

    def do(self, task: Callable[[], R]) -> Future[R]:
        """Queue a task for the next free thread; tasks start in the order of the calls."""
        future: Future[R] = Future()
        self._tasks.put((future, task))
        return future

    def dismiss(self) -> None:
        """End each thread as soon as it is free."""
        for _ in range(self.number):
            self._tasks.put(None)

    def _work(self) -> None:
        while (given := self._tasks.get()) is not None:
            future, task = given
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - raised where the result is read
                future.set_exception(error)


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items while the next one, or what its fetching raises, is being fetched in a thread."""
    worker = Workers()
    worker.add()
    try:
        pending = worker.do(lambda: next(items, None))
        while (item := result_of(pending)) is not None:
            pending = worker.do(lambda: next(items, None))
            yield item
    finally:
        worker.dismiss()
