"""The machine's clocks, as one thing that can be replaced."""

from __future__ import annotations

import threading
import time


class Clock:
    """Tells the time and waits.

    Everything that depends on time gets it from one of these, so that a test can have time of its
    own.
    """

    def now(self) -> float:
        """Return the seconds since the epoch, by a clock that may be set."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds by a clock that only runs forward; their zero has no meaning."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until a condition is notified, or for some seconds at most."""
        condition.wait(seconds)


SYSTEM = Clock()
