"""How long to wait before a request is sent again, and when to give up."""

from __future__ import annotations

import itertools
import random
from collections.abc import Generator, Iterable
from typing import Any

import requests
from singer_sdk.exceptions import RetriableAPIError

PATIENCE = (1, 2, 4, 8, 16, 32, 60, 60)
"""Seconds between the retries of a request while the API fails: three minutes before giving up."""

LESS_PATIENCE = (1, 2, 4, 8)
"""The same for a smaller page, which is asked for after a larger one was given up."""

THROTTLE_WAIT = 1.0
"""Seconds after which a throttled request goes again: the limit is one of requests a second."""

THROTTLE_TRIES = 300

RETRIABLE = (
    RetriableAPIError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
"""Failures after which the same request may succeed."""


class ThrottledError(RetriableAPIError):
    """The API asked for a slower pace."""


class TokenRenewedError(RetriableAPIError):
    """The API refused the access token, and there is another one now."""


class QuotaExceededError(RetriableAPIError):
    """The API has no more requests today: the next one waits for a new day."""


def waits(patience: Iterable[float]) -> Generator[float, Any, None]:
    """Yield the seconds to wait after each failure that is sent in, until it is time to give up.

    Args:
        patience: Seconds to wait while the API fails, one for each retry.
    """
    throttle = itertools.repeat(THROTTLE_WAIT, THROTTLE_TRIES)
    outage = iter(patience)
    wait: float | None = 0.0
    while wait is not None:
        failure = yield wait
        if isinstance(failure, (QuotaExceededError, TokenRenewedError)):
            wait = 0.0
        else:
            wait = next(throttle if isinstance(failure, ThrottledError) else outage, None)


def spread(wait: float) -> float:
    """Spread a wait, so that two readers of one key do not come back at once."""
    return wait * random.uniform(0.75, 1.25)  # noqa: S311


def kind(failure: Exception) -> str:
    """Name a failure without what it may quote: addresses, headers, secrets in them."""
    return str(failure) if isinstance(failure, RetriableAPIError) else type(failure).__name__
