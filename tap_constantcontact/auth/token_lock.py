"""The lock of a token file: one process at a time renews its tokens."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from filelock import FileLock, Timeout

from tap_constantcontact.exceptions import FatalAPIError

SILENCE = 5.0
"""Seconds to wait for another process before saying so in the log."""

LONGEST_WAIT = 600.0
"""Seconds to wait for another process from then on before giving up.

A renewal takes seconds, and two minutes if the authorization server does not answer.
"""


class TokenLock:
    """A lock that is waited for with a word in the log, and for a bounded time.

    The operating system releases the lock of a process that ends, however it ends.

    Args:
        path: The token file; the lock is a file beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)

    def __enter__(self) -> None:
        """Take the lock.

        Raises:
            FatalAPIError: Another process kept it for too long.
            OSError: The file of the lock cannot be written.
        """
        try:
            self._lock.acquire(timeout=SILENCE)
        except Timeout:
            if not Path(self._lock.lock_file).exists():
                raise FileNotFoundError(errno.ENOENT, "no file can be made there") from None
            self._wait_longer()

    def _wait_longer(self) -> None:
        logging.getLogger("tap-constantcontact").warning(
            "Another process is renewing the token in %s. Waiting for it, for up to %.0f minutes",
            self._path,
            LONGEST_WAIT / 60,
        )
        try:
            self._lock.acquire(timeout=LONGEST_WAIT)
        except Timeout:
            raise FatalAPIError(
                f"Another process has been renewing the token in {str(self._path)!r} for more than "
                f"{LONGEST_WAIT / 60:.0f} minutes. Look for a run that hangs and end it, then "
                "run again."
            ) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()
