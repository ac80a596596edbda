"""The shape of rows within a collection's rows, such as the list memberships within contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pendulum import DateTime
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import ForbiddenError, LimitReachedError
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.incremental import RefreshedIncrement
from tap_constantcontact.reading.slices import Slice
from tap_constantcontact.reading.spool import Spool
from tap_constantcontact.records.rows import Record, with_keys
from tap_constantcontact.run import Run


class RowsWithin(ConstantContactStream):
    """Rows within the rows of a collection, as a table for targets that cannot nest.

    It sends no request of its own: the collection is read once for its own stream and all of these.

    Attributes that a stream sets:
        collection: The collection's own stream.
        part: Name of the property of the collection's rows that holds the rows, or their keys.
        holder_keys: Properties of the collection's rows that each row has as well, with the name
            that they have there.
    """

    collection: ClassVar[type[Collection]]
    part: str
    holder_keys: ClassVar[Mapping[str, str]]

    row_keys = ()
    selected_by_default = False

    @property
    def shared(self) -> SharedReading:
        """The reading of the collection, which all its streams share."""
        return self.run.once(SharedReading, self.collection)

    @classmethod
    @override
    def relies_on(cls) -> Iterator[type[ConstantContactStream]]:
        yield cls.collection

    def within(self, holder: Record) -> list[dict[str, Any]]:
        """Return the rows within a row of the collection; a FatalAPIError if one lacks a key."""
        key = self.keys[-1]
        held = {name: holder.get(there) for name, there in self.holder_keys.items()}
        rows = [
            {**held, **(self.flat(row) if isinstance(row, Mapping) else {key: row})}
            for row in self.rows_in(holder.get(self.part))
        ]
        return with_keys(self.name, rows, self.primary_keys)

    def rows_in(self, part: Any) -> Iterable[Any]:
        """Return the rows, or their keys, in the part's value; by default all that it lists."""
        return part or ()

    def flat(self, row: Record) -> Record:
        """Return a row without arrays and objects; by default as it is."""
        return row

    @override
    def read(self) -> Iterator[Record]:
        yield from self.shared.read(self, self.within)

    @override
    def plan(self) -> Plan:
        return self.shared.plan_of(self)

    @override
    def reading_began(self) -> DateTime:
        return self.shared.collection.increment_of(self).sweep.began


class SharedReading:
    """One reading of a collection, for its own stream and for those of the rows within its rows.

    It starts at the earliest bookmark of the streams that are selected. The first of them reads the
    collection. Meanwhile, the rows of the others are kept until it is their turn.

    Each stream's bookmark tells what is left of a full reading that a limit or a kill ended. If it
    is not the same for all, which a kill between their turns leaves, a run reads all from the
    newest row that one of them lacks to the oldest.
    """

    def __init__(self, run: Run, collection: type[Collection]) -> None:
        self.collection = run.once(collection)
        self._run = run
        self._start: DateTime | None = None
        self._left: Sequence[Slice] | None = None
        self._kept: Mapping[str, Spool[Record]] | None = None
        self._ended: ForbiddenError | LimitReachedError | None = None

    @property
    def _others(self) -> list[RowsWithin]:
        streams = self._run.tap.streams.values()
        return [one for one in streams if isinstance(one, RowsWithin) and one.shared is self]

    @property
    def _selected(self) -> list[ConstantContactStream]:
        return [stream for stream in (self.collection, *self._others) if stream.selected]

    def start(self) -> DateTime | None:
        """Return the instant from which changes are read, or None to read all rows."""
        if self._kept is None:
            starts = [self.collection.increment_of(one).start() for one in self._selected]
            known = [start for start in starts if start is not None]
            self._start = min(known) if known and len(known) == len(starts) else None
        return self._start

    def left(self) -> Sequence[Slice]:
        """Return what is left of a reading of all rows, the newest first."""
        lefts = {self.collection.increment_of(one).resume() for one in self._selected}
        if len(lefts) == 1:
            return lefts.pop()
        newest = [left[0].before for left in lefts]
        return [Slice(min(left[-1].after for left in lefts), max(newest) if all(newest) else "")]

    def read(
        self, stream: ConstantContactStream, rows_of: Callable[[Record], Iterable[Record]]
    ) -> Iterator[Record]:
        """Yield a stream's rows of each of the collection's rows, and move its bookmark.

        Raises:
            ForbiddenError: The collection may not be read, each time it is asked for.
            LimitReachedError: No more of it can be read in this run, each time.
        """
        increment = self.collection.increment_of(stream)
        if self._kept is None:
            yield from self._read_first(stream, increment, rows_of)
        else:
            yield from self._kept[stream.name]
            if self._left is not None:
                increment.move_on(self._left)
            if self._ended:
                raise self._ended
        increment.finish(self.start())

    def _read_first(
        self,
        reader: ConstantContactStream,
        increment: RefreshedIncrement,
        rows_of: Callable[[Record], Iterable[Record]],
    ) -> Iterator[Record]:
        def note(left: Sequence[Slice]) -> None:
            self._left = left
            increment.move_on(left)

        others = [one for one in self._others if one.selected and one is not reader]
        kept: dict[str, Spool[Record]] = {one.name: Spool() for one in others}
        start = self.start()
        try:
            for holder in self.collection.read_since(start, () if start else self.left(), note):
                for other in others:
                    kept[other.name].add(other.within(holder))
                yield from rows_of(holder)
        except (ForbiddenError, LimitReachedError) as error:
            self._ended = error
            self._kept = kept
            raise
        finally:
            self.collection.converter.report(self.collection.logger)
        self._kept = kept

    def plan_of(self, stream: RowsWithin) -> Plan:
        """Return what the stream costs: the collection's requests, if it is the first to read."""
        if stream is self._selected[0]:
            return Plan(None, self.collection.plan().requests)
        return Plan(None, 0)
