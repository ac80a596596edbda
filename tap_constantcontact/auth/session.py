"""The session of requests that carry a token, a code, a verifier or a secret."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from typing_extensions import override

from tap_constantcontact.auth.adapter import HomeAdapter, HomeSession
from tap_constantcontact.auth.error_texts import safe, secrets_of
from tap_constantcontact.exceptions import DeadlineExceededError, FatalAPIError, refused

MOST_SIGN_IN_BYTES = 2**20
"""Maximum size of a decoded response; tokens, an account and privileges take a few kilobytes."""

RESPONSE_TIMEOUT_FACTOR = 2
"""Time that a request may take until its whole response is there, as a multiple of the time-out."""

CAUSES: dict[type[Exception], str] = {
    requests.exceptions.ProxyError: "the proxy does not let the request through",
    requests.exceptions.SSLError: "its certificate is not trusted",
    requests.Timeout: "no answer in time",
    requests.ConnectionError: "no connection",
    requests.exceptions.ChunkedEncodingError: "its answer was cut short",
    requests.exceptions.ContentDecodingError: "its answer is damaged",
}
"""Failures of the network in plain words, the most specific first. All of them may pass."""

T = TypeVar("T")


class BoundedSession(HomeSession):
    """Sends requests to one server alone, and waits for an answer of bounded size and duration.

    Args:
        home: Address of the server; its path does not matter.
        user_agent: The User-Agent header, unless it is empty.

    Raises:
        ConfigValidationError: The address is not one of a server.
    """

    def __init__(self, home: str, user_agent: str | None) -> None:
        try:
            super().__init__(HomeAdapter(home, MOST_SIGN_IN_BYTES))
        except ValueError:
            raise refused(
                f"{shown(home)!r} is not the address of a server: check auth_url and api_url"
            ) from None
        self.headers["Accept"] = "application/json"
        if user_agent:
            self.headers["User-Agent"] = user_agent

    @override
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, and return its whole response.

        Args:
            *args: The method and the URL.
            **kwargs: Other arguments, among them `timeout`: the seconds without receiving a byte
                before the request fails.

        Raises:
            DeadlineExceededError: The response was not complete in time.
            FatalAPIError: It is too large, or comes from another server.
        """
        return _within(
            RESPONSE_TIMEOUT_FACTOR * kwargs["timeout"], partial(super().request, *args, **kwargs)
        )


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Do some work in a thread of its own, and return or raise what comes of it in time.

    A time-out of the socket would not do: it begins anew with each byte, headers included.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    wait([future], min(seconds, threading.TIMEOUT_MAX))
    if not future.done():
        raise DeadlineExceededError(f"no whole answer within {seconds:g} seconds")
    return future.result()


def cause(error: Exception) -> str | None:
    """Return why a request failed, in plain words, or None if it can never succeed."""
    return next((text for kind, text in CAUSES.items() if isinstance(error, kind)), None)


def refuse_redirect(response: requests.Response, server: str, setting: str) -> None:
    """Accept a response, unless it is a redirect.

    Args:
        response: The response.
        server: What answered, as the subject of a sentence.
        setting: Name of the setting that holds its address.

    Raises:
        FatalAPIError: It is a redirect. The message tells where it leads.
    """
    status = response.status_code
    if requests.codes.multiple_choices <= status < requests.codes.bad_request:
        raise FatalAPIError(
            f"{server} redirected the request (HTTP {status}{_destination(response)}), which is "
            f"not followed. Check {setting}."
        )


def _destination(response: requests.Response) -> str:
    try:
        target = shown(urljoin(response.url, response.headers["Location"]))
    except (KeyError, ValueError):
        return ""
    return f", to {safe(target, secrets_of(response.request))}"


def shown(url: str) -> str:
    """Return the parts of an address that hold no secret: scheme, host, port and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return "".join(filter(str.isprintable, plain))[:300]
