"""Where values stand in a recorded answer: in its path, its query, its headers and its body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from tap_constantcontact.commands.record.vocabulary import (
    FIXED,
    KNOWN_NAMES,
    PATHS,
    RECORDED_HEADERS,
    SIZES,
)

_API_LINK = re.compile(r"/v3/[^\s#]*")

Leaf = Callable[[str], str]
"""Returns what takes the place of a text, or of a number as a text."""


def mapped(answer: Mapping[str, Any], leaf: Leaf, rename: Leaf) -> dict[str, Any]:
    """Return an answer with each value replaced that the API does not fix.

    `leaf` replaces a value, and `rename` the name of a field.
    """
    target = _mapped_link(f"{answer['path']}?{answer['query']}", leaf)
    path, _, query = target.partition("?")
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return {
        "path": path,
        "query": query,
        "status": answer["status"],
        "headers": {
            name: _mapped_text(headers[name], name, leaf)
            for name in RECORDED_HEADERS
            if name in headers
        },
        "body": _mapped_value(answer["body"], "", leaf, rename),
    }


def _mapped_value(value: Any, name: str, leaf: Leaf, rename: Leaf) -> Any:
    """Return a value with each text and number replaced; `name` is that of its field."""
    if isinstance(value, dict):
        return {rename(key): _mapped_value(part, key, leaf, rename) for key, part in value.items()}
    if isinstance(value, list):
        return [_mapped_value(part, name, leaf, rename) for part in value]
    if isinstance(value, str):
        return _mapped_text(value, name, leaf)
    if not value or isinstance(value, bool):
        return value
    written = str(abs(value))
    if isinstance(value, float):
        written = f"{abs(value):.15g}"  # as many digits as come back from a float
        written += "" if "." in written else ".0"
        if not written.replace(".", "").isdigit():
            return 0.0  # larger or smaller than anything that the API sends
    other = type(value)(_mapped_text(written, name, leaf))
    return -other if value < 0 else other


def _mapped_text(text: str, name: str, leaf: Leaf) -> str:
    if not text or text in FIXED.get(name, ()):
        return text
    return _mapped_link(text, leaf) if _API_LINK.fullmatch(text) else leaf(text)


def _mapped_link(link: str, leaf: Leaf) -> str:
    """Return a link of the API, relative to its host, with its ids and values replaced."""
    path, mark, query = link.partition("?")
    segments = (
        segment if segment in PATHS else quote(_mapped_list(unquote(segment), "", leaf), safe=",")
        for segment in path.split("/")
    )
    pairs = [
        (
            name if name in KNOWN_NAMES else leaf(name),
            value if name in SIZES else _mapped_list(value, name, leaf),
        )
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return f"{'/'.join(segments)}{mark}{urlencode(pairs, safe=',=:', quote_via=quote)}"


def _mapped_list(values: str, name: str, leaf: Leaf) -> str:
    return ",".join(_mapped_text(value, name, leaf) for value in values.split(","))
