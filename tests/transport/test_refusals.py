"""Whatever a server answers, a run ends with one plain line that says so and holds no secret."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_constantcontact.output.log import leave_out_noise
from tests.clocks import PatientClock
from tests.parameters import partly_slow
from tests.runs import sync
from tests.wire import CLOSE, whole, wire

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0-secret_0123456789.signature"


@pytest.fixture(autouse=True)
def log_of_the_command() -> Iterator[None]:
    """Leave out of the log what the command leaves out."""
    libraries = logging.getLogger("urllib3")
    level = libraries.level
    leave_out_noise(logging.getLogger("tests"))
    yield
    libraries.setLevel(level)


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what is logged at WARNING or above, but not by threads of an earlier test."""
    records: list[logging.LogRecord] = []
    earlier = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    handler = logging.Handler(logging.WARNING)
    handler.addFilter(lambda record: record.thread not in earlier)
    handler.emit = records.append  # type: ignore[method-assign,assignment]
    logging.getLogger().addHandler(handler)
    try:
        yield records
    finally:
        logging.getLogger().removeHandler(handler)


def run_against(*answer: bytes) -> tuple[int, list[str], list[str]]:
    """Run the tap against a server; returns its exit code, its errors and its warnings."""
    with wire(lambda _: [*answer, CLOSE]) as server, logged() as records:
        config = {
            "access_token": TOKEN,
            "api_url": f"{server.url}/v3",
            "requests_per_second": 10_000,
        }
        result = sync(config, streams=("contact_tags",), clock=PatientClock())
    assert not any(record.exc_info for record in records)
    lines: dict[int, list[str]] = {logging.ERROR: [], logging.WARNING: []}
    for record in records:
        lines[record.levelno].append(record.getMessage())
    return result.exit_code, lines[logging.ERROR], lines[logging.WARNING]


def refusal(body: Any, kind: str = "application/json", status: str = "400 No") -> str:
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    content = text if isinstance(text, bytes) else text.encode()
    code, (said,), warnings = run_against(*whole(content, f"Content-Type: {kind}", status=status))
    assert code == 1
    assert not warnings
    return said


TEXTS: dict[str, Any] = {
    "Forbidden": {"message": "Forbidden"},
    "No identity-based policy": {"Message": "No identity-based policy"},
    "E0000047, API call exceeded": {"errorCode": "E0000047", "errorSummary": "API call exceeded"},
    "invalid_token, It is old": {"error": "invalid_token", "error_description": "It is old"},
    "PERMISSION_DENIED, Not yours": {
        "error": {"code": "PERMISSION_DENIED", "message": "Not yours"}
    },
    "Bad Request, Off": [{"title": "Bad Request", "detail": "Off"}],
    "of many": {"errors": [{"message": "of many"}, {"message": "others"}]},
    "a text alone": "a text alone",
    "403 Forbidden)": "<html><head><TITLE>403\n Forbidden</TITLE></head><body>nginx</body></html>",
    "No & never, it says)": "<h1>No &amp; never,</h1><script>x()</script><p>it says",
    "<AccessDenied>": "&lt;AccessDenied&gt;",
    "upstream connect error": "upstream connect error",
    "Zugriff nicht möglich": "<p>Zugriff nicht möglich</p>",
    "before": "<p>before<![x[",
}


@pytest.mark.parametrize("text", partly_slow([*TEXTS][:5], [*TEXTS][5:]))
@pytest.mark.parametrize("status", partly_slow(["400 No"], ["403 No"]))
def test_the_texts_of_gateways_are_told(text: str, status: str) -> None:
    body = TEXTS[text]
    assert text in refusal(body if text != "a text alone" else json.dumps(body), status=status)


@pytest.mark.parametrize("body", [{}, [], [[]], 7, {"message": 7}, "", "\0\1", b"\0\xff"])
def test_a_refusal_without_a_text_is_told_by_its_status(body: Any) -> None:
    assert "(HTTP 400)" in refusal(body)


def test_a_text_of_any_length_is_cut() -> None:
    said = refusal([{"error_key": "k" * 10_000, "error_message": "m" * 10_000, "title": "t" * 999}])
    assert len(said) < 1100


QUOTES = (
    TOKEN,
    f"Authorization: Bearer {TOKEN}",
    TOKEN.upper(),
    TOKEN[:20],
    TOKEN[9:],
    f"'{TOKEN}',",
    f"x{TOKEN}x",
    f"{TOKEN[:30]}<wbr>{TOKEN[30:]}",
)


@pytest.mark.slow
@pytest.mark.parametrize("quote", partly_slow(QUOTES[::3], [*QUOTES[1::3], *QUOTES[2::3]]))
def test_a_token_that_a_server_quotes_is_masked(quote: str) -> None:
    tags = f"<p>You sent {quote} to us</p>"
    headers = (f"x-amzn-requestid: {quote}", f"Location: http://x/{quote}")
    for body, status in (
        (tags, "400 No"),
        (json.dumps({"message": f"{quote} is bad"}), "401 No"),
        (tags, "403 No"),
        (tags, "404 No"),
        (tags, "302 Go"),
        (tags, "503 Down"),
    ):
        _, errors, warnings = run_against(*whole(body.encode(), *headers, status=status))
        told = "\n".join(errors + warnings).casefold()
        assert "***" in told
        for start in range(0, len(TOKEN) - 8, 4):
            assert TOKEN[start : start + 8].casefold() not in told


