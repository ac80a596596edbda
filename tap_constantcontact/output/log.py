"""Which lines of the log are worth reading.

The SDK logs each step of its own at INFO, and its metrics as lines of JSON, which Singer calls
METRIC lines. The sentence on each stream has the same figures, as fields of a log in JSON as well.
Meltano shows a METRIC line without the stream that it is of.
"""

from __future__ import annotations

import logging
from pathlib import Path

import singer_sdk
from singer_sdk.metrics import Point, Tag

SDK = str(Path(singer_sdk.__file__).parent)


def leave_out_noise(root: logging.Logger) -> None:
    """Leave out of a log what its reader has no use for, unless its level is that for debugging.

    Handlers of other loggers get every line: a configuration can send the metrics anywhere.
    """
    if root.isEnabledFor(logging.DEBUG):
        return
    # It warns of a malformed header with a traceback, and the address, which may identify a person.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for handler in root.handlers:
        handler.addFilter(is_worth_reading)


def is_worth_reading(record: logging.LogRecord) -> bool:
    """Return whether a line tells more than a step or a metric of the SDK."""
    return record.levelno > logging.INFO or not record.pathname.startswith(SDK)


def is_of_more_than_a_request(record: logging.LogRecord) -> bool:
    """Return whether a metric is of a whole stream: the SDK's metrics of requests are too many."""
    point = record.args[0] if isinstance(record.args, tuple) and record.args else None
    return not (isinstance(point, Point) and Tag.ENDPOINT in point.tags)
