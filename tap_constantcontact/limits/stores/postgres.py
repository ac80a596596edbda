"""A ledger in PostgreSQL."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from tap_constantcontact.limits.stores.addresses import UNKNOWN_OPTION, options_of
from tap_constantcontact.limits.stores.store import STORE_PATIENCE, Step, StoreError, T, stepped

SESSION = (
    "SET synchronous_commit TO off",
    f"SET lock_timeout TO '{STORE_PATIENCE:.0f}s'",
    f"SET idle_in_transaction_session_timeout TO '{STORE_PATIENCE:.0f}s'",
)
"""Settings of a session: no wait for the disk, and no lock that outlives a process for long."""

FIND_TABLE = "SELECT to_regclass('tap_constantcontact_limits')"
MAKE_TABLE = (
    "SELECT pg_advisory_xact_lock(hashtext('tap_constantcontact_limits'))",
    """
    CREATE TABLE IF NOT EXISTS tap_constantcontact_limits (
      key text PRIMARY KEY, ledger text NOT NULL
    )
    """,
)
MAKE_ROW = "INSERT INTO tap_constantcontact_limits VALUES (%s, '{}') ON CONFLICT DO NOTHING"
LOCK_LEDGER = """
WITH locked AS MATERIALIZED (
  SELECT ledger FROM tap_constantcontact_limits WHERE key = %s FOR UPDATE
)
SELECT ledger, extract(epoch FROM clock_timestamp())::float8 FROM locked
"""
"""Reads the time once the row is locked, so that no step runs earlier than the last one."""

WRITE = "UPDATE tap_constantcontact_limits SET ledger = %s WHERE key = %s"


class PostgresStore:
    """Keeps a ledger in PostgreSQL, for processes of many machines, by PostgreSQL's clock.

    The ledger is a row of a table, which a step locks. The table is created if there is none.
    """

    extra = "postgres"

    def __init__(self, url: str, key: str) -> None:
        import psycopg  # noqa: PLC0415 - an extra

        options_of(url)
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise StoreError(UNKNOWN_OPTION) from None
        self._connect = psycopg.connect
        self._errors = psycopg.Error
        self._url = url
        self._key = key
        self._lock = threading.Lock()
        self._connection: Any = None

    def __str__(self) -> str:
        return "PostgreSQL"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, under a lock on its row."""
        with self._lock:
            try:
                connection = self._opened()
                with connection.transaction():
                    row = connection.execute(LOCK_LEDGER, (self._key,)).fetchone()
                    if row is None:
                        self._close()  # the row is made where a connection is opened
                        raise StoreError("the row with the counts was removed")
                    content, now = row
                    kept, result = stepped(content, step, now)
                    connection.execute(WRITE, (kept.decode(), self._key))
            except (self._errors, OSError, ValueError) as error:
                self._close()
                raise StoreError(_kind(error)) from None
            return result

    def _opened(self) -> Any:
        if self._connection is None:
            connection = self._connect(
                self._url,
                autocommit=True,
                connect_timeout=int(STORE_PATIENCE),
                client_encoding="utf8",
            )
            self._connection = connection
            for setting in SESSION:
                connection.execute(setting)
            with connection.transaction():
                if connection.execute(FIND_TABLE).fetchone() == (None,):
                    for statement in MAKE_TABLE:
                        connection.execute(statement)
                connection.execute(MAKE_ROW, (self._key,))
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(self._errors):
                self._connection.close()
            self._connection = None


def _kind(error: Exception) -> str:
    """Name an error by its class and SQLSTATE, as its message may quote the URL."""
    sqlstate = getattr(error, "sqlstate", None)
    return f"{type(error).__name__}{f', SQLSTATE {sqlstate}' if sqlstate else ''}"
