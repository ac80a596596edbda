"""Load Constant Contact with dlt: each later run brings what is new, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from tap_constantcontact import read
from tap_constantcontact.streams import DECLARED


def rows(stream: str, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records of a stream from where dlt's state says that the last run stopped."""
    yield from read(stream, settings, dlt.current.resource_state())


@dlt.source
def constantcontact(streams: Sequence[str], settings: Mapping[str, Any]) -> Iterator[DltResource]:
    """Yield a resource for each stream, which merges rows under the stream's keys."""
    for stream in streams:
        key = [*DECLARED[stream].keys]
        resource = dlt.resource(rows, name=stream, primary_key=key, write_disposition="merge")
        yield resource(stream, settings)


if __name__ == "__main__":
    pipeline = dlt.pipeline("constantcontact", destination="duckdb", dataset_name="marketing")
    loaded = pipeline.run(constantcontact(["contacts", "contact_lists"], {"sandbox": True}))
    print(loaded)  # noqa: T201 - for the person who ran it
