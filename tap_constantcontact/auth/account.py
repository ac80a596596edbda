"""Whose account it is that a token reads.

`GET /account/summary` tells it, to a token with the scope `account_read` and a user with the
privilege `account:read`. (Contract.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

LONGEST = 100
"""Characters that are kept of a name."""

FLEETING = (requests.codes.unauthorized, requests.codes.too_many_requests)
"""Refusals that say nothing of the scope."""

PATIENCE = 10.0
"""Seconds that the question may stay without an answer: a run goes on without one."""

Ask = Callable[[], "Account | None"]
"""Asks whose account it is; None where there is no answer for now."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at Constant Contact.

    Attributes:
        encoded_account_id: Its key; empty where the token may not read it.
        organization_name: Whose it is; may be empty.
    """

    encoded_account_id: str = ""
    organization_name: str = ""

    def __post_init__(self) -> None:
        if not all(
            isinstance(text, str) for text in (self.encoded_account_id, self.organization_name)
        ):
            raise TypeError

    @property
    def is_known(self) -> bool:
        """Whether the token could tell which account this is."""
        return bool(self.encoded_account_id)

    def __str__(self) -> str:
        if not self.is_known:
            return "not known"
        if not self.organization_name:
            return self.encoded_account_id
        return f"{self.organization_name} ({self.encoded_account_id})"

    def differs_from(self, other: Account | None) -> bool:
        """Tell whether both are known, and not the same; the name may have changed."""
        if other is None or not (self.is_known and other.is_known):
            return False
        return self.encoded_account_id != other.encoded_account_id

    @property
    def fingerprint(self) -> str:
        """What tells this account from another without naming it."""
        return hashlib.sha256(self.encoded_account_id.encode()).hexdigest()[:16]


UNTOLD = Account()
"""An account that the token may not read about, which is not asked again."""


def ask(session: requests.Session, api_url: str, timeout: float) -> Account | None:
    """Ask once whose account a token reads.

    Args:
        session: What puts the token and its other headers on the request.
        api_url: Where the API is, without a slash at the end.
        timeout: Seconds that a request may stay without an answer.

    Returns:
        `UNTOLD` where the API will not say, and None where it may do so another time.
    """
    try:
        response = session.get(
            f"{api_url}/account/summary",
            timeout=min(timeout, PATIENCE),
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError):  # a redirect to no address is a ValueError
        return None
    status = response.status_code
    if status in FLEETING or status >= requests.codes.server_error:
        return None
    try:
        details = response.json() if status == requests.codes.ok else None
    except (ValueError, RecursionError):
        details = None
    if not isinstance(details, dict):
        return UNTOLD
    return Account(
        _text(details.get("encoded_account_id")), _text(details.get("organization_name"))
    )


def _text(value: Any) -> str:
    """Return what can be printed of a text, and nothing of any other value."""
    return (
        "".join(filter(str.isprintable, value)).strip()[:LONGEST] if isinstance(value, str) else ""
    )
