"""What the streams of one run share, handed to each of them in one object."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import requests
from pendulum import DateTime

from tap_constantcontact.bookmarks import Bookmark
from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import (
    FatalAPIError,
    LimitReachedError,
    RetriableAPIError,
    kind,
)
from tap_constantcontact.terminal.progress import Progress
from tap_constantcontact.transport.connection import Connection


@dataclass
class Run:
    """One run of the tap.

    Attributes:
        config: The settings, complete and checked.
        state: The state, which streams write to through their bookmarks.
        began: The instant at which the run began, which "days back" counts from.
        clock: Tells the time and waits.
        write_state: Emits the state as it is.
        logger: Where the run tells what happens.
        parents: The parents that reports are about, by the name of their stream.
        state_interval: Seconds between two states while a sweep runs, at least: what a kill costs.
    """

    config: Mapping[str, Any]
    state: dict[str, Any]
    began: DateTime
    clock: Clock
    write_state: Callable[[], None]
    logger: logging.Logger
    parents: dict[str, Any] = field(default_factory=dict)
    state_interval: float = 1.0
    _state_written_at: float = -math.inf

    @cached_property
    def connection(self) -> Connection:
        """The way to the API."""
        config = dict(self.config)
        if config["sandbox"]:
            from tap_constantcontact.sandbox import credentials  # noqa: PLC0415 - an extra

            config |= credentials()
        config |= {name: config[name].rstrip("/") for name in ("api_url", "auth_url")}
        return Connection(config, self.clock)

    @cached_property
    def progress(self) -> Progress:
        """What tells how far the run is."""
        return Progress(self.connection, self.logger)

    def bookmark(self, stream: str) -> Bookmark:
        """Return what the state holds of a stream."""
        return Bookmark(self.state, stream)

    def write_state_now_and_then(self) -> None:
        """Emit the state, unless that was done within the last `state_interval`."""
        now = self.clock.monotonic()
        if now >= self._state_written_at + self.state_interval:
            self._state_written_at = now
            self.write_state()

    @contextmanager
    def reading(self, stream: str) -> Iterator[None]:
        """Read a stream within, until it is read or a limit is reached.

        Raises:
            SystemExit: With exit code 1, after one plain line and the last state.
        """
        try:
            yield
        except LimitReachedError as limit:
            self.logger.warning("%s; %s goes on from here in the next run", limit, stream)
        except (FatalAPIError, RetriableAPIError, requests.RequestException) as error:
            self.connection.quota.close(error)
            self.write_state()
            self.logger.error("%s", _reason(stream, error))  # noqa: TRY400
            self.logger.debug("The failure in full", exc_info=error)
            raise SystemExit(1) from error


def _reason(stream: str, error: Exception) -> str:
    if isinstance(error, FatalAPIError):
        return str(error)
    return (
        f"Constant Contact did not answer {stream} for minutes ({kind(error)}). "
        "Run again later with the last state: nothing is lost."
    )
