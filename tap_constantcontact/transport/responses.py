"""What a response says: its page, its errors, where it leads.

Documented in the contract, or seen in responses recorded from the live service:

- Errors come as a list of objects or as a bare object with `error_key` and `error_message`; a
  gateway in front may answer in HTML.
- The rows of a page are a list under a name of their own; `_links.next.href` is relative to the
  host and names the same endpoint, with an opaque cursor. The last page has no `_links`, an empty
  one or a null in it.
- Responses carry `x-amzn-requestid`, `x-amz-apigw-id` and `x-eig-tracking-id`, which the vendor's
  support asks for.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from tap_constantcontact.exceptions import RetriableAPIError
from tap_constantcontact.records import printable

REQUEST_IDS = ("x-amzn-requestid", "x-amz-apigw-id", "x-eig-tracking-id")


def next_link(response: requests.Response) -> str | None:
    """Return the link to the next page, as the API gave it; None on the last page.

    Raises:
        ValueError: The links are not what the contract says.
    """
    found = json_of(response)
    for name in ("_links", "next", "href"):
        if not isinstance(found, dict):
            raise ValueError(f"{name} is not in an object")  # noqa: TRY004 - of the response
        if (found := found.get(name)) is None:
            return None
    href = found
    here, there = urlsplit(response.request.url), urlsplit(href)
    if _endpoint(here.path) != _endpoint(there.path) or not there.query:
        raise ValueError("_links.next.href does not lead to a page of the same endpoint")
    return str(href)


def _endpoint(path: Any) -> str:
    return str(path).rstrip("/").rpartition("/")[2]


def check_body(
    response: requests.Response, records_key: str | None, *, is_array: bool = False
) -> None:
    """Check the body of a response with status 200.

    Args:
        response: The whole response.
        records_key: Property that holds the rows of a page; None where the body is all there is.
        is_array: Whether that body is a bare array.

    Raises:
        RetriableAPIError: It is not what it should be; the same request may bring it a little
            later.
    """
    body = json_of(response)
    if is_array and not isinstance(body, list):
        raise RetriableAPIError("HTTP 200 whose body is not a JSON array", response)
    if is_array:
        return
    if not isinstance(body, dict):
        raise RetriableAPIError("HTTP 200 whose body is not a JSON object", response)
    if records_key and not isinstance(body.get(records_key), list):
        raise RetriableAPIError(f"HTTP 200 whose body has no list of {records_key}", response)
    try:
        next_link(response)
    except (AttributeError, TypeError, ValueError) as error:
        raise RetriableAPIError("HTTP 200 whose _links make no sense", response) from error


def rows_in(response: requests.Response, records_key: str | None) -> list[Any]:
    """Return the rows of a response whose body was checked."""
    body = json_of(response)
    if records_key:
        return list(body[records_key])
    return body if isinstance(body, list) else [body]


def json_of(response: requests.Response) -> Any:
    """Return the JSON in a body, or None where there is none that can be read.

    It is parsed once, and kept with the response.
    """
    kept = vars(response)
    if "parsed" not in kept:
        try:
            kept["parsed"] = response.json()
        except (ValueError, RecursionError):
            kept["parsed"] = None
    return kept["parsed"]


def error_of(response: requests.Response) -> tuple[str, str]:
    """Return the `error_key` and `error_message` of a response, empty where it has none."""
    body = json_of(response)
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        return "", ""
    key, message = (body.get(name) for name in ("error_key", "error_message"))
    return printable(str(key or "")), printable(str(message or ""))


def described(response: requests.Response) -> str:
    """Return what a refusal says of itself, in one line that the vendor's support can use."""
    ids = (f"{name} {response.headers[name]}" for name in REQUEST_IDS if name in response.headers)
    said = (f"HTTP {response.status_code}", *error_of(response), *ids)
    return ", ".join(printable(part) for part in said if part)


def redirect_target(response: requests.Response) -> str:
    """Return where a redirect leads, without a query, which may hold secrets."""
    try:
        target = urlsplit(response.headers.get("Location", ""))
        host = f"{target.scheme}://{target.hostname}" if target.hostname else ""
    except ValueError:
        return "an unreadable address"
    return printable(f"{host}{target.path}") or "nowhere"
