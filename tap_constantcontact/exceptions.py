"""The errors of the tap, by what each of them ends.

    RetriableAPIError         nothing: the request is sent again; after minutes, it ends the run
      ThrottledError            as above, after a second
      TokenRenewedError         as above, at once
      QuotaExceededError        as above, on the next day; or the run, as `on_daily_limit` has it
      DeadlineExceededError     as above, after a growing wait
    FatalAPIError             the run
      NotFoundError             one parent, which is skipped; elsewhere the run
      ForbiddenError            the stream with `skip_forbidden_streams`, or else the run
      ForeignServerError        the run
      RefusedError              the run
      SignInError               the sign-in
    ConfigValidationError     the run, before it begins
    LimitReachedError         every stream, with exit code 0
    DayClosedError            nothing: the request waits for a new day
    AbandonedError            the work of one thread

`RetriableAPIError`, `FatalAPIError` and `ConfigValidationError` are the SDK's. What ends a run ends
it with exit code 1, after one plain line. Two more end nothing, as their callers catch them:
`StoreError` of `limits.stores`, and `NotJSONError` of `config.json_files`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn

import requests
from singer_sdk.exceptions import ConfigValidationError as ConfigValidationError  # noqa: PLC0414
from singer_sdk.exceptions import FatalAPIError as FatalAPIError  # noqa: PLC0414
from singer_sdk.exceptions import RetriableAPIError as RetriableAPIError  # noqa: PLC0414


class ThrottledError(RetriableAPIError):
    """The API throttled a request: too many in one second."""


class TokenRenewedError(RetriableAPIError):
    """The API refused the access token, which has been renewed since."""


class QuotaExceededError(RetriableAPIError):
    """The API refused a request because the key's daily quota is used up."""


class DeadlineExceededError(RetriableAPIError):
    """A response was not complete in time."""


class NotFoundError(FatalAPIError):
    """The API does not know what a path names, or no longer does."""


class ForbiddenError(FatalAPIError):
    """The API forbids a request: the token, its user or the application lacks a right."""


class ForeignServerError(FatalAPIError):
    """A request would leave for another server, or a response is none of Constant Contact's."""


class RefusedError(FatalAPIError):
    """The authorization server refused a request.

    Attributes:
        error: The code in its answer (RFC 6749, section 5.2), as it came.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class SignInError(FatalAPIError):
    """A person cannot sign in, or not in this way."""


class LimitReachedError(Exception):
    """This run may send no more requests; the next run resumes."""


class DayClosedError(Exception):
    """The daily quota was used up while a request waited for its turn."""


class AbandonedError(Exception):
    """The result of this work is no longer needed."""


ENDS_A_RUN = (
    ConfigValidationError,
    FatalAPIError,
    LimitReachedError,
    RetriableAPIError,
    requests.RequestException,
)


@contextmanager
def exits_with_a_message(complain: Callable[[str], None]) -> Iterator[None]:
    """Make a failure in this context one plain line.

    Raises:
        SystemExit: With exit code 1, after `complain` was called with that line.
    """
    try:
        yield
    except ENDS_A_RUN as error:
        complain(plain(error))
        raise SystemExit(1) from error


class RunEndedError(SystemExit):
    """A run ends with exit code 1, after one plain line in the log.

    Attributes:
        reason: That line.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(1)
        self.reason = reason


def end_run(message: str, error: Exception | None = None) -> NoReturn:
    """End a run with exit code 1 and one plain line; the failure in full is for debugging.

    Raises:
        RunEndedError: Always.
    """
    logger = logging.getLogger("tap-constantcontact")
    logger.error("%s", message)
    if error is not None:
        logger.debug("The failure in full", exc_info=error)
    raise RunEndedError(message) from error


def plain(error: Exception) -> str:
    """Say in one line what failed and what to do."""
    if isinstance(error, ConfigValidationError):
        return f"{'; '.join(error.errors) or error}."
    if isinstance(error, (RetriableAPIError, requests.RequestException)):
        return f"Constant Contact did not answer for minutes ({cause(error)}). Try again later."
    return str(error)


CAUSES: dict[type[Exception], str] = {
    requests.exceptions.ProxyError: "the proxy does not let the request through",
    requests.exceptions.SSLError: "its certificate is not trusted",
    requests.Timeout: "no answer in time",
    requests.ConnectionError: "no connection",
    requests.exceptions.ChunkedEncodingError: "its answer was cut short",
    requests.exceptions.ContentDecodingError: "its answer is damaged",
}
"""Failures of the network in plain words, the most specific first. All of them may pass."""


def cause(failure: Exception) -> str:
    """Name a failure, without its message, which may quote addresses, headers and secrets.

    The message of a `RetriableAPIError` is the tap's own, so it is safe.
    """
    if isinstance(failure, RetriableAPIError):
        return str(failure)
    words = (text for kind, text in CAUSES.items() if isinstance(failure, kind))
    return next(words, "its answer cannot be read")


def refused(*faults: str) -> ConfigValidationError:
    """Return the error for invalid settings, a state or a file, with a sentence for each fault.

    A sentence stays one line, whatever names it quotes.
    """
    printable = ["".join(map(_printable, fault)) for fault in faults]
    return ConfigValidationError("Config validation failed", errors=printable)


def _printable(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


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
