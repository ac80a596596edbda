"""Singer messages on stdout: whole lines or none, whatever ends the run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from singer_sdk.io_base import SingerWriter
from singer_sdk.singerlib import Message

GRACE = 1.0
"""Seconds that a reader who does not read is waited for before a termination cuts a line."""


class WholeLineWriter(SingerWriter):
    """Writes messages so that a termination falls between two lines.

    Attributes:
        last_words: What writes the last line of a run that is terminated.
        terminated_by: The signal that asked the run to end, if one did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last_words: Callable[[], None] = lambda: None
        self.terminated_by: int | None = None
        self._writing = False

    def write_message(self, message: Message) -> None:
        """Write one line.

        Raises:
            SystemExit: Nobody reads any more, or a signal came while the line was written.
        """
        self._writing = True
        try:
            super().write_message(message)
        except BrokenPipeError:
            # What Python still holds back would fail once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(_exit_code(signal.SIGPIPE)) from None
        finally:
            self._writing = False
        if self.terminated_by is not None:
            self._end()

    def terminate(self, signum: int) -> None:
        """End the run between two lines; to be called by a signal's handler.

        Raises:
            SystemExit: At once, unless a line is being written.
        """
        self.terminated_by = signum
        if self._writing:
            signal.signal(signal.SIGALRM, lambda *_: os._exit(_exit_code(signum)))
            signal.setitimer(signal.ITIMER_REAL, GRACE)
        else:
            self._end()

    def _end(self) -> None:
        code = _exit_code(self.terminated_by or 0)
        self.terminated_by = None
        self.last_words()
        raise SystemExit(code)


def _exit_code(signum: int) -> int:
    """Return the exit code by which shells know a process that a signal ended."""
    return 128 + signum
