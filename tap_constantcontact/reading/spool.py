"""Items that wait until all of them have come, in a temporary file if they are many."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Generic, TypeVar

import msgspec

from tap_constantcontact.exceptions import FatalAPIError

Item = TypeVar("Item")

IN_MEMORY = 1000
"""Maximum number of items of a spool in memory: about 1 MB of events."""

TABLE = """
    PRAGMA journal_mode = OFF;
    PRAGMA cache_size = -1000;
    CREATE TABLE items (key TEXT, item BLOB)
"""


class Spool(Generic[Item]):
    """Items that JSON can hold, to be read as often as needed, by key if they have one.

    Many are kept in a temporary database of SQLite. Only its owner can read its file, which has no
    name where the system allows that, and is gone with the spool or the process, however it ends.
    Whatever their number, items take at most some 3 MB of memory.

    Example:
        >>> spool: Spool[str] = Spool(key=str.lower)
        >>> spool.add(["b", "a", "B"])
        >>> [*spool], [*spool.grouped()]
        (['b', 'a', 'B'], [['b', 'B'], ['a']])

    Raises:
        FatalAPIError: The file cannot be written, whenever items are added or read.
    """

    def __init__(self, key: Callable[[Item], str] = lambda _: "") -> None:
        self._key = key
        self._recent: list[tuple[str, Item]] = []
        self._is_filed = False

    def add(self, items: Iterable[Item]) -> None:
        """Add items after those that were added before."""
        for item in items:
            self._recent.append((self._key(item), item))
            if len(self._recent) > IN_MEMORY:
                self._write()

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in the order in which they were added."""
        found = self._filed_by("rowid") if self._is_filed else self._recent
        return map(itemgetter(1), found)

    def grouped(self) -> Iterator[list[Item]]:
        """Yield the items of each key together, those of one key as above.

        The keys come in the order in which they were first added, or if the items are in a file, in
        that of their texts.
        """
        if self._is_filed:
            for _, group in groupby(self._filed_by("key, rowid"), itemgetter(0)):
                yield [item for _, item in group]
            return
        groups: dict[str, list[Item]] = {}
        for key, item in self._recent:
            groups.setdefault(key, []).append(item)
        yield from groups.values()

    def __contains__(self, key: str) -> bool:
        """Return whether an item has a key; quickest where keys are asked for in their order."""
        if self._recent:
            self._write()
        with _room_told():
            found = self._indexed.execute("SELECT 1 FROM items WHERE key = ? LIMIT 1", (key,))
            return found.fetchone() is not None

    @cached_property
    def _indexed(self) -> sqlite3.Connection:
        self._database.execute("CREATE INDEX by_key ON items (key)")
        return self._database

    def _filed_by(self, columns: str) -> Iterator[tuple[str, Item]]:
        self._write()
        with _room_told():
            found = self._database.execute(f"SELECT key, item FROM items ORDER BY {columns}")  # noqa: S608
            for key, item in found:
                yield key, msgspec.json.decode(item)

    @cached_property
    def _database(self) -> sqlite3.Connection:
        database = sqlite3.connect("", check_same_thread=False)
        weakref.finalize(self, database.close)
        database.executescript(TABLE)
        return database

    def _write(self) -> None:
        encode = msgspec.json.encode
        rows = ((key, encode(item)) for key, item in self._recent)
        with _room_told():
            self._database.executemany("INSERT INTO items VALUES (?, ?)", rows)
        self._recent.clear()
        self._is_filed = True


@contextmanager
def _room_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise FatalAPIError(
            f"A temporary file cannot be written ({error}). Make room, or name another folder in "
            "the environment variable TMPDIR, and run again with the last state."
        ) from error
