"""Requests reach one server alone, and what it answers is bounded."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.auth.session import HomeAdapter, HomeSession, Origin
from tap_constantcontact.exceptions import FatalAPIError
from tests.parameters import partly_slow
from tests.wire import CLOSE, OK, chunked, whole, wire

MIB = 2**20


def get(home: str, url: str | None = None, most_bytes: int = MIB) -> requests.Response:
    with HomeSession(HomeAdapter(home, most_bytes)) as session:
        return session.get(url or home, timeout=10)


# One server


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.cc.email/v3", "https://api.cc.email"),
        ("https://api.cc.email:443", "https://api.cc.email"),
        ("http://user:word@api.cc.email:8080/", "http://api.cc.email:8080"),
        ("http://[::1]:80/v3?a=b#c", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_server_is_known_by_scheme_host_and_port(url: str, origin: str) -> None:
    assert str(Origin.of(url)) == origin


@pytest.mark.parametrize(
    "url", ["", "api.cc.email", "ftp://api.cc.email", "http://", "http://[::1", "http://a:b", "//a"]
)
def test_an_invalid_server_address_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        Origin.of(url)


def test_a_server_of_the_same_name_is_reached() -> None:
    with wire(lambda _: whole(b"hello")) as home:
        assert get(home.url.replace("http://", "HTTP://"), f"{home.url}/a//b?c").text == "hello"


ELSEWHERE = ("http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1:9")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_other_scheme_host_or_port_is_reached(url: str) -> None:
    with wire(lambda _: whole(b"")) as home:
        other = url.format(port=home.port)
        with pytest.raises(FatalAPIError, match="would have left"):
            get(home.url, other)
    assert not home.seen


def test_a_proxy_gets_requests_for_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire(lambda _: whole(b"by way of a proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert get("http://cc.example").text == "by way of a proxy"
        with pytest.raises(FatalAPIError):
            get("http://cc.example", "http://evil.example")
    assert len(proxy.seen) == 1


@pytest.mark.parametrize("location", ["http://[::1", "http://localhost:9/", "//evil", "\\", "/b"])
def test_a_redirect_is_a_response_like_any_other(location: str) -> None:
    with wire(lambda _: whole(b"", f"Location: {location}", status="307 Go")) as home:
        response = get(home.url)
    assert response.status_code == 307
    assert response.headers["Location"] == location
    assert len(home.seen) == 1


# The size of a body


@given(body=st.binary(max_size=200_000), size=st.integers(500, 200_000))
def test_a_body_is_whole_however_it_is_sent(body: bytes, size: int) -> None:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    packed, in_zlib = gzip.compress(body), zlib.compress(body)
    answers = iter(
        [
            whole(body),
            chunked(pieces),
            whole(packed, "Content-Encoding: gzip"),
            whole(in_zlib, "Content-Encoding: Deflate"),
            chunked([packed[:5], packed[5:]], "Content-Encoding: x-gzip"),
            [OK, b"\r\n", *filter(None, [body]), CLOSE],
        ]
    )
    with wire(lambda _: next(answers)) as home, HomeSession(HomeAdapter(home.url, MIB)) as session:
        for _ in range(6):
            assert session.get(home.url, timeout=10).content == body
    assert home.connections == 1


@pytest.mark.parametrize(
    "body",
    [b"", gzip.compress(b"hello")[:-3], b"hello", gzip.compress(b"a")[:12] + b"\xff" * 9],
    ids=["empty", "short", "not compressed", "damaged"],
)
def test_a_compressed_body_that_is_damaged_may_be_asked_for_again(body: bytes) -> None:
    with wire(lambda _: whole(body, "Content-Encoding: gzip")) as home:
        if body:
            with pytest.raises(requests.exceptions.ContentDecodingError):
                get(home.url)
        else:
            assert get(home.url).content == b""


def test_a_body_that_is_cut_short_may_be_asked_for_again() -> None:
    cut = whole(b"hello")[0][:-1]
    failure = pytest.raises(requests.exceptions.ChunkedEncodingError)
    with wire(lambda _: [cut, CLOSE]) as home, failure:
        get(home.url)


def test_only_encodings_whose_size_can_be_bounded_are_accepted() -> None:
    with wire(lambda _: whole(b"")) as home:
        get(home.url)
    assert b"Accept-Encoding: gzip\r\n" in home.seen[0]


@pytest.mark.parametrize("size", [MIB, MIB + 1])
def test_the_bound_is_exact(size: int) -> None:
    body = b"a" * size
    for answer in (
        whole(body),
        [*chunked([body])],
        whole(gzip.compress(body), "Content-Encoding: gzip"),
    ):
        with wire(lambda _, answer=answer: answer) as home:  # type: ignore[misc]
            if size == MIB:
                assert get(home.url).content == body
            else:
                with pytest.raises(FatalAPIError, match="larger than 1 MiB"):
                    get(home.url)


def test_a_connection_is_not_used_after_an_informational_response() -> None:
    """The response proper may follow, and would be taken for that to the next request."""
    answers = iter([[b"HTTP/1.1 103 Early Hints\r\n\r\n"], whole(b"of the second")])
    with wire(lambda _: next(answers)) as home, HomeSession(HomeAdapter(home.url, MIB)) as session:
        first, second = (session.get(home.url, timeout=10) for _ in range(2))
    assert (first.status_code, first.content) == (103, b"")
    assert second.content == b"of the second"
    assert home.connections == 2


FAILURES = (
    FatalAPIError,
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
)


def bomb() -> bytes:
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return b"".join([*(zeros.compress(block) for _ in range(100)), zeros.flush()])


def deflated() -> Iterator[bytes]:
    """Yield a body that never decodes to anything."""
    yield b"\x78\x9c"
    while True:
        yield b"\x00\x00\x00\xff\xff" * 10_000


def header(*lines: str) -> list[bytes]:
    return ["\r\n".join(("HTTP/1.1 200 OK", *lines, "", "")).encode()]


def endless(first: Iterable[bytes], again: bytes) -> Iterator[bytes]:
    return itertools.chain(first, itertools.repeat(again))


FLOODS: dict[str, Callable[[], Iterable[bytes]]] = {
    "a body without an end": lambda: endless(header(), b"a" * 65_536),
    "chunks without an end": lambda: endless(
        header("Transfer-Encoding: chunked"), b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    ),
    "tiny chunks without an end": lambda: endless(
        header("Transfer-Encoding: chunked"), b"2\r\nab\r\n" * 8192
    ),
    "the size of a chunk without an end": lambda: endless(
        header("Transfer-Encoding: chunked"), b"1" * 65_536
    ),
    "an extension of a chunk without an end": lambda: endless(
        [*header("Transfer-Encoding: chunked"), b"1;"], b"a" * 65_536
    ),
    "a trailer without an end": lambda: endless(
        [*header("Transfer-Encoding: chunked"), b"0\r\na:"], b"a" * 65_536
    ),
    "a bomb": lambda: whole(bomb(), "Content-Encoding: gzip"),
    "a bomb in a bomb": lambda: whole(gzip.compress(bomb()), "Content-Encoding: gzip, gzip"),
    "a bomb in zlib": lambda: whole(
        zlib.compress(bytes(100 * MIB), 9), "Content-Encoding: deflate"
    ),
    "compressed nothing without an end": lambda: itertools.chain(
        header("Content-Encoding: deflate"), deflated()
    ),
    "headers without an end": lambda: endless([OK], b"a: b\r\n" * 10_000),
    "a header without an end": lambda: endless([OK, b"a: "], b"b" * 65_536),
    "a status without an end": lambda: endless([b"HTTP/1.1 200 "], b"O" * 65_536),
}


SLOW_FLOOD = "tiny chunks without an end"


@pytest.mark.slow
@pytest.mark.parametrize("name", partly_slow([n for n in FLOODS if n != SLOW_FLOOD], [SLOW_FLOOD]))
def test_a_flood_takes_little_memory(name: str) -> None:
    answer = FLOODS[name]()
    tracemalloc.start()
    try:
        with wire(lambda _: answer) as home, suppress(*FAILURES):
            assert len(get(home.url).content) < MIB
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MIB
