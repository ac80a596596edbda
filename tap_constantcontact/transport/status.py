"""The meaning of a response's status: accept it, retry the request, or end the run.

This relies on facts about the API:

- A 209 is the declared success of the list of automations. (Contract. Assumption:
  `automations-are-sent-with-209`.)
- A 202 means that a segment is still being computed: the request is retried. (Contract.)
- The API never redirects: a redirect leads to a sign-in page, a proxy or another host. (Common
  sense.)
- No other status below 300 is declared for what the tap reads. (Contract.) One that brings no data
  is treated like a 200 without data: the request is retried.
- A new application is private: until support approves it, only the user who created it can grant it
  access. (Release note of July 2026.)
"""

from __future__ import annotations

from typing import NamedTuple

import requests

from tap_constantcontact.auth.session import refuse_redirect
from tap_constantcontact.exceptions import (
    FatalAPIError,
    ForbiddenError,
    NotFoundError,
    RetriableAPIError,
)
from tap_constantcontact.transport.responses import refusal_of
from tap_constantcontact.transport.session import Connection

SUCCESSES = (requests.codes.ok, 209)


class Endpoint(NamedTuple):
    """The facts about a stream's endpoint that error messages mention, as the stream sets them."""

    stream: str
    scope: str | None
    privilege: str | None


def judge(response: requests.Response, endpoint: Endpoint, connection: Connection) -> None:
    """Accept a response with status 200 or 209, and raise for any other.

    The connection learns from it about the limits, the token and the clock.

    Raises:
        RetriableAPIError: A retry may succeed.
        NotFoundError: The API does not know what the path names.
        ForbiddenError: The token or its user may not read the endpoint.
        FatalAPIError: The request cannot succeed.
    """
    status = response.status_code
    if status < requests.codes.server_error and status != requests.codes.too_many_requests:
        connection.quota.answered()
    if status in SUCCESSES:
        connection.compare_clocks(response)
    elif status == requests.codes.accepted:
        raise RetriableAPIError("HTTP 202, the segment is still being computed", response)
    elif status == requests.codes.unauthorized:
        raise connection.token_refused(response)
    elif status == requests.codes.too_many_requests:
        raise connection.limit_reached(response)
    elif status >= requests.codes.server_error:
        connection.quota.unanswered()
        raise RetriableAPIError(refusal_of(response), response)
    elif status < requests.codes.multiple_choices:
        raise RetriableAPIError(f"HTTP {status}, which brings no data", response)
    elif status == requests.codes.not_found:
        raise NotFoundError(_refusal(response, endpoint))
    elif status == requests.codes.forbidden:
        raise ForbiddenError(
            f"Constant Contact forbids reading {endpoint.stream} ({refusal_of(response)}). "
            f"{_needed(endpoint)}"
        )
    else:
        refuse_redirect(response, f"The API, asked for {endpoint.stream},", "api_url and any proxy")
        raise FatalAPIError(_refusal(response, endpoint))


def _refusal(response: requests.Response, endpoint: Endpoint) -> str:
    return f"Constant Contact refused the request for {endpoint.stream} ({refusal_of(response)})."


def _needed(endpoint: Endpoint) -> str:
    if endpoint.scope is None:
        return (
            "Only a technology partner can read it: give the partner's client_id and access_token, "
            "or deselect the stream."
        )
    return (
        f"The token needs the scope {endpoint.scope}, and the user who signed in needs the "
        f"privilege {endpoint.privilege}: sign in with both, or deselect the stream. An "
        "application that Constant Contact's support has not approved yet can only read the "
        "account of the user who created it."
    )
