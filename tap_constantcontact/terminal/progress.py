"""Progress of a run: a bar on a terminal, log lines elsewhere, and a summary at the end."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Protocol, TypeVar

import pendulum
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

T = TypeVar("T")


class Counts(Protocol):
    """Counts of the requests and responses of a run so far."""

    throttled: int
    retried: int

    @property
    def sent(self) -> int:
        """Number of requests sent."""

    @property
    def pace_reached(self) -> float:
        """Average requests a second."""

    @property
    def left_today(self) -> int:
        """Number of requests left today, with all runs of the key counted."""


class Progress:
    """Shows people, on stderr, how far a run is.

    Args:
        counts: Counts of the run's requests and responses so far.
        logger: The logger for progress lines.

    Attributes:
        interval: Minimum number of seconds between two progress lines.
        skipped: Number of parents that the API did not know.
    """

    interval = 30.0

    def __init__(self, counts: Counts, logger: logging.Logger) -> None:
        self.skipped = 0
        self._counts = counts
        self._logger = logger
        self._last_line = time.monotonic()

    def track(
        self,
        stream: str,
        items: Iterable[T],
        unit: str,
        total: int | None = None,
        size: Callable[[T], int] = lambda _: 1,
    ) -> Iterator[T]:
        """Yield the items, and show how many units are done, of which an item may have several."""
        # Records printed on the same terminal would break up a bar.
        live = sys.stderr.isatty() and not sys.stdout.isatty()
        with (
            logging_redirect_tqdm() if live else nullcontext(),
            tqdm(total=total, desc=stream, unit=f" {unit}", disable=not live) as bar,
        ):
            began = time.monotonic()
            done = 0
            for item in items:
                yield item
                done += size(item)
                if live:
                    bar.set_postfix_str(f"{self._spent()}", refresh=False)
                    bar.update(size(item))
                elif time.monotonic() - self._last_line >= self.interval:
                    self._last_line = time.monotonic()
                    self._log_line(stream, unit, done, total, self._last_line - began)

    def _log_line(
        self, stream: str, unit: str, done: int, total: int | None, elapsed: float
    ) -> None:
        if total is None:
            self._logger.info("%s: %d %s, %s", stream, done, unit, self._spent())
            return
        left = pendulum.duration(seconds=round((total - done) * elapsed / done))
        self._logger.info(
            "%s: %d of %d %s, %s, %s left",
            stream,
            done,
            total,
            unit,
            self._spent(),
            left.in_words() if left else "no time",
        )

    def _spent(self) -> str:
        return f"{self._counts.sent} requests at {self._counts.pace_reached:.1f} a second"

    def summarize(self) -> None:
        """Log what the run cost."""
        self._logger.info(
            "Sent %s; throttled %d times, retried %d times, skipped %d unknown parents; "
            "%d requests left today",
            self._spent(),
            self._counts.throttled,
            self._counts.retried,
            self.skipped,
            self._counts.left_today,
        )
