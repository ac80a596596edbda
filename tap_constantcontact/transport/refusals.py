"""What the API or something in front of it refuses a request with, described in one line.

Responses carry the headers `x-amzn-requestid`, `x-amz-apigw-id` and `x-eig-tracking-id`, which the
vendor's support asks for. (Raw headers in a thread of the vendor's developer forum.)
"""

from __future__ import annotations

import requests

from tap_constantcontact.auth.error_texts import (
    in_a_line,
    safe,
    secrets_of,
    text_of_page,
    texts_in,
)
from tap_constantcontact.transport.responses import json_of

REQUEST_IDS = ("x-amzn-requestid", "x-amz-apigw-id", "x-eig-tracking-id")


def error_key(response: requests.Response) -> str:
    """Return the API's `error_key`, or an empty text."""
    body = json_of(response)
    if isinstance(body, list):
        body = next(iter(body), None)
    key = body.get("error_key") if isinstance(body, dict) else None
    return key if isinstance(key, str) else ""


def refusal_of(response: requests.Response) -> str:
    """Describe a refusal in one line, with the ids that the vendor's support asks for.

    For example: `HTTP 403, unauthorized, Not allowed, x-amzn-requestid 8d3f...`.
    """
    secrets = secrets_of(response.request)
    body = json_of(response)
    texts = [text_of_page(response.content)] if body is None else texts_in(body)
    ids = (f"{name} {response.headers[name]}" for name in REQUEST_IDS if name in response.headers)
    parts = (*in_a_line(texts, secrets), *(safe(each, secrets) for each in ids))
    return ", ".join((f"HTTP {response.status_code}", *parts))
