"""Retries: which failures are retried, after what wait, and when to give up."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

import backoff
import requests

from tap_constantcontact.exceptions import (
    CAUSES,
    QuotaExceededError,
    RetriableAPIError,
    ThrottledError,
    TokenRenewedError,
)

RETRY_WAITS = (1, 2, 4, 8, 16, 32, 60, 60)
"""Seconds to wait before each retry while the API fails: three minutes in total, then give up."""

FEWER_WAITS = (1, 2, 4, 8)
"""The same for a smaller page, which is requested after a larger one kept failing."""

THROTTLE_WAIT = 1.0
"""Seconds to wait before retrying a throttled request, as the limit is per second."""

THROTTLE_RETRIES = 300
"""Number of retries of a throttled request before giving up."""

RETRIABLE = (RetriableAPIError, requests.exceptions.InvalidHeader, *CAUSES)
"""Failures after which a retry may succeed."""

Send = TypeVar("Send", bound=Callable[..., Any])


def retried(
    send: Send,
    before_wait: Callable[[Exception, float], None],
    patience: Callable[[], Iterable[float]] = lambda: RETRY_WAITS,
) -> Send:
    """Return a function that calls `send` until it succeeds or its waits are used up.

    It retries after any of `RETRIABLE`, and calls `before_wait` with the failure and the seconds
    until the retry. `patience` returns the seconds before each retry while the API fails.
    """

    def waits() -> Generator[float, Any, None]:
        throttle = itertools.repeat(THROTTLE_WAIT, THROTTLE_RETRIES)
        outage = iter(patience())
        failure = yield 0.0
        while True:
            if isinstance(failure, (QuotaExceededError, TokenRenewedError)):
                wait: float | None = 0.0
            else:
                wait = next(throttle if isinstance(failure, ThrottledError) else outage, None)
            if wait is None:
                return
            failure = yield wait

    return backoff.on_exception(
        waits,
        RETRIABLE,
        jitter=spread,
        on_backoff=lambda details: before_wait(details["exception"], details["wait"]),
        logger=None,
    )(send)


def spread(wait: float) -> float:
    """Vary a wait by up to a quarter, so that two runs with one key do not retry at once."""
    return wait * random.uniform(0.75, 1.25)  # noqa: S311
