"""A ledger in a file."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.limits.store import PATIENCE, Step, StoreError, T, decode, encode


class FileStore:
    """Keeps ledgers in a file, for all processes of this machine.

    The file is a SQLite database: it survives a process that is killed, and locks itself.

    Args:
        path: The file.
        key: Identifies the ledger in it.
        clock: Tells the time.
    """

    def __init__(self, path: Path, key: str, clock: Clock = SYSTEM) -> None:
        self._path = path
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def __str__(self) -> str:
        return f"the file {str(self._path)!r}"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, under the file's lock.

        Raises:
            StoreError: The file cannot be used.
        """
        try:
            with self._lock, self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                found = database.execute("SELECT ledger FROM keys WHERE key = ?", (self._key,))
                row = found.fetchone()
                ledger = decode(row[0] if row else None)
                result = step(ledger, self._clock.now())
                database.execute("REPLACE INTO keys VALUES (?, ?)", (self._key, encode(ledger)))
                return result
        except OSError as error:
            raise StoreError(error.strerror or type(error).__name__) from error
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(
                self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, ledger BLOB)")
            self._database = database
        return self._database
