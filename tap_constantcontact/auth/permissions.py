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
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Any, NamedTuple

import requests
from tabulate import tabulate

from tap_constantcontact.auth.account import response_of, text_of
from tap_constantcontact.auth.session import json_in

PRIVILEGES_PATH = "/account/user/privileges"


class Need(NamedTuple):
    """The rights that a stream needs: scopes of the token, privileges of the user who signed in."""

    stream: str
    scopes: frozenset[str]
    privileges: frozenset[str]


class Permission(NamedTuple):
    """Whether a token may read a stream: `yes`, or `no` or `not known`, with a reason."""

    stream: str
    scope: str
    privilege: str
    allowed: str


RIGHTS_REMEDY = (
    "Sign in with the scopes, and as a user with the privileges, that the table names, deselect "
    "these streams, or set skip_forbidden_streams."
)


def permissions(
    needs: Iterable[Need], scopes: frozenset[str] | None, privileges: frozenset[str] | None
) -> list[Permission]:
    """Return for each stream whether a token may read it; None are scopes or privileges not known.

    Example:
        >>> lists = Need("contact_lists", frozenset({"contact_data"}), frozenset())
        >>> emails = Need("account_emails", frozenset({"account_read"}), frozenset())
        >>> [one.allowed for one in permissions([lists, emails], frozenset({"contact_data"}), None)]
        ['yes', 'no: the token lacks the scope account_read']
    """
    return [
        Permission(
            need.stream,
            _listed(need.scopes),
            _listed(need.privileges),
            _allowed(need, scopes, privileges),
        )
        for need in needs
    ]


def _allowed(need: Need, scopes: frozenset[str] | None, privileges: frozenset[str] | None) -> str:
    lacking, unknown = [], []
    if scopes is None:
        unknown += ["the token does not tell its scopes"] if need.scopes else []
    elif absent := need.scopes - scopes:
        lacking.append(f"the token lacks the scope {_listed(absent)}")
    if privileges is None:
        unknown += ["the API did not tell the user's privileges"] if need.privileges else []
    elif absent := need.privileges - privileges:
        lacking.append(f"the user lacks the privilege {_listed(absent)}")
    if lacking:
        return f"no: {' and '.join(lacking)}"
    return f"not known: {' and '.join(unknown)}" if unknown else "yes"


def permissions_table(permissions: Iterable[Permission]) -> str:
    """Return what a token may read, as a table for people."""
    return tabulate(permissions, headers=Permission._fields, disable_numparse=True)


def forbidden_streams(permissions: Iterable[Permission]) -> list[str]:
    """Return the names of the streams that are known to be forbidden."""
    return [one.stream for one in permissions if one.allowed.startswith("no:")]


def forbids(streams: Iterable[str]) -> str:
    """Return the sentence that these streams are forbidden."""
    return f"The token or its user may not read {', '.join(streams)}."


def scopes_of(access_token: str | None, answered: str) -> frozenset[str] | None:
    """Return the scopes of an access token, or of the response that it came in; None if unknown."""
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
    """Request the user's privileges, as `response_of` does; return None if the API tells none."""
    response = response_of(session, f"{api_url}{PRIVILEGES_PATH}", timeout)
    return None if response is None else privileges_in(response)


def privileges_in(response: requests.Response) -> frozenset[str] | None:
    """Return the privileges in a response; None if there are none to be read."""
    rows = json_in(response) if response.status_code == requests.codes.ok else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return frozenset(filter(None, (text_of(row.get("privilege_name")) for row in rows)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
