"""Clocks for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

from tap_constantcontact.clock import Clock


@dataclass
class PatientClock(Clock):
    """The machine's clock, on which pauses take no time and are written down.

    Attributes:
        slept: The seconds of each pause.
    """

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class StillClock(Clock):
    """A clock that a test moves; pauses and waits move it on, too.

    Attributes:
        at: The time that it shows.
    """

    at: float = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:  # noqa: ARG002
        assert seconds is not None
        self.at += seconds


@dataclass
class Wakeful(StillClock):
    """A clock on which a wait ends only when there is news.

    Attributes:
        waiting: Set once somebody waits.
        seconds: For how long they would wait at most.
    """

    waiting: threading.Event = field(default_factory=threading.Event)
    seconds: float | None = None

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        self.seconds = seconds
        self.waiting.set()
        condition.wait(60)


@dataclass
class FastClock(Clock):
    """A clock whose days pass in a second.

    Attributes:
        at: The time that it shows first.
    """

    at: float
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return self.at + (self.monotonic() - self.began) * 86_400

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        condition.wait(seconds and min(seconds, 0.05))


@contextmanager
def retries_wait_by(clock: Clock) -> Iterator[None]:
    """Let the library `backoff` wait by a clock within the context, as it accepts none."""
    with mock.patch("backoff._sync.time", SimpleNamespace(sleep=clock.sleep)):
        yield
