"""RECORD messages of one stream, without the SDK's work on each record.

Most of that work is to check what is valid in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import msgspec
from singer_sdk import Stream
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.metrics import Counter

from tap_constantcontact.clock import Clock
from tap_constantcontact.output.figures import Reading
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.records.selection import Selection

COUNTED = 1000
"""Number of records after which the SDK's metric is told of them."""


def is_plain(stream: Stream) -> bool:
    """Return whether stream maps, flattening and batches leave the records as they are."""
    is_same = all(isinstance(found, SameRecordTransform) for found in stream.stream_maps)
    is_flat = stream.config.get("flattening_enabled", False)
    return is_same and not is_flat and stream.get_batch_config(stream.config) is None


class RecordLines:
    """Writes the selected properties of records, which are valid, as RECORD messages.

    All records of a block have the `time_extracted` of its first; those of a full table have its
    version. 60,000 contacts take 30 % less processor time than through the SDK's own writer.
    """

    def __init__(
        self, stream: Stream, writer: WholeLineWriter, version: int | None, clock: Clock
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._encode = msgspec.json.Encoder().encode
        self._start = b'{"type":"RECORD","stream":%s,"record":' % self._encode(stream.name)
        self._version = b"" if version is None else b',"version":%d' % version
        self._clock = clock

    def write(
        self, records: Iterable[Mapping[str, Any]], reading: Reading, counter: Counter
    ) -> None:
        """Write each record as one line, also those before an error of their reading."""
        select = Selection(self._stream.schema, self._stream.mask)
        end = b""
        try:
            for record in map(select, records) if select else records:
                if self._writer.has_written_all:
                    end = self._end()
                self._writer.write_line(self._start + self._encode(record) + end)
                reading.rows += 1
                if reading.rows % COUNTED == 0:
                    counter.increment(COUNTED)
        finally:
            self._writer.write_block()
            counter.increment(reading.rows % COUNTED)
            self._stream.state_manager.is_flushed = not reading.rows

    def _end(self) -> bytes:
        now = datetime.fromtimestamp(self._clock.now(), timezone.utc)
        return b'%s,"time_extracted":%s}\n' % (self._version, self._encode(now.isoformat()))
