"""What a server says when it refuses a request, in words that are safe for a line of the log.

- The API sends a list of objects, or one object, with `error_key` and `error_message`. (Contract.)
- The authorization server sends `error` and `error_description`. (RFC 6749, section 5.2.) It is one
  of Okta's products, which also send `errorCode` and `errorSummary`. (Their form.)
- In front of them are AWS API Gateway, which sends `message`, and CloudFront, which sends HTML. A
  proxy may send anything. (Their forms.)
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import requests
from typing_extensions import override

from tap_constantcontact.records.conversion import printable

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

PAGE_BYTES = 16 * 1024
"""Number of bytes at the beginning of a page that is not JSON in which a text is looked for."""

MASK = "***"

SHORTEST_MASKED = 8
"""Minimum number of characters of a part of a token that is masked."""

LONGEST_TEXT = 1000
"""Maximum number of characters of a text that are looked at."""

_data = re.compile(r"""[{["'=]""").search

NO_SECRETS = ("grant_type", "client_id", "scope", "redirect_uri")
"""Names of the parameters of a request for tokens that are no secrets."""


def secrets_of(request: requests.PreparedRequest) -> list[str]:
    """Return the secrets of a request, as a server may repeat them: in its headers and its form.

    These are its token, or the application's key and secret, encoded as they are sent and decoded.
    """
    scheme, _, credentials = str(request.headers.get("Authorization") or "").partition(" ")
    form = request.body if isinstance(request.body, str) else ""
    secrets = [value for name, value in parse_qsl(form) if name not in NO_SECRETS]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            secrets.append(b64decode(credentials).decode().partition(":")[2])
    return [secret for secret in (credentials, *secrets) if secret]


def texts_in(body: Any, depth: int = DEPTH) -> Iterator[str]:
    """Yield the texts in the JSON of a refusal that tell about an error."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, list) and depth:
        yield from texts_in(next(iter(body), None), depth - 1)
    elif isinstance(body, dict) and depth:
        for name in NAMES:
            yield from texts_in(body.get(name), depth - 1)


def text_of_page(content: bytes) -> str:
    """Return the title of an HTML page, or else its text; nothing of what is no text."""
    if b"\0" in content[:PAGE_BYTES]:
        return ""
    page = _Page()
    with suppress(AssertionError):  # how the parser refuses some declarations
        page.feed(content[:PAGE_BYTES].decode(errors="replace"))
        page.close()
    return page.title or page.text


def in_a_line(texts: Iterable[str], secrets: Sequence[str]) -> list[str]:
    """Return the first different texts of a refusal, each as `safe` has it."""
    lines = (safe(text, secrets) for text in texts)
    return [*dict.fromkeys(filter(None, lines))][:MOST_TEXTS]


def safe(text: str, secrets: Sequence[str]) -> str:
    """Return a text in one printable line of bounded length, in which secrets are masked."""
    text = " ".join(text[:LONGEST_TEXT].split())
    for secret in secrets:
        for form in {secret, quote_plus(secret, errors="replace")}:
            text = _masked(text, form)
    return printable(text).strip()


def text_of_other(content: bytes, secrets: Sequence[str]) -> str:
    """Return the text of a page; empty if it may be tokens in a form or in JSON that was cut."""
    text = content[:4096].decode("utf-8", "replace").strip()
    if not text.startswith("<") and _data(text):
        return ""
    return safe(text_of_page(content), secrets)


def _masked(text: str, token: str) -> str:
    """Replace what a text has in common with a token, in capitals or not."""
    if len(token) < SHORTEST_MASKED:
        return re.sub(rf"\b{re.escape(token)}\b", MASK, text) if token else text
    secret = token.casefold()
    masked, start = "", 0
    while start < len(text):
        end = start + SHORTEST_MASKED
        if text[start:end].casefold() not in secret or end > len(text):
            masked += text[start]
            start += 1
            continue
        while end < len(text) and text[start : end + 1].casefold() in secret:
            end += 1
        masked += MASK
        start = end
    return masked


class _Page(HTMLParser):
    """The title of a page, and its text without tags."""

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
