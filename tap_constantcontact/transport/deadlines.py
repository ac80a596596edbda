"""A limit of time for whole responses, as a time-out only limits the silence between two bytes."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import DeadlineExceededError

WHOLE = 5
"""Number of time-outs that a whole response may take."""


class Response:
    """A response that is awaited.

    Attributes:
        is_late: Whether its deadline has passed, so that its socket was shut down.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.is_late = False
        self._socket = connected

    def give_up(self) -> None:
        """End the wait for more bytes, in whatever thread it is."""
        self.is_late = True
        with suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Deadlines:
    """Shuts down the sockets of responses that take too long.

    One thread watches them all. It begins with the first response and is a daemon.

    Args:
        seconds: Time from a request to the last byte of its response.
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
        """Send a request and read its response within, in this thread.

        Raises:
            DeadlineExceededError: The response was not whole in time.
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
        """Begin to wait for the response to a request that was sent through a socket."""
        response = self._mine.response = Response(connected)
        with self._changed:
            self._awaited[response] = self._clock.monotonic() + self.seconds
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, daemon=True)
                self._watcher.start()
            elif len(self._awaited) == 1:
                self._changed.notify()

    def _end(self) -> None:
        with self._changed:
            self._awaited.pop(self._mine.response, None)

    def _check(self) -> None:
        if self._mine.response and self._mine.response.is_late:
            raise DeadlineExceededError(
                f"a response was not whole after {self.seconds:g} seconds"
            ) from None

    def _watch(self) -> None:
        while True:
            with self._changed:
                # All have the same time, so the first that began is the first to be late.
                first, ends_at = next(iter(self._awaited.items()), (None, math.inf))
                left = ends_at - self._clock.monotonic()
                if first is None or left > 0:
                    self._clock.wait(self._changed, left if left < math.inf else None)
                    continue
                del self._awaited[first]
            first.give_up()