@pytest.mark.parametrize("status", [101, 103, 199, 201, 203, 204, 205, 206, 226, 299])
def test_a_success_of_another_kind_is_asked_for_again(status: int) -> None:
    code, (said,), warnings = run_against(
        f"HTTP/1.1 {status} Odd\r\nConnection: close\r\n\r\n".encode()
    )
    assert code == 1
    assert f"(HTTP {status}, which brings no data)" in said
    assert len(warnings) > 5


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://[::1", "(HTTP 302)"),
        ("https://sso.example/login?token=a#b", ", to https://sso.example/login)"),
        ("https://user:word@sso.example/", ", to https://sso.example/)"),
        ("//sso.example:8443", ", to http://sso.example:8443)"),
        ("/login", "/login)"),
        ("javascript:x", ", to javascript:x)"),
        ("/" + "a" * 60_000, "/aaa"),
        (f"https://{TOKEN}.example/{TOKEN}", ", to https://***.example/***)"),
    ],
)
def test_a_redirect_names_where_it_leads(location: str, told: str) -> None:
    answer = whole(b"", f"Location: {location}", status="302 Go")
    code, (said,), _ = run_against(*answer)
    assert code == 1
    assert "redirected the request" in said
    assert told in said
    assert TOKEN not in said
    assert len(said) < 600


ODD_HEADERS = (
    "Location: http://[::1",
    "Location: https://sso.example/\x01\x7f\xe9",
    "Location: \\\\evil",
    "Date: Fri, 31 Dec 9999 23:59:59 -2359",
    "Date: 0 Jan 0001 00:00:00",
    "Date: yesterday",
    "Date: Mon, 01 Jan 0001 00:00:00 +2359",
    "Content-Encoding: gzip",
    "Content-Encoding: br",
    "Content-Encoding: deflate, gzip, x",
    "Content-Type: text/html; charset=idna",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: ;;;=",
    "Content-Length: a",
    "Content-Length: -1",
    "Content-Length: 1, 2",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, x",
    "Retry-After: -1",
    "Retry-After: a",
    "Set-Cookie: a=b; expires=never; domain=evil",
    "Set-Cookie: \xe9",
    "no colon",
    ": no name",
    " folded",
    "x-amzn-requestid: \x1b[31m\xe9\x01" + "9" * 5000,
    f"x-eig-tracking-id: {TOKEN}",
    "Connection: close",
)

ODD_BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"text"',
    b'{"tags": []}',
    b'{"tags": [1, null, {}]}',
    b'{"tags": [], "_links": {"next": {"href": "http://[::1"}}}',
    b'{"error_key": "throttled"}',
    b'{"error_key": {"a": ["\\ud800\\u001b"]}, "message": "\\ud800\\u001b\\u2028"}',
    b'[{"error_key": "\xff"}]',
    b"[" * 100_000,
    b'{"error": ' * 5000,
    b"<title>\x1b[2J\r\nGone</title>",
    b"<!DOCTYPE [<![CDATA[ <?php <!-- <a <",
    b"\xff\xfe<\0p\0>\0",
    b"0\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"-1\r\n",
    gzip.compress(b"{}"),
    TOKEN.encode(),
)

STATUSES = (
    "100 Go on",
    "200 OK",
    "202 Later",
    "204 Nothing",
    "209 OK",
    "300 Many",
    "302 Go",
    "304 Same",
    "399 Odd",
    "400 \xe9\x1b",
    "401 No",
    "403 No",
    "404 No",
    "429 Slow",
    "499",
    "500 No",
    "600 Odd",
    "999 Odd",
    "99 Small",
    "1000 Big",
    "abc",
    "",
)


def test_a_malformed_length_is_asked_for_again() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\nConnection: close\r\n\r\n{}"
    code, (said,), warnings = run_against(head)
    assert code == 1
    assert "did not answer requests for contact_tags for minutes" in said
    assert len(warnings) > 5


@given(
    status=st.sampled_from(STATUSES),
    headers=st.lists(st.sampled_from(ODD_HEADERS), max_size=3),
    body=st.sampled_from(ODD_BODIES) | st.binary(max_size=50),
    counts=st.booleans(),
)
@example(status="200 OK", headers=["no colon"], body=b"{}", counts=True)
@example(status="200 OK", headers=ODD_HEADERS[3:4], body=b'{"tags": []}', counts=True)
def test_every_refusal_ends_in_one_plain_line(
    status: str, headers: list[str], body: bytes, *, counts: bool
) -> None:
    length = [f"Content-Length: {len(body)}"] if counts else []
    lines = (f"HTTP/1.1 {status}", *headers, *length, "", "")
    head = "\r\n".join(lines).encode("latin-1")
    code, errors, warnings = run_against(head, *filter(None, [body]))
    assert code == len(errors) <= 1
    for line in errors + warnings:
        assert line.isprintable()
        assert len(line) < 2000
        assert "secret" not in line
