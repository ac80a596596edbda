"""What operating systems differ in: how a run is asked to end, and how its output takes a place.

Windows has no timer that sends a signal, no number of bytes that a pipe takes as a whole, and
refuses to rename a file over one that is open.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import threading
from pathlib import Path

import backoff

HANGUPS = tuple(signal.Signals[name] for name in ("SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""The signals of a terminal that is closed; on Windows, that of Ctrl-Break as well."""

PIPE_BLOCK = getattr(select, "PIPE_BUF", 512)
"""Number of bytes that a pipe takes as a whole or not at all.

512 is the least that POSIX allows. Windows promises nothing: there, it makes a cut line unlikely.
"""

BROKEN_PIPE = 128 + getattr(signal, "SIGPIPE", 13)
"""The exit code of a program whose reader is gone, as shells have it."""

BINARY = getattr(os, "O_BINARY", 0)
"""The flag without which Windows changes the ends of lines."""

READER_GONE = {errno.EPIPE} if hasattr(signal, "SIGPIPE") else {errno.EPIPE, errno.EINVAL}
"""The errors of writing to a pipe that nobody reads. Source for Windows: Python's issue 19612."""


class Deadline:
    """Ends the process, whatever it is doing, unless it has ended by then."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def set(self, seconds: float, code: int) -> None:
        """End the process with an exit code in `seconds` seconds, instead of when it was to end."""
        self.clear()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            self._timer = threading.Timer(seconds, os._exit, [code])
            self._timer.daemon = True
            self._timer.start()

    def clear(self) -> None:
        """Let the process take its time."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        elif self._timer:
            self._timer.cancel()


@backoff.on_exception(
    backoff.expo,
    PermissionError,
    max_tries=4,
    giveup=lambda error: not hasattr(error, "winerror"),
    jitter=None,
    logger=None,
    base=10,
    factor=0.01,
)
def put(file: Path, place: Path) -> None:
    """Rename a file over another.

    Windows refuses while another program, such as a virus scanner, has that one open: then this
    tries again for a second.

    Raises:
        OSError: It cannot be renamed.
    """
    file.replace(place)


def write_whole(content: bytes, draft: Path, place: Path, mode: int = 0o666) -> None:
    """Write a file, so that its place has it whole or has what was there before.

    A file at `draft`, in the same folder, is removed. `mode` is the rights of the new file, less
    those that the process withholds.

    Raises:
        OSError: It cannot be written.
    """
    draft.unlink(missing_ok=True)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    put(draft, place)
