"""What a server says when it refuses a request, in words that are safe for a line of the log.

- The API sends a list of objects, or one object, with `error_key` and `error_message`. (Contract.)
- In front of it are AWS API Gateway, which sends `message`, and CloudFront, which sends HTML. The
  products of Okta send `errorCode` and `errorSummary`. A proxy may send anything. (Their forms.)
- Responses carry the headers `x-amzn-requestid`, `x-amz-apigw-id` and `x-eig-tracking-id`, which
  the vendor's support asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import requests
from typing_extensions import override

from tap_constantcontact.records import printable
from tap_constantcontact.transport.responses import json_of

REQUEST_IDS = ("x-amzn-requestid", "x-amz-apigw-id", "x-eig-tracking-id")

NAMES = (
    "error_key",
    "error_message",
    "errorCode",
    "errorSummary",
    "error",
    "error_description",
    "errors",
    "code",
    "message",
    "Message",
    "title",
    "detail",
)
"""Names of the properties that tell about an error."""

MOST_TEXTS = 3
"""Maximum number of texts of a response that are told."""

DEPTH = 3
"""Maximum depth at which such texts are looked for."""

PAGE = 16 * 1024
"""Number of bytes at the beginning of a page that is not JSON in which a text is looked for."""

MASK = "***"

TELLING = 8
"""Minimum number of characters of a part of a token that is masked."""

LONGEST = 1000
"""Maximum number of characters of a text that are looked at."""


def error_key(response: requests.Response) -> str:
    """Return the API's `error_key`, or an empty text."""
    body = json_of(response)
    if isinstance(body, list):
        body = next(iter(body), None)
    key = body.get("error_key") if isinstance(body, dict) else None
    return key if isinstance(key, str) else ""


def described(response: requests.Response) -> str:
    """Describe a refusal in one line, with the ids that the vendor's support asks for.

    For example: `HTTP 403, unauthorized, Not allowed, x-amzn-requestid 8d3f...`.
    """
    texts = dict.fromkeys(filter(None, (_told(text, response) for text in _texts(response))))
    ids = (f"{name} {response.headers[name]}" for name in REQUEST_IDS if name in response.headers)
    parts = (*[*texts][:MOST_TEXTS], *(_told(each, response) for each in ids))
    return ", ".join((f"HTTP {response.status_code}", *parts))


def redirect_target(response: requests.Response) -> str:
    """Return the address that a redirect leads to, without its query, which may hold secrets."""
    try:
        target = urlsplit(response.headers.get("Location", ""))
        host = f"{target.scheme}://{target.hostname}" if target.hostname else ""
    except ValueError:
        return "an unreadable address"
    return _told(f"{host}{target.path}", response) or "no address"


def _told(text: str, response: requests.Response) -> str:
    """Return a text of a server in one printable line of bounded length, without the token."""
    token = str(response.request.headers.get("Authorization", "")).rpartition(" ")[2]
    return printable(_masked(text[:LONGEST], token)).strip()


def _masked(text: str, token: str) -> str:
    """Replace what a text has in common with a token, in capitals or not."""
    if len(token) < TELLING:
        return re.sub(rf"\b{re.escape(token)}\b", MASK, text) if token else text
    secret = token.casefold()
    masked, start = "", 0
    while start < len(text):
        end = start + TELLING
        if text[start:end].casefold() not in secret or end > len(text):
            masked += text[start]
            start += 1
            continue
        while end < len(text) and text[start : end + 1].casefold() in secret:
            end += 1
        masked += MASK
        start = end
    return masked


def _texts(response: requests.Response) -> Iterator[str]:
    body = json_of(response)
    if body is None:
        yield _text_of_page(response.content)
    else:
        yield from _texts_in(body, DEPTH)


def _texts_in(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth:
        yield from _texts_in(next(iter(value), None), depth - 1)
    elif isinstance(value, dict) and depth:
        for name in NAMES:
            yield from _texts_in(value.get(name), depth - 1)


def _text_of_page(content: bytes) -> str:
    """Return the title of an HTML page, or else its text; nothing of what is no text."""
    if b"\0" in content[:PAGE]:
        return ""
    page = _Page()
    try:
        page.feed(content[:PAGE].decode(errors="replace"))
        page.close()
    except AssertionError:  # how the parser refuses some declarations
        pass
    return page.title or page.text


class _Page(HTMLParser):
    """The texts of a page.

    Attributes:
        title: Its title.
        text: Its text without tags.
    """

    def __init__(self) -> None:
        super().__init__()
        self.title = self.text = ""
        self._within = ""

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in {"title", "script", "style"}:
            self._within = tag

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    @override
    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if self._within == "title":
            self.title = f"{self.title} {words}".strip()
        elif not self._within:
            self.text = f"{self.text} {words}".strip()
