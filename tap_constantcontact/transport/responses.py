"""Parsing of a response: the page that it brings, what it refuses a request with, its date.

Documented in the contract, or seen in responses recorded from the live service:

- A page's rows are a list under a property that each endpoint names. `_links.next.href` is relative
  to the host and has the same path, with an opaque cursor. The contract declares
  `_links.next.next.href` for tags as well. On the last page, `_links` is missing, empty, or null at
  any level.
- Some endpoints have `next_cursor` in place of the link: the value of the parameter `next` in the
  request for the next page.
- Responses carry headers with ids, which the vendor's support asks for. (Raw headers in a thread of
  the vendor's developer forum.)

Assumption: `every-page-links-to-the-next`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec
import requests

from tap_constantcontact.auth.error_texts import (
    in_a_line,
    safe,
    secrets_of,
    text_of_page,
    texts_in,
)
from tap_constantcontact.exceptions import RetriableAPIError
from tap_constantcontact.records.rows import NOT_AN_OBJECT, RawRows, Record

_decode = msgspec.json.decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw]).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

NO_ROW: tuple[Any, ...] = (None, {}, msgspec.Raw(b"null"), msgspec.Raw(b"{}"))

ESCAPED_NUL = b"\\u0000"
"""U+0000 as JSON escapes it; only a lenient conversion drops it from a text."""

MOST_ROWS = 10**9
"""Largest number of rows that is believed of a list."""

OTHER_LINKS = ("self", "first", "last", "prev", "previous", "results")
"""Names of links beside `next`."""

LINKS = ("_links", "next_cursor")
"""Names of the properties of a page that lead to the next one."""

LIKE_LINKS = re.compile(
    "next|^(_*links?|paging|pagination|cursor|(has_?)?more|continuation.*)$", re.IGNORECASE
)
"""Matches property names that may lead to the next page in an unknown form."""


REQUEST_IDS = ("x-amzn-requestid", "x-amz-apigw-id", "x-eig-tracking-id")
"""Names of the headers with the ids of a request."""


@dataclass(eq=False)
class Page:
    """The rows that a response brings: a page of a list, or all there are.

    They are converted when they are needed. So one thread does nothing but requests, while another
    one converts and writes what they bring.

    Attributes:
        convert: Makes records of the rows.
        total: Number of rows of the whole list, if the API sent it.
        next_link: Address of the next page; None on the last page.
        is_empty: Whether there are no rows.
    """

    convert: Callable[[], Sequence[Record]]
    total: int | None = None
    next_link: str | None = None
    is_empty: bool = False

    @cached_property
    def rows(self) -> Sequence[Record]:
        """The records."""
        return self.convert()

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the rows as new dictionaries."""
        dictionaries: list[dict[str, Any]] = msgspec.to_builtins(self.rows)
        return dictionaries


def page_in(
    response: requests.Response,
    convert: Callable[[RawRows], Sequence[Record]],
    records_key: str | None = None,
    row_key: str | None = None,
    *,
    is_array: bool = False,
) -> Page:
    """Return the page that a response with status 200 brings; by default, its body is the only row.

    A stream sets `records_key`, `row_key` and `is_array`, and `convert` makes records of rows.

    Raises:
        RetriableAPIError: The body is malformed; a retry may return a good one.
    """
    body, whole = _parsed(response, records_key)
    if is_array:
        if not isinstance(body, list):
            raise RetriableAPIError("HTTP 200 whose body is not a JSON array", response)
        return Page(partial(convert, whole))
    if not isinstance(body, dict):
        raise RetriableAPIError(NOT_AN_OBJECT, response)
    if records_key:
        return _page_of_list(response, body, records_key, convert)
    if row_key:
        row = body.get(row_key)
        return Page(partial(convert, [] if row in NO_ROW else _alone(row)))
    return Page(partial(convert, _alone(whole)))


def _page_of_list(
    response: requests.Response,
    body: dict[str, Any],
    records_key: str,
    convert: Callable[[RawRows], Sequence[Record]],
) -> Page:
    rows = body.get(records_key)
    if not isinstance(rows, (list, msgspec.Raw)):
        raise RetriableAPIError(f"HTTP 200 whose body has no list of {records_key}", response)
    try:
        link = _next_link(body, str(response.request.url))
    except ValueError as error:
        raise RetriableAPIError("HTTP 200 whose _links are malformed", response) from error
    total = body.get(f"{records_key}_count")
    return Page(
        partial(convert, rows),
        total if isinstance(total, int) and 0 <= total <= MOST_ROWS else None,
        link,
        is_empty=_is_empty(rows),
    )


def _parsed(response: requests.Response, records_key: str | None) -> tuple[Any, Any]:
    """Return the body of a response, with its rows in JSON, and the whole body in JSON.

    What a fast parser refuses, Python's own may still accept: both are then as it reads them.
    """
    content = response.content
    if ESCAPED_NUL not in content:
        try:
            content.decode()  # what is left undecoded is not checked for valid UTF-8
            body = _decode_members(content)
            if records_key and isinstance(body, dict):
                body = {
                    name: part if name == records_key and _is_array(part) else _decode(part)
                    for name, part in body.items()
                }
        except _UNREADABLE:
            pass
        else:
            return body, msgspec.Raw(content)
    parsed = _parsed_by_python(response)
    return parsed, parsed


def json_of(response: requests.Response) -> Any:
    """Return the JSON of a body, or None if it is not valid JSON."""
    try:
        return _decode(response.content)
    except _UNREADABLE:
        return _parsed_by_python(response)


def _parsed_by_python(response: requests.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _is_array(json: msgspec.Raw) -> bool:
    return bytes(memoryview(json)[:1]) == b"["


def _is_empty(rows: RawRows) -> bool:
    if isinstance(rows, msgspec.Raw):
        return not bytes(memoryview(rows)[:64]).strip(b"[] \t\r\n")
    return not rows


def _alone(row: Any) -> RawRows:
    return msgspec.Raw(b"[%b]" % row) if isinstance(row, msgspec.Raw) else [row]


def _next_link(body: Mapping[str, Any], address: str) -> str | None:
    """Return the address of the page after the one at an address; None on the last page.

    It is that address with the query that a link names, so neither the host nor the path of a link
    is ever requested.

    Raises:
        ValueError: The link has none of the known forms.
    """
    here = urlsplit(address)
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

    Anything else in place of the object or the member is a ValueError.
    """
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ValueError(f"{name} is not in an object")  # noqa: TRY004 - of the response
    member = found.get(name)
    if member is None and any(found[other] for other in found.keys() - {*beside}):
        raise ValueError(f"there is something in place of {name}")
    return member


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a link or cursor is not a text")  # noqa: TRY004 - of the response
    return value


def _plain(path: str) -> str:
    return unquote(path).rstrip("/").casefold()


def date_of(response: requests.Response) -> float | None:
    """Return the `Date` header of a response, in seconds since the epoch, if it has one."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None


def error_key(response: requests.Response) -> str:
    """Return the API's `error_key`, or an empty text."""
    body = json_of(response)
    if isinstance(body, list):
        body = next(iter(body), None)
    key = body.get("error_key") if isinstance(body, dict) else None
    return key if isinstance(key, str) else ""


def refusal_of(response: requests.Response) -> str:
    """Describe a refusal in one line, with the ids that the vendor's support asks for.

    For example: `HTTP 403, unauthorized, Not allowed, x-amzn-requestid 8d3f...`.
    """
    secrets = secrets_of(response.request)
    body = json_of(response)
    texts = [text_of_page(response.content)] if body is None else texts_in(body)
    ids = (f"{name} {response.headers[name]}" for name in REQUEST_IDS if name in response.headers)
    parts = (*in_a_line(texts, secrets), *(safe(each, secrets) for each in ids))
    return ", ".join((f"HTTP {response.status_code}", *parts))
