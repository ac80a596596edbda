"""The machine's clocks, in one object that tests can replace."""

from __future__ import annotations

import threading
import time

SECONDS_A_DAY = 86_400


class Clock:
    """Tells the time and waits.

    Code that depends on time takes a clock as an argument, so that a test can control the time.
    """

    def now(self) -> float:
        """Return the seconds since the epoch, by a clock that may be adjusted."""
        return time.time()

    def monotonic(self) -> float:
        """Return the seconds of a clock that only runs forward; where it starts is arbitrary."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until a condition is notified, for at most `seconds` seconds if given."""
        condition.wait(None if seconds is None else min(seconds, threading.TIMEOUT_MAX))


SYSTEM = Clock()
