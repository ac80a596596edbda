"""When a request is sent again, and when to give up."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

import backoff
import requests

from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import (
    QuotaExceededError,
    RetriableAPIError,
    ThrottledError,
    TokenRenewedError,
)

PATIENCE = (1, 2, 4, 8, 16, 32, 60, 60)
"""Seconds before each retry while the API fails: three minutes in all, then the run gives up."""

LESS_PATIENCE = (1, 2, 4, 8)
"""The same for a smaller page, which is requested after a larger one was given up."""

THROTTLE_WAIT = 1.0
"""Seconds before a throttled request is sent again: the limit is one of requests a second."""

THROTTLE_RETRIES = 300
"""Number of times that a request is throttled before the run gives up."""

RETRIABLE = (
    RetriableAPIError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
"""Failures after which the same request may succeed."""

Send = TypeVar("Send", bound=Callable[..., Any])


class Retries:
    """Sends a request again until it succeeds, or until it is time to give up.

    The waits are the clock's and not backoff's own, so that time can be replaced.

    Args:
        clock: Waits.
        before: Is told each failure and the seconds until the retry, before the wait.
    """

    def __init__(self, clock: Clock, before: Callable[[Exception, float], None]) -> None:
        self._clock = clock
        self._before = before

    def of(self, send: Send, patience: Callable[[], Iterable[float]] = lambda: PATIENCE) -> Send:
        """Return a function that sends a request with its retries.

        Args:
            send: Sends a request; raises one of `RETRIABLE` where it may be sent again.
            patience: Returns the seconds before each retry while the API fails.
        """

        def waits() -> Generator[float, Any, None]:
            return self._waits(patience())

        retried: Send = backoff.on_exception(waits, RETRIABLE, jitter=None, logger=None)(send)
        return retried

    def _waits(self, patience: Iterable[float]) -> Generator[float, Any, None]:
        throttle = itertools.repeat(THROTTLE_WAIT, THROTTLE_RETRIES)
        outage = iter(patience)
        failure = yield 0.0
        while True:
            if isinstance(failure, (QuotaExceededError, TokenRenewedError)):
                wait: float | None = 0.0
            else:
                wait = next(throttle if isinstance(failure, ThrottledError) else outage, None)
            if wait is None:
                return
            wait = spread(wait)
            self._before(failure, wait)
            self._clock.sleep(wait)
            failure = yield 0.0


def spread(wait: float) -> float:
    """Spread a wait, so that two readers of one key do not come back at once."""
    return wait * random.uniform(0.75, 1.25)  # noqa: S311
