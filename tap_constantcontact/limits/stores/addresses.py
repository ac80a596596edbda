"""Checks of the URL in `limits_store`.

The tap checks it first, as the libraries quote invalid URLs, with their passwords, in errors. A
URL has the form that RFC 3986 gives it, with several hosts if PostgreSQL has several.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qsl

from tap_constantcontact.limits.stores.store import StoreError

_CHARACTER = r"(?:[\w.~!$'()*+,;&=-]|%(?!00)[0-9A-Fa-f]{2})"
_HOST = r"(?:(?:[\w.-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?"
_URL = re.compile(
    rf"[a-z]+://(?:{_CHARACTER}*(?::(?:{_CHARACTER}|:)*)?@)?{_HOST}(?:,{_HOST})*"
    rf"(?:/{_CHARACTER}*)?(?:\?(?P<options>(?:{_CHARACTER}|[/:])*))?",
    re.ASCII,
)

UNREADABLE = (
    "it is not a valid URL. In its user name, password and database, write each character but "
    "letters, digits, -, ., _ and ~ as % with two hexadecimal digits, such as %40 for @"
)

UNKNOWN_OPTION = "it has an option after ? that is not known or has no valid value"


def options_of(url: str) -> Collection[str]:
    """Return the names of the options in an address.

    Raises:
        StoreError: It is not a valid URL.
    """
    if not (found := _URL.fullmatch(url)):
        raise StoreError(UNREADABLE)
    return [name for name, _ in parse_qsl(found["options"] or "", keep_blank_values=True)]


def file_of(where: str, schemes: Collection[str]) -> Path:
    """Return the file that a setting names, which is no URL of one of these schemes.

    A name that may be a misspelt URL is refused, as messages show the names of files.

    Raises:
        StoreError: It is not the name of a file.
    """
    try:
        path = Path(where).expanduser() if where.isprintable() else Path()
    except RuntimeError:
        raise StoreError("this user has no home folder: give a file with its whole path") from None
    is_whole = path.is_absolute() and not where.startswith("//")
    if path == Path() or not (is_whole or {*where}.isdisjoint(":@=")):
        urls = " or ".join(f"{scheme}://" for scheme in schemes)
        raise StoreError(
            f"it is neither a file nor a URL that begins with {urls}. A file with :, @ or = in "
            "its name needs its whole path"
        )
    return path
