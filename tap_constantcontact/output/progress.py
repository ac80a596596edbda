"""Progress of a run: a bar on a terminal, log lines elsewhere, and a summary at the end."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

import pendulum
from singer_sdk.metrics import Metric
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from tap_constantcontact.output.figures import (
    Figure,
    Reading,
    counted,
    lasting,
    log_metric,
    table,
)

T = TypeVar("T")


class RunCounts(Protocol):
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
    """Shows people, on stderr, how far a run is; programs find the figures in fields of the lines.

    Attributes:
        interval: Minimum number of seconds between two progress lines.
        skipped: Number of parents that the API did not know.
        readings: What the reading of each stream took, in the order in which they were read.
    """

    interval = 30.0

    def __init__(self, counts: RunCounts, logger: logging.Logger) -> None:
        self.skipped = 0
        self._skipping = threading.Lock()
        self.readings: dict[str, Reading] = {}
        self._counts = counts
        self._logger = logger
        self._began = self._last_line = time.monotonic()

    def skip(self, parents: int = 1) -> None:
        """Count parents that the API does not know; may be called in any thread."""
        with self._skipping:
            self.skipped += parents

    @contextmanager
    def reading(self, stream: str) -> Iterator[Reading]:
        """Read a stream within this context, and log what it took; a terminal gets a table later.

        Yields:
            What the reading took, whose rows are to be counted.
        """
        reading = self.readings[stream] = Reading(stream)
        began, sent, throttled = time.monotonic(), self._counts.sent, self._counts.throttled
        try:
            yield reading
        finally:
            reading.seconds = round(time.monotonic() - began, 3)
            reading.requests = self._counts.sent - sent
            reading.throttled = self._counts.throttled - throttled
            level = logging.DEBUG if sys.stderr.isatty() else logging.INFO
            self._logger.log(level, "%s", reading, extra=self._figures | reading.fields)
            reading.log_metrics()

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
        reading = self.readings.get(stream, Reading(stream))
        if total is not None:
            reading.unit, reading.total = unit, total
        with (
            logging_redirect_tqdm() if live else nullcontext(),
            tqdm(total=total, desc=stream, unit=f" {unit}", disable=not live, leave=False) as bar,
        ):
            began = time.monotonic()
            done = 0
            for item in items:
                yield item
                done += size(item)
                if total is not None:
                    reading.done = done
                if live:
                    bar.set_postfix_str(self._spent(), refresh=False)
                    bar.update(size(item))
                elif time.monotonic() - self._last_line >= self.interval:
                    self._last_line = time.monotonic()
                    self._log_line(stream, unit, done, total, self._last_line - began)

    def _log_line(
        self, stream: str, unit: str, done: int, total: int | None, elapsed: float
    ) -> None:
        figures = {**self._figures, "stream_name": stream, "unit": unit, "done": done}
        if total is None:
            line = f"Read {done:,} {unit} so far; sent {self._spent()}."
        else:
            left = round((total - done) * elapsed / done)
            figures |= {"total": total, "seconds_left": left}
            time_left = pendulum.duration(seconds=left).in_words() if left else "no time"
            line = (
                f"Read {done:,} of {total:,} {unit} for {stream}; sent {self._spent()}; "
                f"{time_left} left."
            )
        self._logger.info("%s", line, extra=figures)

    def _spent(self) -> str:
        return (
            f"{counted(self._counts.sent, 'request')} at {self._counts.pace_reached:.1f} a second"
        )

    @property
    def _figures(self) -> dict[str, Any]:
        """The figures of the run so far, as fields of a line of the log."""
        return {
            "requests_so_far": self._counts.sent,
            "requests_per_second": round(self._counts.pace_reached, 2),
            "throttled_so_far": self._counts.throttled,
            "retried_so_far": self._counts.retried,
            "skipped_so_far": self.skipped,
            "left_today": self._counts.left_today,
        }

    def summarize(self) -> None:
        """Log what the run read and what it cost."""
        seconds = round(time.monotonic() - self._began, 3)
        readings = self.readings.values()
        rows = sum(reading.rows for reading in readings)
        if sys.stderr.isatty():
            shown = f"\n\n{table(readings)}\n"
        else:
            parts = (f"{reading.rows:,} of {reading.stream}" for reading in readings)
            shown = f" {', '.join(parts)}."
        self._logger.info(
            "Read %s of %s:%s",
            counted(rows, "row"),
            counted(len(readings), "stream"),
            shown,
            extra={"rows": rows, "streams": [*map(asdict, readings)]},
        )
        figures = {**self._figures, "rows": rows, "seconds": seconds}
        self._logger.info(
            "Sent %s in %s; throttled %s, retried %s, skipped %s; %s left today.",
            self._spent(),
            lasting(seconds),
            counted(self._counts.throttled, "time"),
            counted(self._counts.retried, "time"),
            counted(self.skipped, "unknown parent"),
            counted(figures["left_today"], "request"),
            extra=figures,
        )
        log_metric("timer", Metric.JOB_DURATION, seconds)
        log_metric("gauge", Figure.LEFT_TODAY, figures["left_today"])
