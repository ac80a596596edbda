"""The address of a request: the path of an endpoint, with ids filled in, and the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tap_constantcontact.config.validation import is_id
from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.records.conversion import printable


def filled(stream: str, path: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a stream's path, with an id or several for each placeholder, and the other values.

    The SDK would leave most characters as they are, and fill in settings, too.

    Raises:
        FatalAPIError: An id cannot stand in a path.
    """
    ids = {name: value for name, value in values.items() if f"{{{name}}}" in path}
    texts = {
        name: ",".join(
            _quoted(stream, name, str(each))
            for each in (value if isinstance(value, (list, tuple)) else (value,))
        )
        for name, value in ids.items()
    }
    others = {name: value for name, value in values.items() if name not in ids}
    return path.format_map(texts), others


def _quoted(stream: str, name: str, value: str) -> str:
    if not is_id(value):
        raise FatalAPIError(
            f"{stream} cannot be read: {printable(value)!r} is not a valid {name}, and would lead "
            "to another path of the API. Correct the setting that contains it, or deselect the "
            "stream and tell Constant Contact's support."
        )
    return quote(value, safe="", errors="replace")
