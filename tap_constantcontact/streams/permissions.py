"""The rights that streams need, with those of the streams that they rely on.

Assumption: `rights-are-those-documented`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tap_constantcontact.auth.permissions import Need
from tap_constantcontact.client import ConstantContactStream

Stream = ConstantContactStream | type[ConstantContactStream]


def needs_of(streams: Iterable[Stream]) -> list[Need]:
    """Return what each of these streams needs.

    A report needs the rights to list its parents as well, and a report that is built from campaigns
    those of the report that it completes.
    """
    needs = []
    for stream in streams:
        parts = [*_relied_on(stream)]
        scopes = frozenset(part.scope for part in parts if part.scope)
        privileges = frozenset(part.privilege for part in parts if part.privilege)
        needs.append(Need(stream.name, scopes, privileges))
    return needs


def _relied_on(stream: Stream) -> Iterator[Stream]:
    yield stream
    for other in stream.relies_on():
        yield from _relied_on(other)
