"""Parsing of a response: its rows, its next link, its date.

Documented in the contract, or seen in responses recorded from the live service:

- A page's rows are a list under a property that each endpoint names. `_links.next.href` is relative
  to the host and has the same path, with an opaque cursor. The contract declares
  `_links.next.next.href` for tags as well. On the last page, `_links` is missing, empty, or null at
  any level.
- Some endpoints have `next_cursor` in place of the link: the value of the parameter `next` in the
  request for the next page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec
import requests

from tap_constantcontact.exceptions import RetriableAPIError

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

OTHER_LINKS = ("self", "first", "last", "prev", "previous", "results")
"""Names of links beside `next`."""

LINKS = ("_links", "next_cursor")
"""Names of the properties of a page that lead to the next one."""

LIKE_LINKS = re.compile(
    "next|^(_*links?|paging|pagination|cursor|(has_?)?more|continuation.*)$", re.IGNORECASE
)
"""Matches property names that may lead to the next page in an unknown form."""

NOT_AN_OBJECT = "HTTP 200 whose body is not a JSON object"

ESCAPED_NUL = b"\\u0000"
"""U+0000 as JSON escapes it."""


def next_link(response: requests.Response) -> str | None:
    """Return the address of the next page; None on the last page.

    It is the address of this page with the query that a link names, so neither the host nor the
    path of a link is ever requested.

    Args:
        response: A page that `check_body` accepts.

    Raises:
        ValueError: The link has none of the known forms.
    """
    body = json_of(response)
    here = urlsplit(str(response.request.url))
    if (cursor := body.get("next_cursor")) not in (None, ""):
        query = urlencode({**dict(parse_qsl(here.query)), "next": _text(cursor)})
        return here._replace(query=query).geturl()
    link = _member(body.get("_links"), "next", beside=OTHER_LINKS)
    href = _member(link, "href", beside=("next",))
    if href is None:
        href = _member(_member(link, "next", beside=("href",)), "href")
    if href is None:
        if any(body[name] for name in body if LIKE_LINKS.search(name) and name not in LINKS):
            raise ValueError("there is something in place of _links")
        return None
    there = urlsplit(_text(href))
    if _plain(there.path) != _plain(here.path) or not there.query:
        raise ValueError("the link does not lead to a page of the same list")
    there.query.encode()  # an unpaired surrogate is a ValueError
    return here._replace(query=there.query).geturl()


def _member(found: Any, name: str, beside: Iterable[str] = ()) -> Any:
    """Return a member of an object; None if it is null or missing, or there is no object.

    Raises:
        ValueError: It is not an object, or has something else in place of the member.
    """
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ValueError(f"{name} is not in an object")  # noqa: TRY004 - of the response
    member = found.get(name)
    if member is None and any(found[other] for other in found.keys() - {*beside}):
        raise ValueError(f"there is something in place of {name}")
    return member


def is_empty(response: requests.Response, records_key: str) -> bool:
    """Return whether a page that `check_body` accepted has no rows."""
    rows = json_of(response)[records_key]
    if isinstance(rows, msgspec.Raw):
        return not bytes(memoryview(rows)[:64]).strip(b"[] \t\r\n")
    return not rows


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a link or cursor is not a text")  # noqa: TRY004 - of the response
    return value


def _plain(path: str) -> str:
    return unquote(path).rstrip("/").casefold()


def check_body(
    response: requests.Response, records_key: str | None, *, is_array: bool = False
) -> None:
    """Check the body of a response with status 200.

    Args:
        response: The whole response.
        records_key: Property that holds the rows of a page; None if the body itself is the row, or
            the array of rows.
        is_array: Whether the body is a bare array.

    Raises:
        RetriableAPIError: The body is malformed; a retry may return a good one.
    """
    body = json_of(response, records_key)
    if is_array:
        if not isinstance(body, list):
            raise RetriableAPIError("HTTP 200 whose body is not a JSON array", response)
        return
    if not isinstance(body, dict):
        raise RetriableAPIError(NOT_AN_OBJECT, response)
    if not records_key:
        return
    if not isinstance(body.get(records_key), (list, msgspec.Raw)):
        raise RetriableAPIError(f"HTTP 200 whose body has no list of {records_key}", response)
    try:
        next_link(response)
    except ValueError as error:
        raise RetriableAPIError("HTTP 200 whose _links are malformed", response) from error


def rows_in(response: requests.Response, records_key: str | None) -> list[Any]:
    """Return the rows of a response that `check_body` accepted.

    Raises:
        RetriableAPIError: They hold a number of more digits than Python reads.
    """
    body = json_of(response)
    if not records_key:
        return body if isinstance(body, list) else [body]
    if isinstance(rows := body[records_key], msgspec.Raw):
        try:
            rows = body[records_key] = msgspec.json.decode(rows)
        except (msgspec.MsgspecError, RecursionError):
            if (body := _parsed_as_odd(response)) is None:
                raise RetriableAPIError(NOT_AN_OBJECT, response) from None
            rows = body[records_key]
    return list(rows)


def json_of(response: requests.Response, records_key: str | None = None) -> Any:
    """Return the JSON of a body, or None if it is not valid JSON.

    The body is parsed once; the result is stored with the response. If a fast parser refuses it,
    Python's own parser may still accept it.

    Args:
        response: The whole response.
        records_key: Property whose value, if it is an array, is not decoded yet, so that it can be
            decoded as what it should hold.
    """
    stored = vars(response)
    if "parsed" not in stored and ESCAPED_NUL in response.content:
        _parsed_as_odd(response)
    elif "parsed" not in stored:
        try:
            stored["parsed"] = _parsed(response.content, records_key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            _parsed_as_odd(response)
    return stored["parsed"]


def is_odd(response: requests.Response) -> bool:
    """Return whether a body may have texts or numbers that only a `Conformer` knows how to convert.

    These are unpaired surrogates, U+0000, numbers beyond a double, and NaN.
    """
    json_of(response)
    return "is_odd" in vars(response)


def _parsed(body: bytes, records_key: str | None) -> Any:
    if not records_key:
        return msgspec.json.decode(body)
    body.decode()  # what is left undecoded is not checked for valid UTF-8
    parts = _OBJECT.decode(body)
    return {
        name: part
        if name == records_key and bytes(memoryview(part)[:1]) == b"["
        else msgspec.json.decode(part)
        for name, part in parts.items()
    }


def _parsed_as_odd(response: requests.Response) -> Any:
    parsed = _parsed_by_python(response)
    vars(response).update(is_odd=True, parsed=parsed)
    return parsed


def _parsed_by_python(response: requests.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def date_of(response: requests.Response) -> float | None:
    """Return the `Date` header of a response, in seconds since the epoch, if it has one."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
