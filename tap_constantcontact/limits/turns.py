"""The order in which concurrent work may send its requests."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import AbandonedError

FIRST = -1
"""Stands for the number of a thread that has none."""


class Turns:
    """Lets work send a request only if no earlier work is about to send one.

    Work is numbered in the order in which its results are needed. While work waits for a response
    or before a retry, later work may go ahead. A thread without a number goes first.

    At 4 requests a second that take 1.5 seconds, 6 answers instead of 9 then wait for an earlier
    one. A day that the API ends early finishes more work, and spends fewer requests on the rest.

    Attributes:
        changed: Guards the turns. It is notified when a day opens or the run ends; threads that
            wait for their turn are woken by `wake_next`.

    Example:
        >>> turns = Turns()
        >>> first, second = turns.take(), turns.take()
        >>> with turns.work(second):
        ...     turns.is_mine()
        False
        >>> turns.leave([first])
        >>> third = turns.take()
        >>> with turns.work(third):
        ...     turns.is_mine()
        True
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        self._waiting: dict[threading.Condition, int] = {}
        self._numbers = itertools.count()
        self._at_work: set[int] = set()
        self._ready: set[int] = set()
        self._mine = threading.local()

    def take(self) -> int:
        """Return the next number."""
        with self.changed:
            number = next(self._numbers)
            self._at_work.add(number)
            self._ready.add(number)
            return number

    @contextmanager
    def work(self, number: int) -> Iterator[None]:
        """Do numbered work in this thread."""
        self._mine.number = number
        try:
            yield
        finally:
            del self._mine.number
            self.leave([number])

    def leave(self, numbers: Iterable[int]) -> None:
        """End or abandon work, which then sends no more requests."""
        with self.changed:
            self._at_work.difference_update(numbers := set(numbers))
            self._ready -= numbers
            self.wake_next()

    def step_aside(self) -> None:
        """Let later work go ahead while this thread's work waits."""
        with self.changed:
            if self._number in self._ready:
                self._ready.remove(self._number)
                self.wake_next()

    def come_back(self) -> None:
        """Take this thread's place again, unless its work was abandoned (`AbandonedError`)."""
        with self.changed:
            if self._number is not None:
                self._check()
                self._ready.add(self._number)

    def is_mine(self) -> bool:
        """Return whether this thread's work may send now, unless abandoned (`AbandonedError`)."""
        if self._number is None:
            return True
        self._check()
        return self._number <= min(self._ready)

    def wait(self, clock: Clock, seconds: float | None) -> None:
        """Wait until this thread's turn may have come, for at most `seconds` seconds if given.

        The caller holds the lock of `changed`.
        """
        mine = threading.Condition(self._lock)
        self._waiting[mine] = FIRST if self._number is None else self._number
        try:
            clock.wait(mine, seconds)
        finally:
            del self._waiting[mine]

    def wake_next(self) -> bool:
        """Wake the threads whose turn may have come, and return whether there are any."""
        with self.changed:
            first = min(self._ready, default=FIRST)
            due = [
                waiting
                for waiting, number in self._waiting.items()
                if number <= first or number not in self._at_work
            ]
            for waiting in due:
                waiting.notify()
            return bool(due)

    def _check(self) -> None:
        if self._number not in self._at_work:
            raise AbandonedError

    @property
    def _number(self) -> int | None:
        return getattr(self._mine, "number", None)
