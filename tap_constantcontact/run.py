"""The object that a run hands to each of its streams: connection, clock, progress, bookmarks."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, TypeVar

import requests
from pendulum import DateTime
from singer_sdk import Tap
from typing_extensions import TypeVarTuple, Unpack

from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import (
    FatalAPIError,
    ForbiddenError,
    ForeignServerError,
    LimitReachedError,
    RetriableAPIError,
    cause,
    end_run,
)
from tap_constantcontact.output.figures import Reading
from tap_constantcontact.output.progress import Progress
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.transport.session import Connection

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SAMPLE_REQUESTS = 5
"""Maximum number of requests of a stream in test mode."""


@dataclass
class Run:
    """One run of the tap.

    Attributes:
        config: The settings, with defaults, validated.
        state: The state, which streams change through their bookmarks.
        began: When the run began; settings such as `report_days_back` count from it.
        limit: Number of rows of each stream after which it ends; None for all rows.
        write_state: Emits the current state as a STATE message.
        state_interval: Minimum number of seconds between two STATE messages during a sweep; a kill
            costs at most that much work.
    """

    tap: Tap
    config: Mapping[str, Any]
    state: dict[str, Any]
    began: DateTime
    clock: Clock
    limit: int | None
    writer: WholeLineWriter
    write_state: Callable[[], None]
    logger: logging.Logger
    state_interval: float = 1.0
    _made: dict[Any, Any] = field(default_factory=dict)
    _making: threading.RLock = field(default_factory=threading.RLock)
    _allowed: bool = False
    _forbidden: list[str] = field(default_factory=list)
    _doubted: set[tuple[str, str]] = field(default_factory=set)
    _state_written_at: float = -math.inf

    def once(self, make: Callable[[Run, Unpack[Ts]], T], *of: Unpack[Ts]) -> T:
        """Return what the streams share, such as the `Parents` of a type, made at its first use."""
        with self._making:
            if (make, of) not in self._made:
                self._made[make, of] = make(self, *of)
            made: T = self._made[make, of]
            return made

    @cached_property
    def connection(self) -> Connection:
        """The connection to the API, or to the built-in sandbox."""
        return Connection(for_connection(self.config), self.clock)

    @cached_property
    def progress(self) -> Progress:
        """The progress bar, or the progress lines in the log."""
        return Progress(self.connection, self.logger)

    def write_state_now_and_then(self) -> None:
        """Emit the state, unless it was emitted here within the last `state_interval` seconds."""
        now = self.clock.monotonic()
        if now >= self._state_written_at + self.state_interval:
            self._state_written_at = now
            self.write_state()

    @contextmanager
    def reading(self, stream: str, *, anew: bool) -> Iterator[Reading]:
        """Read a stream, and count its rows, within this context.

        `anew` says whether its rows do without those of earlier runs.

        A limit ends it early, a failure ends the run. With the setting `skip_forbidden_streams`, a
        forbidden stream ends early as well.

        Raises:
            SystemExit: With exit code 1, after emitting the last state and logging one plain line.
        """
        try:
            with self.progress.reading(stream) as reading:
                reading.anew = anew
                self.writer.output.begin_stream(reading)
                yield reading
            self._allowed |= reading.requests > 0
        except LimitReachedError as limit:
            self._allowed = True
            self.logger.warning("%s; the next run resumes %s from here", limit, stream)
        except ForbiddenError as error:
            if not self.config["skip_forbidden_streams"]:
                self._fail(stream, error)
            self._forbidden.append(stream)
            self.logger.warning("Skipping %s: %s", stream, error)
        except (FatalAPIError, RetriableAPIError, requests.RequestException) as error:
            self._fail(stream, error)

    def doubt(self, assumption: str, stream: str, seen: str) -> None:
        """Warn, once for each stream, that an assumption about the API does not hold.

        `seen` says what was seen instead, and what follows from it.
        """
        if (assumption, stream) not in self._doubted:
            self._doubted.add((assumption, stream))
            self.logger.warning(
                "%s: %s (assumption %s). tap-constantcontact-doctor --verify tells more",
                stream,
                seen,
                assumption,
            )

    def at_most(self, number: int | None, rows: Iterable[T]) -> Iterator[T]:
        """Yield the first rows of a stream, or all; a test of the settings takes few requests."""
        is_test = number is not None and self.limit is None
        with self.connection.quota.at_most(SAMPLE_REQUESTS) if is_test else nullcontext():
            yield from itertools.islice(rows, number)

    def check_access(self) -> None:
        """Fail a run of which every stream was forbidden.

        Raises:
            SystemExit: With exit code 1, after logging one plain line.
        """
        if self._forbidden and not self._allowed:
            end_run(
                f"Every selected stream is forbidden ({', '.join(self._forbidden)}). Sign in with "
                "the scopes, and as a user with the privileges, that the warnings above name."
            )

    def _fail(self, stream: str, error: Exception) -> NoReturn:
        self.connection.quota.close(error)
        self.write_state()
        end_run(_reason(stream, error), error)


def for_connection(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a connection; those of the built-in sandbox, which this starts.

    Raises:
        ConfigValidationError: The extra `sandbox` is needed and not installed.
    """
    complete = dict(config)
    if complete["sandbox"]:
        from tap_constantcontact.sandbox import credentials  # noqa: PLC0415 - an extra

        complete |= credentials()
    return complete | {name: complete[name].rstrip("/") for name in ("api_url", "auth_url")}


def _reason(stream: str, error: Exception) -> str:
    if isinstance(error, ForeignServerError):
        return f"{stream} cannot be read. {error}"
    if isinstance(error, FatalAPIError):
        return str(error)
    return (
        f"Constant Contact did not answer requests for {stream} for minutes ({cause(error)}). "
        "Run again later with the last state: nothing is lost."
    )
