"""The streams as parameters of tests, and what tests ask of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.windows import ReportDateSettings
from tap_constantcontact.reading.batched import BatchedReport
from tap_constantcontact.reading.parents import ParentType
from tap_constantcontact.reading.report import Report
from tap_constantcontact.reading.rows import Events
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contact_reports import (
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)

Stream = type[ConstantContactStream]

NAMES = tuple(stream.name for stream in STREAMS)
SUMMARY = ContactActionSummaryStream.name
DETAILS = ContactActivityDetailsStream.name
CONTACT_REPORTS = tuple(
    stream.name
    for stream in STREAMS
    if issubclass(stream, Report) and stream.date_settings is ReportDateSettings
)
INCREMENTAL = tuple(stream for stream in STREAMS if stream.replication_key)

ONE_OF_EACH_KIND = {
    *CONTACT_REPORTS,
    *{
        (
            stream.__bases__[0],
            *(
                type(getattr(stream, answer, None))
                for answer in ("visits", "requests", "rows")
                if issubclass(stream, Report)
            ),
            stream.is_array,
            bool(stream.records_key),
        ): stream.name
        for stream in STREAMS
    }.values(),
}
"""A stream of each way of reading, for tests that would take too long with all streams."""


def partly_slow(quick: Iterable[Any], slow: Iterable[Any]) -> list[Any]:
    """Return parameters of a test, of which it takes some only with `-m slow`."""
    values = (one if isinstance(one, tuple) else (one,) for one in slow)
    return [*quick, *(pytest.param(*value, marks=pytest.mark.slow) for value in values)]


def one_of_each_kind_first(streams: Iterable[Stream]) -> list[Any]:
    """Return streams as parameters of a test, which takes one of each shape without `-m slow`."""
    return [
        pytest.param(
            stream,
            id=stream.name,
            marks=() if stream.name in ONE_OF_EACH_KIND else pytest.mark.slow,
        )
        for stream in streams
    ]


def has_events(stream: Stream) -> bool:
    """Tell whether the rows of a stream are events, which have no keys of their own."""
    return issubclass(stream, Report) and isinstance(stream.rows, Events)


def parents_of(stream: Stream) -> ParentType | None:
    """Return the type of the parents that a report is about."""
    if issubclass(stream, Report):
        return stream.visits.parents
    return stream.parents if issubclass(stream, BatchedReport) else None


def named(stream: Stream) -> str:
    """Name a test by the stream that it is about."""
    return stream.name


def primary_keys(stream: Stream) -> tuple[str, ...]:
    return tuple(stream.primary_keys)


def sent_keys(stream: Stream) -> tuple[str, ...]:
    """Return the keys that the API gives each row of a stream."""
    return primary_keys(stream) if stream.row_keys is None else tuple(stream.row_keys)


def stream_of(name: str) -> Stream:
    return next(stream for stream in STREAMS if stream.name == name)
