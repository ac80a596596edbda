"""What a run and each of its streams took: as sentences, as a table, as fields and as metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, cast

import pendulum
from singer_sdk import metrics
from singer_sdk.metrics import Metric, Point, Tag
from tabulate import tabulate

_MINUTE = 60


class Figure(str, Enum):
    """The metrics that the SDK has no name for."""

    THROTTLED = "http_throttled_count"
    PARENTS = "parent_count"
    LEFT_TODAY = "http_requests_left_today"


@dataclass
class Reading:
    """What the reading of a stream took.

    Attributes:
        requests: Number of requests, retries included.
        throttled: Number of requests that the API throttled.
        unit: What its parents are, in the plural; empty if it has none.
        done: Number of parents that were read.
        total: Number of parents that were to be read.
        anew: Whether its rows do without those of earlier runs.
        whole: Whether the stream was read to its end.

    Example:
        >>> str(Reading("contact_lists", rows=8, requests=2, seconds=0.125))
        'Read 8 rows of contact_lists with 2 requests in 0.12 seconds.'
        >>> str(Reading("email_opens", 200, 9, 0, 75.0, "campaigns", done=4, total=5))
        'Read 200 rows of email_opens from 4 of 5 campaigns with 9 requests in 1 minute 15 seconds.'
    """

    stream: str
    rows: int = 0
    requests: int = 0
    throttled: int = 0
    seconds: float = 0.0
    unit: str = ""
    done: int = 0
    total: int = 0
    anew: bool = False
    whole: bool = False

    def __str__(self) -> str:
        parents = f" from {self.parents}" if self.unit else ""
        return (
            f"Read {counted(self.rows, 'row')} of {self.stream}{parents} with "
            f"{counted(self.requests, 'request')} in {lasting(self.seconds)}."
        )

    @property
    def parents(self) -> str:
        """How many of its parents were read; empty if it has none."""
        return f"{self.done:,} of {self.total:,} {self.unit}" if self.unit else ""

    @property
    def fields(self) -> dict[str, Any]:
        """The figures as fields of a line of the log; the SDK's formatter knows `stream_name`."""
        figures = asdict(self)
        stream = figures.pop("stream")
        parents = () if self.unit else ("unit", "done", "total")
        return {
            "stream_name": stream,
            **{name: value for name, value in figures.items() if name not in parents},
        }

    def log_metrics(self) -> None:
        """Log what the SDK's own metrics of a stream do not tell."""
        log_metric("counter", Metric.HTTP_REQUEST_COUNT, self.requests, self.stream)
        if self.throttled:
            log_metric("counter", Figure.THROTTLED, self.throttled, self.stream)
        if self.unit:
            log_metric("counter", Figure.PARENTS, self.done, self.stream)


def log_metric(kind: str, metric: Metric | Figure, value: float, stream: str | None = None) -> None:
    """Log a metric of a stream, or of the whole run."""
    tags = {Tag.STREAM.value: stream} if stream else {}
    metrics.log(metrics.get_metrics_logger(), Point(kind, cast("Metric", metric), value, tags))


def table(readings: Iterable[Reading]) -> str:
    """Return a table of what was read, for a terminal."""
    return tabulate(
        [
            (
                reading.stream,
                f"{reading.rows:,}",
                f"{reading.requests:,}",
                lasting(reading.seconds),
                reading.parents,
            )
            for reading in readings
        ],
        headers=("stream", "rows", "requests", "time", "read from"),
        colalign=("left", "right", "right", "right", "left"),
        disable_numparse=True,
    )


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 row` or `1,200 rows`."""
    return f"{number:,} {what if number == 1 else what + 's'}"


def lasting(seconds: float) -> str:
    """Return a time that something took: `0.12 seconds` or `1 hour 2 minutes 3 seconds`."""
    if seconds < _MINUTE:
        return f"{seconds:.2f} seconds"
    return pendulum.duration(seconds=round(seconds)).in_words()
