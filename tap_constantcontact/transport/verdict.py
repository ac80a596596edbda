"""What the status of a response means: a good one, a retry, or the end of the run.

Documented of the API, and relied upon here:

- A 202 says that a segment is still being computed: the request is sent again. (Contract.)
- An API has no redirects: one leads to a sign-in page, a proxy or another host. (Common sense.)
- A new application is private: until support approves it, only the user who created it can grant it
  access. (Release note of July 2026.)
"""

from __future__ import annotations

from typing import NamedTuple

import requests

from tap_constantcontact.exceptions import FatalAPIError, NotFoundError, RetriableAPIError
from tap_constantcontact.transport.connection import Connection
from tap_constantcontact.transport.responses import described, redirect_target


class Endpoint(NamedTuple):
    """What a message says of an endpoint.

    Attributes:
        stream: Name of the stream that reads it.
        scope: OAuth scope that it needs.
        privilege: User privilege that it needs.
    """

    stream: str
    scope: str
    privilege: str


def judge(response: requests.Response, endpoint: Endpoint, connection: Connection) -> None:
    """Let a response with status 200 pass.

    Args:
        response: The whole response.
        endpoint: Whose it is.
        connection: Is told what the response says of the limits, the token and the clock.

    Raises:
        RetriableAPIError: The same request may succeed a little later.
        NotFoundError: The API does not know what the path names.
        FatalAPIError: The request will not succeed.
    """
    status = response.status_code
    if status < requests.codes.server_error and status != requests.codes.too_many_requests:
        connection.quota.answered()
    if status == requests.codes.ok:
        connection.compare_clocks(response)
    elif status == requests.codes.accepted:
        raise RetriableAPIError("HTTP 202, the segment is still being computed", response)
    elif status == requests.codes.unauthorized:
        raise connection.token_refused(response)
    elif status == requests.codes.too_many_requests:
        raise connection.limit_reached(response)
    elif status >= requests.codes.server_error:
        raise RetriableAPIError(f"HTTP {status}", response)
    elif status == requests.codes.not_found:
        raise NotFoundError(_refusal(response, endpoint))
    else:
        raise FatalAPIError(_refusal(response, endpoint))


def _refusal(response: requests.Response, endpoint: Endpoint) -> str:
    status = response.status_code
    if status < requests.codes.bad_request:
        return (
            f"The request for {endpoint.stream} was redirected to {redirect_target(response)} "
            f"(HTTP {status}), which the API never does: check api_url and any proxy."
        )
    if status == requests.codes.forbidden:
        return (
            f"Constant Contact forbids reading {endpoint.stream} ({described(response)}). The "
            f"token needs the scope {endpoint.scope}, and the user who signed in the privilege "
            f"{endpoint.privilege}. An application that Constant Contact's support has not "
            "approved yet may only read the account of the user who created it."
        )
    return f"Constant Contact refused the request for {endpoint.stream} ({described(response)})."
