"""Deadlines for whole responses, as a time-out only limits the silence between two bytes."""

from __future__ import annotations

import itertools
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import ReferenceType, ref

import requests

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import DeadlineExceededError

LOOK = 5.0
"""Longest pause between two checks of the deadlines, in seconds."""

WHOLE = 5
"""Time that a whole response may take, as a multiple of the time-out."""


class Response:
    """A response that a thread is waiting for.

    Attributes:
        is_late: Whether its deadline has passed and its socket was shut down.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.is_late = False
        self._socket = connected

    def give_up(self) -> None:
        """Shut down the socket, which ends the wait in the other thread."""
        self.is_late = True
        with suppress(OSError):  # closed in the meantime
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Deadlines:
    """Shuts down the sockets of responses that take too long.

    One daemon thread watches all responses. It starts with the first one.

    Args:
        seconds: Maximum time from a request to the last byte of its response.
        clock: Tells the time and waits.
    """

    def __init__(self, seconds: float, clock: Clock = SYSTEM) -> None:
        self.seconds = seconds
        self._clock = clock
        self._awaited: dict[Response, float] = {}
        self._changed = threading.Condition()
        self._watcher: threading.Thread | None = None
        self._mine = threading.local()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Send a request and read its response within this context, in this thread.

        Raises:
            DeadlineExceededError: The response was not complete in time.
        """
        self._mine.response = None
        try:
            yield
        except requests.RequestException:
            self._check()
            raise
        finally:
            self._end()
        self._check()

    def begin(self, connected: socket.socket) -> None:
        """Start the deadline of the response to a request that was just sent through a socket."""
        response = self._mine.response = Response(connected)
        with self._changed:
            self._awaited[response] = self._clock.monotonic() + self.seconds
            if self._watcher is None:
                self._watcher = threading.Thread(
                    target=_watch, args=(ref(self), self._changed, self._clock), daemon=True
                )
                self._watcher.start()

    def _end(self) -> None:
        with self._changed:
            self._awaited.pop(self._mine.response, None)

    def _check(self) -> None:
        if self._mine.response and self._mine.response.is_late:
            raise DeadlineExceededError(
                f"a response was not complete after {self.seconds:g} seconds"
            ) from None

    def give_up_late(self) -> float:
        """Give up the responses that are late; return the seconds until the next check."""
        with self._changed:
            now = self._clock.monotonic()
            # All have the same time limit, so the first to start is the first to be late.
            late = [*itertools.takewhile(lambda one: self._awaited[one] <= now, self._awaited)]
            for response in late:
                del self._awaited[response]
            first = next(iter(self._awaited.values()), math.inf)
        for response in late:
            response.give_up()
        return min(first - now, self.seconds / WHOLE, LOOK)


def _watch(watched: ReferenceType[Deadlines], changed: threading.Condition, clock: Clock) -> None:
    """Watch deadlines as long as anybody keeps them."""
    while (deadlines := watched()) is not None:
        pause = deadlines.give_up_late()
        del deadlines
        with changed:
            clock.wait(changed, pause)
