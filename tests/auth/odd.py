"""Answers of an authorization server that are odd, and what every message must keep to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

SECRETS = {
    "client_secret": "hush-client-secret",
    "refresh_token": "hush-refresh-token",
    "code": "hush/code",
    "device_code": "hush-device-code",
    "access_token": "hush-access-token",
}
"""Secrets that are sent, or that come with tokens that are refused."""

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "\x1b[31mred\x1b[0m",
            "two\r\nlines",
            "long" * 5000,
            "http://[::1",
            "javascript:alert(1)",
            "invalid_grant",
            "authorization_pending",
            "slow_down",
        ]
    ),
)


def values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return any JSON, with these texts in it."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from([10**400, -1, 1e308, float("nan")]),
        texts,
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    )


NAMES = (
    "access_token",
    "refresh_token",
    "expires_in",
    "scope",
    "error",
    "error_description",
    "errorSummary",
    "message",
)

DEVICE_NAMES = (
    "device_code",
    "user_code",
    "verification_uri",
    "verification_uri_complete",
    "expires_in",
    "interval",
    "error",
)

WHOLE_DEVICE: dict[str, Any] = {
    "device_code": SECRETS["device_code"],
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://example.com/activate",
    "expires_in": 600,
    "interval": 5,
}

NO_JSON = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b'{"access_token": "hush-access-token',
            b"access_token=hush-access-token&token_type=bearer",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"expires_in": ' + b"9" * 5000 + b"}",
            b"<html>" * 100,
        ]
    ),
)


def token_bodies(*sent: str) -> st.SearchStrategy[bytes]:
    """Return any answers of the token endpoint; they may repeat the secrets that were sent."""
    token = SECRETS["access_token"]
    odd = st.sampled_from([token, f"{token}\r\nX-Evil: 1", f"{token}\ud800", token * 2000])
    texts = TEXTS | st.sampled_from([SECRETS[name] for name in sent])
    return _bodies(NAMES, texts, st.fixed_dictionaries({"access_token": odd}))


def device_bodies() -> st.SearchStrategy[bytes]:
    """Return any answers to a device."""
    return _bodies(DEVICE_NAMES, TEXTS, st.just(WHOLE_DEVICE))


def _bodies(
    names: Sequence[str], texts: st.SearchStrategy[str], whole: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[bytes]:
    """Return objects with some properties changed or alone, other JSON, and no JSON at all."""
    parts = st.dictionaries(st.sampled_from(names), values(texts), max_size=len(names))
    changed = st.builds(lambda all_, part: {**all_, **part}, whole, parts)
    return NO_JSON | st.one_of(values(texts), parts, changed).map(
        lambda it: json.dumps(it).encode()
    )


STATUSES = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503])


def is_plain(message: str) -> bool:
    """Return whether a message is one printable line without a secret or a class name."""
    for word in ("hush", "Error(", "APIError", "urllib3", "Traceback", "object at 0x"):
        assert word not in message
    return message.isprintable() and 0 < len(message) < 1000
