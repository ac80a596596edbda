"""Catalogs in which some streams are selected."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def select(catalog: dict[str, Any], streams: Collection[str]) -> None:
    """Select these streams of a catalog, and no others."""
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams


def read_whole(catalog: dict[str, Any], name: str) -> None:
    """Replicate a stream of a catalog as a full table."""
    for stream in catalog["streams"]:
        if stream["tap_stream_id"] == name:
            stream["replication_method"] = "FULL_TABLE"
