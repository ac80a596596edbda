"""What ends a request, a stream or a run."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError, FatalAPIError, RetriableAPIError

__all__ = [
    "AbandonedError",
    "ConfigValidationError",
    "DayClosedError",
    "DeadlineExceededError",
    "FatalAPIError",
    "LimitReachedError",
    "NotFoundError",
    "QuotaExceededError",
    "RetriableAPIError",
    "ThrottledError",
    "TokenRenewedError",
    "kind",
    "refused",
]


class ThrottledError(RetriableAPIError):
    """The API asked for a slower pace."""


class TokenRenewedError(RetriableAPIError):
    """The API refused the access token, and there is another one now."""


class QuotaExceededError(RetriableAPIError):
    """The API has no more requests today: the next one waits for a new day."""


class DeadlineExceededError(RetriableAPIError):
    """A response was not whole in time."""


class NotFoundError(FatalAPIError):
    """The API does not know what a path names, or no longer; an unknown parent is skipped."""


class LimitReachedError(Exception):
    """No more requests in this run; what is not read yet is read by the next."""


class DayClosedError(Exception):
    """The day was found to be spent while a request waited for its turn: it waits for the next."""


class AbandonedError(Exception):
    """Nobody waits for the result of this work any more."""


def refused(*faults: str) -> ConfigValidationError:
    """Return what refuses settings, a state or a file, with a sentence for each fault."""
    return ConfigValidationError("Config validation failed", errors=list(faults))


def kind(failure: Exception) -> str:
    """Name a failure without what it may quote: addresses, headers, secrets in them."""
    return str(failure) if isinstance(failure, RetriableAPIError) else type(failure).__name__
