"""The account that a token belongs to.

`GET /account/summary` returns it, for a token with the scope `account_read` and a user with the
privilege `account:read`. (Contract.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import requests

from tap_constantcontact.auth.session import json_in, refuse_redirect, shown
from tap_constantcontact.exceptions import RetriableAPIError

LONGEST_NAME = 100
"""Maximum number of characters of a name."""

FLEETING = (requests.codes.unauthorized, requests.codes.too_many_requests)
"""Statuses of refusals that do not mean that the scope is missing."""

FACT_PATIENCE = 10.0
"""Seconds to wait for a fact about the token; without a response, a run continues."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at Constant Contact; its key is empty if the token may not read it."""

    encoded_account_id: str = ""
    organization_name: str = ""

    def __post_init__(self) -> None:
        if not all(
            isinstance(text, str) and text.isprintable()
            for text in (self.encoded_account_id, self.organization_name)
        ):
            raise TypeError

    @property
    def is_known(self) -> bool:
        """Whether the token may read which account this is."""
        return bool(self.encoded_account_id)

    def __str__(self) -> str:
        if not self.organization_name:
            return self.encoded_account_id
        return f"{self.organization_name} ({self.encoded_account_id})"

    def differs_from(self, other: Account | None) -> bool:
        """Return whether both accounts are known and their keys differ; names may change."""
        if other is None or not (self.is_known and other.is_known):
            return False
        return self.encoded_account_id != other.encoded_account_id

    @property
    def fingerprint(self) -> str:
        """A short hash that identifies the account without naming it."""
        return hashlib.sha256(self.encoded_account_id.encode()).hexdigest()[:8]


def account_in_words(account: Account | None) -> str:
    """Describe an account, or why it is not known."""
    if account is None:
        return "not known: the API did not respond, try again later"
    if not account.is_known:
        return (
            "not known: the token lacks the scope account_read, or its user lacks the privilege "
            "account:read"
        )
    return str(account)


def ask(session: requests.Session, api_url: str, timeout: float) -> Account | None:
    """Request the account that a token belongs to, as `response_of` does.

    Returns:
        The account, without a key if the token may not read it; None if a later request may
        succeed.
    """
    response = response_of(session, f"{api_url}/account/summary", timeout)
    if response is None:
        return None
    status = response.status_code
    if status in FLEETING or status >= requests.codes.server_error:
        return None
    details = json_in(response) if status == requests.codes.ok else None
    if not isinstance(details, dict):
        return Account()
    return Account(
        text_of(details.get("encoded_account_id")), text_of(details.get("organization_name"))
    )


def response_of(session: requests.Session, url: str, timeout: float) -> requests.Response | None:
    """Request something once, without retries; return None if there is no response.

    Raises:
        FatalAPIError: The response is a redirect, or one that no API of Constant Contact sends.
    """
    try:
        response = session.get(url, timeout=min(timeout, FACT_PATIENCE))
    except (requests.RequestException, RetriableAPIError, ValueError):
        return None
    refuse_redirect(response, f"The API at {shown(url)}", "api_url")
    return response


def text_of(value: Any) -> str:
    """Return the printable part of a text, or an empty text for any other value."""
    if not isinstance(value, str):
        return ""
    return "".join(filter(str.isprintable, value)).strip()[:LONGEST_NAME]
