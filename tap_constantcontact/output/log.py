"""Which lines of the log are worth reading: for a person, and for a program that reads JSON.

The SDK logs each step of its own at INFO, and its metrics as lines of JSON, which Singer calls
METRIC lines. A program asks for JSON by the SDK's own way: with a logging configuration, named by
SINGER_SDK_LOG_CONFIG, whose formatter is `singer_sdk.logging.StructuredFormatter`. Meltano does so.
"""

from __future__ import annotations

import logging
from pathlib import Path

import singer_sdk
from singer_sdk.logging import StructuredFormatter
from singer_sdk.metrics import METRICS_LOGGER_NAME, Point, Tag

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
        is_json = isinstance(handler.formatter, StructuredFormatter)
        handler.addFilter(is_for_programs if is_json else is_for_people)


def is_for_people(record: logging.LogRecord) -> bool:
    """Return whether a line tells more than a step or a metric of the SDK."""
    return record.levelno > logging.INFO or not record.pathname.startswith(SDK)


def is_for_programs(record: logging.LogRecord) -> bool:
    """Return whether a line tells more than a step of the SDK."""
    return record.name == METRICS_LOGGER_NAME or is_for_people(record)


def is_of_more_than_a_request(record: logging.LogRecord) -> bool:
    """Return whether a metric is of a whole stream: the SDK's metrics of requests are too many."""
    point = record.args[0] if isinstance(record.args, tuple) and record.args else None
    return not (isinstance(point, Point) and Tag.ENDPOINT in point.tags)
