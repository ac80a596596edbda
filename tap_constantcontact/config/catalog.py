"""The check of a catalog before the first request.

A catalog is a user's, and often edited by hand: no misspelt name may let through what was meant to
be left out. What runners write beside the tap's own names is known. (Sources: the catalog of the
Singer specification; `singer_sdk.singerlib.CatalogEntry`; Meltano 4.4, which writes the metadata of
a stream into its entry too, with underscores.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from singer_sdk import singerlib
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_constantcontact.config.selection import STEP, Breadcrumb, Choice, Declared, Entry, path
from tap_constantcontact.exceptions import nearest, refused

IN_AN_ENTRY = (*Entry.__struct_fields__, "is_view", "database_name", "table_name", "row_count")

CHOOSING = ("selected", "selected-by-default", "inclusion")
"""Metadata that decides what is selected; a misspelt key is a fault, not a warning."""

IN_METADATA = (
    *CHOOSING,
    "database-name",
    "forced-replication-method",
    "is-view",
    "replication-key",
    "replication-method",
    "row-count",
    "schema-name",
    "sql-datatype",
    "table-key-properties",
    "valid-replication-keys",
    "view-key-properties",
)


class Catalog(msgspec.Struct):
    """A catalog, with the types of what is read of it."""

    streams: list[Entry]


def checked(
    catalog: Any, streams: Mapping[str, Declared], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Check a catalog, as JSON or the SDK's object, and return it with the metadata for the SDK.

    `warn` takes a sentence, without its end, about each part that has no effect.

    Raises:
        ConfigValidationError: With one sentence for each fault.
    """
    catalog = msgspec.to_builtins(
        catalog.to_dict() if isinstance(catalog, singerlib.Catalog) else catalog
    )
    try:
        entries = msgspec.convert(catalog, Catalog).streams
    except msgspec.ValidationError as error:
        raise refused(f"the catalog has another form than a Singer catalog ({error})") from error
    faults: list[str] = []
    choices: dict[str, Choice] = {}
    for entry, given in zip(entries, catalog["streams"], strict=True):
        name = entry.tap_stream_id
        if name not in streams:
            faults.append(f"the catalog has an unknown stream {name!r}{nearest(name, streams)}")
        elif name in choices:
            faults.append(f"the catalog has the stream {name} twice")
        else:
            choice = choices[name] = Choice(entry, given["schema"], streams[name])
            faults += (f"the catalog's {name}: {fault}" for fault in _faults(choice, given))
    if not faults and not any(choice.selected for choice in choices.values()):
        faults.append(
            "the catalog selects no stream: set selected to true in the metadata of each stream to "
            "read, in the part with an empty breadcrumb"
        )
    if faults:
        raise refused(*faults)
    for key in catalog.keys() - {"streams"}:
        warn(f"The catalog has a part {key!r}, which has no effect")
    for name, choice in choices.items():
        for text in _without_effect(choice) if choice.selected else ():
            warn(f"The catalog's {name}: {text}")
    pairs = zip(catalog["streams"], choices.values(), strict=True)
    return {"streams": [{**given, **choice.as_entry()} for given, choice in pairs]}


# Faults


def _faults(choice: Choice, given: Mapping[str, Any]) -> Iterator[str]:
    yield from _faults_of_the_entry(choice, given)
    yield from _faults_of_the_keys(choice)
    for crumb, schema in choice.in_entry.items():
        if schema.get("selected") is False:
            yield f"selected of {path(crumb)} is in the schema: set it in the metadata"
    unknown = (choice.unknown_part(crumb) for crumb in {**choice.in_entry, **choice.metadata})
    for crumb in dict.fromkeys(filter(None, unknown)):
        within = crumb[:-STEP]
        if "items" in crumb[len(within) :]:
            yield f"what is in {path(within)} is selected as a whole: select or deselect it"
        else:
            meant = nearest(crumb[-1], choice.names(within))
            yield f"there is no property {path(crumb) or crumb[0]!r}{meant}"
    for crumb in choice.lacking_items():
        yield (
            f"the schema lacks a part of what is in {path(crumb)}, which is selected as a whole: "
            "deselect it, or discover again"
        )
    for crumb in choice.metadata:
        yield from _faults_of_metadata(choice, crumb)


