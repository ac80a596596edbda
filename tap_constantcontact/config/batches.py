"""The setting `batch_config`: whether batch files are wanted, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tap_constantcontact.config.selection import Mask, Schema, path
from tap_constantcontact.exceptions import nearest

CHANGING_RECORDS = ("stream_maps", "stream_map_config", "faker_config", "flattening_enabled")
"""Settings with which the SDK changes records, but not those in batches (singer-sdk issue 1117)."""


def is_of_defaults(batch_config: Any) -> bool:
    """Return whether no encoding is set, not even a misspelt one, which means no batches.

    A runner may send such defaults. (Source: singer-sdk 0.55, which does the same; 0.54 fails.)
    """
    return isinstance(batch_config, dict) and not any(
        value for name, value in batch_config.items() if name not in ("storage", "batch_size")
    )


def batch_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each fault of the setting, and of what cannot be combined with it."""
    batches = config.get("batch_config")
    if not batches:
        return
    if beside := [name for name in CHANGING_RECORDS if config.get(name)]:
        yield (
            f"batch_config cannot be combined with {', '.join(beside)}, which batches pass over: "
            "leave batch_config or the others out"
        )
    encoding, storage = (batches.get(name) or {} for name in ("encoding", "storage"))
    for name, part, known in (  # (Source: `singer_sdk.helpers._batch`.)
        ("batch_config", batches, ("encoding", "storage", "batch_size")),
        ("batch_config.encoding", encoding, ("format", "compression")),
        ("batch_config.storage", storage, ("root", "prefix", "params")),
    ):
        for unknown in part.keys() - {*known}:
            yield f"{name} has no {unknown!r}{nearest(unknown, known)}"
    if encoding.get("format") != "jsonl":
        yield "batch_config.encoding needs the format jsonl: the tap writes no other files"
    if encoding.get("compression") == "none":
        yield "batch_config.encoding needs the compression gzip, as the files always have it"
    if not storage.get("root"):
        yield "batch_config.storage needs a root, such as file:///srv/constantcontact"
    if not isinstance(storage.get("params", {}), dict):
        yield "batch_config.storage.params must be an object"
    size = batches.get("batch_size")
    if size is not None and (type(size) is not int or size < 1):
        yield "batch_config.batch_size must be a whole number of at least 1"


def deselection_faults(selected: Mapping[str, tuple[Schema, Mask]]) -> Iterator[str]:
    """Yield a sentence for each stream of which batches would have deselected properties."""
    for stream, (schema, mask) in selected.items():
        names = [
            path(crumb)
            for crumb, is_selected in mask.items()
            if crumb and crumb[1] in schema["properties"] and not is_selected
        ]
        if names:
            yield (
                f"batch_config would write what is deselected of {stream} ({', '.join(names)}) to "
                "its files: select it, or leave batch_config out"
            )
