"""Work side by side, results in order, and never more of them waiting than are wanted.

The threads are daemons: a run that ends does not wait for an answer that is not coming.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, in the order of the items.

    While one is handed on, work on the next `at_once` is under way or done, and on no other.

    Raises:
        Exception: What the work on an item raised, after all items before it.
    """
    pending: deque[tuple[T, AsyncResult[R]]] = deque()
    with ThreadPool(at_once) as pool:
        for item in items:
            pending.append((item, pool.apply_async(work, (item,))))
            if len(pending) > at_once:
                first, result = pending.popleft()
                yield first, result.get()
        for first, result in pending:
            yield first, result.get()


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
