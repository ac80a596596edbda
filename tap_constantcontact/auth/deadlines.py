"""Deadlines for whole responses, as a time-out only limits the silence between two bytes."""

from __future__ import annotations

import http.client
import io
import math
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from typing_extensions import override
from urllib3.connection import HTTPConnection

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import DeadlineExceededError


class TimedConnection(HTTPConnection):
    """A connection that gives up a response, headers included, that is not complete in time."""

    timeouts: ClassVar[float] = 2
    """Time that a whole response may take, as a multiple of the time-out."""

    clock: ClassVar[Clock] = SYSTEM

    def connect(self) -> None:
        """Connect; a proxy's response to that has a deadline, too."""
        self._start_deadline()
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, and start the deadline of its response."""
        super().request(*args, **kwargs)
        self._start_deadline()

    def _start_deadline(self) -> None:
        timeout = math.inf if self.timeout is None else float(self.timeout)
        reader = partial(_TimedReader, timeout, self.timeouts * timeout, self.clock)
        self.response_class = partial(_TimedResponse, reader)  # type: ignore[assignment]


class _TimedResponse(http.client.HTTPResponse):
    def __init__(
        self,
        reader: Callable[[socket.socket, Any], _TimedReader],
        connected: socket.socket,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(connected, *args, **kwargs)
        self.fp = io.BufferedReader(reader(connected, self.fp.detach()))


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a deadline.

    `timeout` is the seconds without a byte before a read fails, `seconds` those to the deadline.
    """

    def __init__(
        self, timeout: float, seconds: float, clock: Clock, connected: socket.socket, reader: Any
    ) -> None:
        super().__init__()
        self._timeout = timeout
        self._seconds = seconds
        self._clock = clock
        self._socket = connected
        self._reader = reader
        self._ends_at = clock.monotonic() + seconds

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        if (left := self._left()) < math.inf:
            self._socket.settimeout(min(self._timeout, left))
        try:
            read: int | None = self._reader.readinto(buffer)
        except TimeoutError:
            self._left()
            raise
        return read

    def _left(self) -> float:
        """Return the seconds that are left; raise if none are."""
        left = self._ends_at - self._clock.monotonic()
        if left <= 0:
            raise DeadlineExceededError(f"no whole answer within {self._seconds:g} seconds")
        return left

    @override
    def close(self) -> None:
        self._reader.close()
        super().close()
