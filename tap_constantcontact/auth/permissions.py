"""What a token allows: its scopes, and the privileges of the user who signed in.

This relies on facts about the API:

- `GET /account/user/privileges` returns an array of the user's privileges; it needs neither a scope
  nor a privilege. (Contract.)
- The authorization server is one of Okta's. Okta's access tokens are JSON Web Tokens whose claim
  `scp` lists the scopes. (Inference from the server's paths.) The token is not verified here, as
  the API does that.
- A token response may name the scopes as well. (RFC 6749, section 5.1.)
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import requests
from tabulate import tabulate

from tap_constantcontact.auth.account import response_of, text_of

PATH = "/account/user/privileges"

LONGEST_SCOPE = 4096
"""Maximum number of characters of the scopes of a token."""

_is_scope = re.compile(r"[!-~]+").fullmatch


class Need(NamedTuple):
    """The rights that a stream needs.

    Attributes:
        stream: Name of the stream.
        scopes: The scopes that the token must have.
        privileges: The privileges that the user who signed in must have.
    """

    stream: str
    scopes: frozenset[str]
    privileges: frozenset[str]


@dataclass(frozen=True)
class Rights:
    """The rights of a token.

    Attributes:
        scopes: The token's scopes; None if it does not tell them.
        privileges: The user's privileges; None if the API did not tell them.

    Example:
        >>> rights = Rights(frozenset({"contact_data"}), None)
        >>> lists = Need("contact_lists", frozenset({"contact_data"}), frozenset())
        >>> emails = Need("account_emails", frozenset({"account_read"}), frozenset())
        >>> rights.verdict(lists), rights.verdict(emails)
        ('yes', 'no: the token lacks the scope account_read')
    """

    scopes: frozenset[str] | None
    privileges: frozenset[str] | None

    def allow(self, need: Need) -> bool:
        """Return whether no right is known to be lacking."""
        return not [*self._lacking(need)]

    def verdict(self, need: Need) -> str:
        """Return whether a stream is allowed, with the reason if it is not, or is not known."""
        if lacking := " and ".join(self._lacking(need)):
            return f"no: {lacking}"
        if unknown := " and ".join(self._unknown(need)):
            return f"not known: {unknown}"
        return "yes"

    def _lacking(self, need: Need) -> Iterator[str]:
        if self.scopes is not None and (scopes := need.scopes - self.scopes):
            yield f"the token lacks the scope {_listed(scopes)}"
        if self.privileges is not None and (privileges := need.privileges - self.privileges):
            yield f"the user lacks the privilege {_listed(privileges)}"

    def _unknown(self, need: Need) -> Iterator[str]:
        if self.scopes is None and need.scopes:
            yield "the token does not tell its scopes"
        if self.privileges is None and need.privileges:
            yield "the API did not tell the user's privileges"


def table(needs: Iterable[Need], rights: Rights) -> str:
    """Return a table that tells of each stream whether it is allowed."""
    return tabulate(
        [
            (need.stream, _listed(need.scopes), _listed(need.privileges), rights.verdict(need))
            for need in needs
        ],
        headers=("stream", "scope", "privilege", "allowed"),
        disable_numparse=True,
    )


def scope_in(answer: Mapping[str, Any]) -> str:
    """Return the scopes that a token response names, separated by spaces; empty if none."""
    scope = answer.get("scope")
    words = scope.split() if isinstance(scope, str) else []
    return " ".join(filter(_is_scope, words))[:LONGEST_SCOPE]


def scopes_of(access_token: str | None, answered: str) -> frozenset[str] | None:
    """Return the scopes of an access token, or None if they are not known.

    Args:
        access_token: The token.
        answered: The scopes in the response that the token came in; empty if there were none.
    """
    found = _claimed_scopes(access_token or "") or answered.split()
    return frozenset(found) or None


def application_of(access_token: str) -> str:
    """Return the application that an access token was issued to; empty if it does not tell.

    It is the claim `cid`. (Source: the reference of Okta, which runs the authorization server.)
    """
    return text_of(_claim(access_token, "cid"))


def _claimed_scopes(access_token: str) -> list[str]:
    scopes = _claim(access_token, "scp")
    if isinstance(scopes, str):
        return scopes.split()
    return [*filter(None, map(text_of, scopes))] if isinstance(scopes, list) else []


def _claim(access_token: str, name: str) -> Any:
    """Return a claim of a JSON Web Token; None if it has none or is of another kind."""
    try:
        payload = access_token.split(".")[1]
        return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))[name]
    except (IndexError, KeyError, RecursionError, TypeError, ValueError):
        return None


def ask_privileges(
    session: requests.Session, api_url: str, timeout: float
) -> frozenset[str] | None:
    """Request the privileges of the user who signed in, without retries.

    Args:
        session: The session, which adds the token and other headers to the request.
        api_url: Base URL of the API, without a trailing slash.
        timeout: Seconds without receiving a byte before the request fails.

    Returns:
        The names of the privileges; None if the API did not tell them.

    Raises:
        FatalAPIError: The response is a redirect, or one that no API of Constant Contact sends.
    """
    response = response_of(session, f"{api_url}{PATH}", timeout)
    return None if response is None else privileges_in(response)


def privileges_in(response: requests.Response) -> frozenset[str] | None:
    """Return the privileges in a response; None if there are none to be read."""
    if response.status_code != requests.codes.ok:
        return None
    try:
        rows = response.json()
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return frozenset(filter(None, (text_of(row.get("privilege_name")) for row in rows)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
