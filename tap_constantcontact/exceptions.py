"""The errors that end a request, a stream or a run."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from singer_sdk.exceptions import ConfigValidationError, FatalAPIError, RetriableAPIError

__all__ = [
    "AbandonedError",
    "ConfigValidationError",
    "DayClosedError",
    "DeadlineExceededError",
    "FatalAPIError",
    "ForbiddenError",
    "ForeignServerError",
    "LimitReachedError",
    "NotFoundError",
    "QuotaExceededError",
    "RetriableAPIError",
    "ThrottledError",
    "TokenRenewedError",
    "kind",
    "nearest",
    "reason",
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


class ForeignServerError(FatalAPIError):
    """A request would leave for another server, or a response is none of Constant Contact's."""


class LimitReachedError(Exception):
    """This run may send no more requests; the next run resumes."""


class DayClosedError(Exception):
    """The daily quota was used up while a request waited for its turn: it waits for a new day."""


class AbandonedError(Exception):
    """The result of this work is no longer needed."""


def refused(*faults: str) -> ConfigValidationError:
    """Return the error for invalid settings, a state or a file, with a sentence for each fault.

    A sentence stays one line, whatever names it quotes.
    """
    printable = ["".join(map(_printable, fault)) for fault in faults]
    return ConfigValidationError("Config validation failed", errors=printable)


def _printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def kind(failure: Exception) -> str:
    """Name a failure, without its message, which may quote addresses, headers and secrets.

    The message of a `RetriableAPIError` is the tap's own, so it is safe.
    """
    return str(failure) if isinstance(failure, RetriableAPIError) else type(failure).__name__


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return the question whether the known name most like an unknown one was meant, or "".

    Args:
        name: The unknown name.
        known: The known names.
        prefix: What the known name is to begin with in the question.

    Example:
        >>> nearest("Contact", ["contacts", "events"]), nearest("x", ["contacts"])
        (' (did you mean contacts?)', '')
    """
    by_lower_case = {one.lower(): one for one in known}
    close = get_close_matches(name.lower()[:100], by_lower_case, n=1)
    return f" (did you mean {prefix}{by_lower_case[close[0]]}?)" if close else ""


def reason(error: OSError) -> str:
    """Return the operating system's words for a failure, which name no file."""
    return error.strerror or type(error).__name__
