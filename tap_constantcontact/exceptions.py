"""The errors that end a request, a stream or a run."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError, FatalAPIError, RetriableAPIError

__all__ = [
    "AbandonedError",
    "ConfigValidationError",
    "DayClosedError",
    "DeadlineExceededError",
    "FatalAPIError",
    "ForbiddenError",
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
    """The API throttled a request: too many in one second."""


class TokenRenewedError(RetriableAPIError):
    """The API refused the access token, which has been renewed since."""


class QuotaExceededError(RetriableAPIError):
    """The API refused a request because the key's daily quota is used up."""


class DeadlineExceededError(RetriableAPIError):
    """A response was not complete in time."""


class NotFoundError(FatalAPIError):
    """The API does not know what a path names, or no longer does; such a parent is skipped."""


class ForbiddenError(FatalAPIError):
    """The API forbids a request: the token, its user or the application lacks a right."""


class LimitReachedError(Exception):
    """This run may send no more requests; the next run resumes."""


class DayClosedError(Exception):
    """The daily quota was used up while a request waited for its turn: it waits for a new day."""


class AbandonedError(Exception):
    """The result of this work is no longer needed."""


def refused(*faults: str) -> ConfigValidationError:
    """Return the error for invalid settings, a state or a file, with a sentence for each fault."""
    return ConfigValidationError("Config validation failed", errors=list(faults))


def kind(failure: Exception) -> str:
    """Name a failure, without its message, which may quote addresses, headers and secrets.

    The message of a `RetriableAPIError` is the tap's own, so it is safe.
    """
    return str(failure) if isinstance(failure, RetriableAPIError) else type(failure).__name__