def _faults_of_the_entry(choice: Choice, given: Mapping[str, Any]) -> Iterator[str]:
    entry = choice.entry
    of_metadata = {key.replace("-", "_") for key in choice.root}
    for key in sorted(given.keys() - {*IN_AN_ENTRY, *of_metadata}):
        yield f"unknown key {key!r} in the entry{nearest(key, IN_AN_ENTRY)}"
    if {entry.stream, entry.stream_alias} - {None, entry.tap_stream_id}:
        yield (
            "`stream` or `stream_alias` differs from `tap_stream_id`: to rename a stream, set "
            "__alias__ in stream_maps"
        )
    if entry.selected not in (None, choice.selected):
        yield "selected of the entry contradicts the metadata: set it there"
    if len(choice.metadata) < len(entry.metadata):
        yield "the metadata has a breadcrumb twice"


def _faults_of_the_keys(choice: Choice) -> Iterator[str]:
    for key in choice.declared.keys:
        if ("properties", key) not in choice.in_entry:
            yield f"the schema lacks the key {key}: discover again"
    of_table = choice.root.get("table-key-properties")
    if not isinstance(of_table, (list, tuple, type(None))):
        yield "table-key-properties is not a list"
        return
    for key in choice.named_keys:
        crumb = ("properties", str(key))
        if crumb not in choice.known:
            yield f"there is no property {key!r} for a key{nearest(str(key), choice.names())}"
        elif choice.selected and choice.is_deselected(crumb):
            yield f"the key {key} is deselected"


def _faults_of_metadata(choice: Choice, crumb: Breadcrumb) -> Iterator[str]:
    metadata = choice.metadata[crumb]
    where = path(crumb) or "the stream"
    for key in ("selected", "selected-by-default"):
        if not isinstance(metadata.get(key), (bool, type(None))):
            yield f"{key} of {where} is neither true nor false"
    if metadata.get("inclusion") not in (None, "available", "automatic", "unsupported"):
        yield f"inclusion of {where} is neither available, automatic nor unsupported"
    for key in sorted(metadata.keys() - {*IN_METADATA}):
        if meant := nearest(key, CHOOSING):
            yield f"the metadata of {where} has an unknown {key!r}{meant}"


# What has no effect


def _without_effect(choice: Choice) -> Iterator[str]:
    yield from _replication_without_effect(choice)
    yield from _keys_without_effect(choice)
    for crumb, metadata in choice.metadata.items():
        for key in sorted(metadata.keys() - {*IN_METADATA}):
            yield f"metadata {key!r} of {path(crumb) or 'the stream'} has no effect"
    yield from _selected_in_vain(choice)


def _replication_without_effect(choice: Choice) -> Iterator[str]:
    key, method = choice.declared.replication_key, choice.method
    how = f"{method} by {key}" if method == REPLICATION_INCREMENTAL else method
    entry, root = choice.entry, choice.root
    for name, wanted, own in (
        ("replication_key", entry.replication_key, key),
        ("replication-key", root.get("replication-key"), key),
        ("replication_method", entry.replication_method, method),
        ("replication-method", root.get("replication-method"), method),
        ("forced-replication-method", root.get("forced-replication-method"), method),
    ):
        if wanted not in (None, own):
            yield f"{name} {wanted!r} has no effect: the stream is read {how}"


def _keys_without_effect(choice: Choice) -> Iterator[str]:
    own, named = [*choice.declared.keys], choice.entry.key_properties
    of_table = [*(choice.root.get("table-key-properties") or ())]
    if named == [] and not of_table:
        yield f"key_properties is empty, which has no effect: the key is {', '.join(own)}"
    if of_table and named and of_table not in (own, named):
        yield "table-key-properties has no effect beside key_properties"
    for crumb in sorted(choice.always_selected & choice.metadata.keys()):
        is_automatic = choice.metadata[crumb].get("inclusion") == "automatic"
        if not choice.chooses(crumb) and not is_automatic:
            yield f"{path(crumb)} is read although it is deselected: it cannot be left out"


def _selected_in_vain(choice: Choice) -> Iterator[str]:
    """Yield a sentence for each deselected object of which some, but not all, is selected.

    A runner's pattern such as `contacts.*` selects all of it.
    """
    within: dict[Breadcrumb, list[Breadcrumb]] = {}
    for crumb, metadata in choice.metadata.items():
        if len(crumb) > STEP and metadata.get("selected"):
            within.setdefault(crumb[:-STEP], []).append(crumb)
    for parent, crumbs in within.items():
        if choice.is_deselected(parent) and len(crumbs) < len(choice.names(parent)):
            names = ", ".join(map(path, crumbs))
            yield f"to select {names} has no effect, as {path(parent)} is deselected"
