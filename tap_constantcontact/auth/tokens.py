"""The tokens of a sign-in, and what is known of them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated

import msgspec

from tap_constantcontact.auth.account import Account
from tap_constantcontact.clock import SECONDS_A_DAY

IDLE_DAYS = 180
"""Days without use after which a refresh token expires."""

LAST_INSTANT = 253_402_300_799
"""The end of the year 9999, the last that Python knows, in seconds since the epoch."""

Printable = Annotated[str, msgspec.Meta(pattern=r"\A[ -~]*\Z")]
"""Characters that an OAuth parameter may have. (Source: RFC 6749, appendix A.)"""

Secret = Annotated[str, msgspec.Meta(pattern=r"\A[ -~]+\Z")]
Instant = Annotated[float, msgspec.Meta(ge=0, le=LAST_INSTANT)]


def fingerprint(secret: str) -> str:
    """Return a hash that identifies a secret without revealing it."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Tokens:
    """The content of a token file.

    Attributes:
        seed: Fingerprint of the configured refresh token that these tokens come from; empty if they
            come from a sign-in.
        expires_at: When the access token expires, in seconds since the epoch.
        refreshed_at: When the refresh token was last used, in seconds since the epoch.
        rotates: Whether the last refresh replaced the refresh token; None before the first refresh.
        account: The account that the tokens belong to; None before it was requested.
        last_read: The account that the last run with this file read, if known.
        scope: The scopes in the response that the access token came in, separated by spaces.
    """

    client_id: Printable
    seed: Printable
    refresh_token: Secret
    access_token: Secret | None = None
    expires_at: Instant = 0.0
    refreshed_at: Instant = 0.0
    rotates: bool | None = None
    account: Account | None = None
    last_read: Account | None = None
    scope: Printable = ""

    @property
    def idle_days(self) -> float:
        """Days since the refresh token was last used; 0 if unknown."""
        return (time.time() - self.refreshed_at) / SECONDS_A_DAY if self.refreshed_at else 0.0

    @property
    def kind(self) -> str:
        """How the refresh token behaves, as far as it was used."""
        if self.rotates is None:
            return "not refreshed yet"
        if self.rotates:
            return "rotating: each use replaces it, so the file must be kept"
        return "long lived: it stays the same, so copies of it work elsewhere too"
