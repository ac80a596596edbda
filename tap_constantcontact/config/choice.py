"""The streams that the setting `streams` names."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from singer_sdk import Stream
from singer_sdk.singerlib import Catalog

from tap_constantcontact.exceptions import nearest, refused


def chosen(patterns: Sequence[str], names: Collection[str]) -> set[str]:
    """Return the names that at least one pattern matches, as file names do on a command line.

    Raises:
        ConfigValidationError: A pattern matches none, or there is none.

    Example:
        >>> sorted(chosen(["contact_*s", "events"], ["contact_lists", "contact_tags", "events"]))
        ['contact_lists', 'contact_tags', 'events']
    """
    found: set[str] = set()
    faults = [] if patterns else ["streams is empty: name a stream in it, or leave it out"]
    for pattern in patterns:
        matching = {name for name in names if fnmatchcase(name, pattern)}
        found |= matching
        if not matching:
            faults.append(f"streams: there is no stream {pattern[:100]!r}{nearest(pattern, names)}")
    if faults:
        raise refused(*faults)
    return found


def choose(
    patterns: Sequence[str],
    streams: Mapping[str, Stream],
    catalog: Catalog | None,
    logger: logging.Logger,
) -> None:
    """Select the streams that the patterns match; with a catalog, those of them that it selects.

    Raises:
        ConfigValidationError: A pattern matches no stream, or the catalog selects none of them.
    """
    names = chosen(patterns, streams)
    for name, stream in streams.items():
        is_available = catalog is None or stream.selected
        stream.selected = is_available and name in names
        if name in patterns and not is_available:
            logger.warning(
                "The setting streams names %s, which the catalog does not select: it is not read",
                name,
            )
    if not any(stream.selected for stream in streams.values()):
        raise refused("the catalog selects none of the streams that the setting streams names")
