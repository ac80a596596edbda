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
