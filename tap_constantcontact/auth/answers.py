"""What the authorization server answers, made safe to use, to store and to show.

A token goes into a header, a file and a form; an address and a code are shown on a terminal; any
text may go into a message.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

LIFETIME = 86_400.0
"""Lifetime of an access token in seconds. (Source: the vendor's developer forum, staff answers.)

The server may set another, as it may the other numbers of seconds here, within these bounds.
"""

LIFETIMES = (0.0, 365 * LIFETIME)

LONGEST_TOKEN = 16_384
"""Maximum number of characters of a token, many times those of Okta's; headers hold no more."""

LONGEST_SCOPE = 4096
"""Maximum number of characters of the scopes of a token."""

SECRET = ("refresh_token", "access_token", "device_code")
"""Names of secrets in answers, which an answer might repeat in its texts."""

INTERVAL = 5.0
"""Seconds between two requests for the tokens, unless the server sets them; `slow_down` adds these.

(Source: RFC 8628, sections 3.2 and 3.5.)
"""

INTERVALS = (0.1, 60.0)

CODE_LIFETIME = 600.0
"""Seconds that a code can be entered, unless the server sets them."""

CODE_LIFETIMES = (0.0, 3600.0)

LONGEST_CODE = 100
"""Maximum number of characters of a code that a person enters."""

LONGEST_ADDRESS = 1000
"""Maximum number of characters of an address that a person opens."""

_visible = re.compile(r"[\x21-\x7e]+").fullmatch


class GrantedTokens(NamedTuple):
    """What the authorization server granted.

    Attributes:
        refresh_token: Empty if there is none.
        lifetime: Seconds from the request until the access token expires.
        scope: The scopes of the access token, separated by spaces; empty if they were not named.
    """

    access_token: str
    refresh_token: str
    lifetime: float
    scope: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> GrantedTokens:
        """Return the tokens in an answer; a `ValueError` names one that cannot be used."""
        access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
        if not is_token(access_token):
            raise ValueError("access_token")
        if not (refresh_token is None or is_token(refresh_token)):
            raise ValueError("refresh_token")
        return cls(
            access_token,
            refresh_token or "",
            seconds_in(answer, "expires_in", LIFETIME, LIFETIMES),
            _scope_in(answer),
        )


class Device(NamedTuple):
    """A code that waits to be entered by the user (RFC 8628, section 3.2).

    Attributes:
        device_code: What the tokens are requested with.
        user_code: What the user enters at `verification_uri`, but not at `complete_uri`, which is
            empty if there is no such address.
        lifetime: Seconds until the code expires.
        interval: Seconds between two requests for the tokens.
    """

    device_code: str
    user_code: str
    verification_uri: str
    complete_uri: str
    lifetime: float
    interval: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Device:
        """Return the code in an answer; a `ValueError` names a part that cannot be shown."""
        if not is_token(device_code := answer.get("device_code")):
            raise ValueError("device_code")
        user_code = answer.get("user_code")
        if (
            not isinstance(user_code, str)
            or not user_code.strip()
            or not user_code.isprintable()
            or len(user_code) > LONGEST_CODE
        ):
            raise ValueError("user_code")
        complete = answer.get("verification_uri_complete") is not None
        return cls(
            device_code,
            user_code,
            _address(answer, "verification_uri"),
            _address(answer, "verification_uri_complete") if complete else "",
            seconds_in(answer, "expires_in", CODE_LIFETIME, CODE_LIFETIMES),
            seconds_in(answer, "interval", INTERVAL, INTERVALS),
        )


def is_token(value: Any) -> TypeGuard[str]:
    """Return whether a value is a text that can stand in a header, and is no longer than tokens."""
    return isinstance(value, str) and len(value) <= LONGEST_TOKEN and is_visible(value)


def is_visible(text: str) -> bool:
    """Return whether a text is not empty and has only visible characters of ASCII, no space."""
    return bool(_visible(text))


def _scope_in(answer: Mapping[str, Any]) -> str:
    scope = answer.get("scope")
    words = scope.split() if isinstance(scope, str) else []
    return " ".join(filter(is_visible, words))[:LONGEST_SCOPE]


def seconds_in(
    answer: Mapping[str, Any], name: str, default: float, bounds: tuple[float, float]
) -> float:
    """Return a number of seconds in an answer, or the upper bound if it is larger.

    What is no number, or not above the lower bound, is the default.
    """
    least, most = bounds
    value = answer.get(name)
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except OverflowError:
        seconds = math.inf
    except (TypeError, ValueError):
        return default
    return min(seconds, most) if seconds > least else default


def _address(answer: Mapping[str, Any], name: str) -> str:
    """Return the address of a web page, one that can be shown; a `ValueError` names any other."""
    address = answer.get(name)
    if isinstance(address, str) and is_visible(address) and len(address) <= LONGEST_ADDRESS:
        with suppress(ValueError):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") and parts.hostname:
                return address
    raise ValueError(name)
