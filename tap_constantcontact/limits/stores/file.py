"""A ledger in a file."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tap_constantcontact.auth.token_file import make_folder
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import reason
from tap_constantcontact.limits.stores.store import STORE_PATIENCE, Step, StoreError, T, stepped

SELECT_LEDGER = "SELECT ledger FROM keys WHERE key = ?"

KNOWN = {
    "attempt to write a readonly database",
    "database disk image is malformed",
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "file is not a database",
    "unable to open database file",
}
"""SQLite messages that are logged as they are; others could quote the content of a foreign file."""


class FileStore:
    """Keeps ledgers in a file, for all processes of this machine.

    The file is a SQLite database: it survives a process that is killed, and locks itself.
    """

    def __init__(self, path: Path, key: str, clock: Clock = SYSTEM) -> None:
        self.path = path
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._opened_as: Any = None
        self._logger = logging.getLogger(__name__)

    def __str__(self) -> str:
        return f"the file {str(self.path)!r}"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, under the file's lock.

        If the file was removed, it is made again with what this run knows.
        """
        if not self._lock.acquire(timeout=STORE_PATIENCE):
            raise StoreError("database is locked")
        try:
            with self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                row = database.execute(SELECT_LEDGER, (self._key,)).fetchone()
                kept, result = stepped(row[0] if row else None, step, self._clock.now())
                database.execute("REPLACE INTO keys VALUES (?, ?)", (self._key, kept))
                return result
        except OSError as error:
            raise StoreError(reason(error)) from None
        except sqlite3.Error as error:
            said = str(error)
            raise StoreError(said if said in KNOWN else type(error).__name__) from None
        finally:
            self._lock.release()

    def _opened(self) -> sqlite3.Connection:
        known = None
        if self._database is not None:
            if self._identity() == self._opened_as:
                return self._database
            with suppress(sqlite3.Error):
                known = self._database.execute(SELECT_LEDGER, (self._key,)).fetchone()
            self._database.close()
            self._database = None
            self._logger.warning(
                "limits_store: %s was removed or replaced. A new file is used, with the counts of "
                "this run",
                self,
            )
        self._database = self._open()
        if known:
            self._database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (self._key, *known))
        return self._database

    def _open(self) -> sqlite3.Connection:
        make_folder(self.path.parent)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._opened_as = self._identity()
        database = sqlite3.connect(
            self.path, timeout=STORE_PATIENCE, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, ledger BLOB)")
        return database

    def _identity(self) -> Any:
        """Return what tells the file from another one of its name; None if there is none."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino
