"""Records for programs in Python, without Singer messages."""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from typing_extensions import override

from tap_constantcontact.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    RunEndedError,
    plain,
    refused,
)
from tap_constantcontact.output.figures import Reading
from tap_constantcontact.output.singer import Output, WholeLineWriter
from tap_constantcontact.output.system import HANGUPS
from tap_constantcontact.tap import TapConstantContact


def read(
    stream: str, settings: Mapping[str, Any], state: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the records of a stream, as a target would get them.

    At the end of the day's requests it ends early, with a warning in the log: the next reading with
    the same state goes on.

    Args:
        stream: Its name, such as `contacts`.
        settings: The settings, as in a configuration file.
        state: What an earlier reading left; empty for the first. It moves when the reading ends,
            also if it ends early. Without a state, everything is read.

    Raises:
        singer_sdk.exceptions.ConfigValidationError: The settings or the state cannot be used, or
            there is no such stream.
        FatalAPIError: The API could not be read; the message says why, and what to do.

    Example:
        >>> lists = [*read("contact_lists", {"sandbox": True})]
        >>> len(lists), lists[0]["name"]
        (8, 'Newsletter')
    """
    given = copy.deepcopy(state)
    try:
        if state is not None and not isinstance(state, dict):
            raise refused("the state is not a dictionary: give one, empty at first")
        with _signals_as_they_are():
            tap = TapConstantContact(
                config={**settings, "streams": [stream]},
                state=copy.deepcopy(given or {}),
                message_writer=WholeLineWriter(Nowhere()),
            )
        if stream not in tap.streams:
            raise refused(f"{stream!r} is a pattern: name one stream")
    except ConfigValidationError as error:
        raise ConfigValidationError(plain(error), errors=error.errors) from error
    try:
        tap.check_account()
        source = tap.streams[stream]
        for record in source.get_records(None):
            for stream_map in source.stream_maps:
                if (mapped := stream_map.transform(record)) is not None:
                    yield mapped
        tap.run.check_access()
    except RunEndedError as ended:
        raise FatalAPIError(ended.reason) from ended.__cause__
    finally:
        if state is not None and state == given:  # no other reading has moved it meanwhile
            state.clear()
            state.update(copy.deepcopy(dict(tap.state)))
        if lost := tap.run.connection.authenticator.finish():
            raise FatalAPIError(lost)


class Nowhere(Output):
    """Drops the messages: the records are yielded instead."""

    @override
    def write(self, block: bytes) -> None:
        """Do nothing."""

    @override
    def begin_stream(self, reading: Reading) -> None:
        """Do nothing."""


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Leave the handlers of signals as they are, which a tap sets when it is made."""
    handled = (signal.SIGINT, signal.SIGTERM, *HANGUPS)
    before = {signum: signal.getsignal(signum) for signum in handled}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for signum, handler in before.items():
                signal.signal(signum, handler)
