"""Where the files of a run go: a folder with a file for each stream, or one file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout
from typing_extensions import override

from tap_constantcontact.config.json_files import json_object
from tap_constantcontact.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    end_run,
    plain,
    reason,
    refused,
)
from tap_constantcontact.output.figures import counted
from tap_constantcontact.output.files.tables import CSVTable, JSONLinesTable, Table
from tap_constantcontact.output.singer import Output

STATE = "state.json"
"""The file of a folder that holds the state, from which the next run goes on."""

MakeTable = Callable[[Path, Mapping[str, Any]], Table]


def _parquet() -> MakeTable:
    try:
        from tap_constantcontact.output.files.parquet import ParquetTable  # noqa: PLC0415 - an extra
    except ImportError:
        raise refused(
            "Parquet files need the extra files: pip install 'tap-constantcontact[files]'"
        ) from None
    return ParquetTable


FORMATS: Mapping[str, Callable[[], MakeTable]] = {
    "csv": lambda: CSVTable,
    "parquet": _parquet,
    "jsonl": lambda: JSONLinesTable,
}
"""What makes a table of each format, which is also the end of its file's name."""


class Message(msgspec.Struct):
    """The parts of a Singer message that files need."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"")
    schema: dict[str, Any] = {}
    value: dict[str, Any] = {}


@dataclass
class Unfinished:
    """A table that is being written, beside the file that it is to become.

    Attributes:
        table: The table.
        path: Its file, until it is whole.
        rows: Number of its rows.
        replaces: Whether its rows are all that the stream has, so that an older file goes.
    """

    table: Table
    path: Path
    rows: int = 0
    replaces: bool = False


class Destination(Output):
    """Writes the messages of a run as files, each of which appears when it is whole.

    A stream's file is kept if the stream was read to its end, or if the state moved, so that the
    next run does not read the same rows again. In a folder, the state is kept beside the files.

    Args:
        path: A folder, or the only file.
        extension: A key of `FORMATS`; None for the end of the file's name, and for csv in a folder.
        tell: Takes a sentence about each file.

    Raises:
        ConfigValidationError: The format is none that can be written, or contradicts the file's
            name; or another run writes into the folder.
    """

    def __init__(self, path: Path, extension: str | None, tell: Callable[[str], None]) -> None:
        named = path.suffix.removeprefix(".").lower()
        self.is_file = named in FORMATS and not path.is_dir()
        if self.is_file and extension not in (None, named):
            raise refused(f"{path.name} is the name of a {named} file, but the format {extension}")
        self.path = path
        self._folder = path.parent if self.is_file else path
        self._today = datetime.now(timezone.utc).date()
        self._lock = FileLock(self._folder / f".{STATE}.lock")
        self._tell = tell
        self._decode = msgspec.json.Decoder(Message).decode
        self._unfinished: dict[str, Unfinished] = {}
        self._state: Mapping[str, Any] = {}
        self._state_before: Mapping[str, Any] = {}
        self._ended = self._whole = False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self.is_file:
                self._lock.acquire(timeout=0)
            for part in self._folder.glob(f".{path.name if self.is_file else '*'}.part"):
                part.unlink()
        except Timeout:
            raise refused(f"another run writes into {self._folder}: wait until it ends") from None
        except OSError as error:
            raise refused(f"{self._folder} cannot be written to: {reason(error)}") from error
        try:
            self.previous = self._previous()
            self.format = named if self.is_file else self._format(extension)
            self._make = FORMATS[self.format]()
        except ConfigValidationError:
            self._lock.release()
            raise

    def _format(self, extension: str | None) -> str:
        """Return the format of the folder's files, or of new ones if there was no run yet."""
        found = {path.suffix.removeprefix(".") for path in self._folder.glob("*.*")} & {*FORMATS}
        if self.previous and extension and (others := found - {extension}):
            raise refused(
                f"{self._folder} has {others.pop()} files, and its state goes on from these: give "
                "that format, or name another folder"
            )
        return extension or (min(found) if self.previous and found else "csv")

    def _previous(self) -> dict[str, Any] | None:
        """The state of the last run into this folder, if there was one."""
        state = self.path / STATE
        return json_object(state, "state") if not self.is_file and state.exists() else None

    @override
    def write(self, block: bytes) -> None:
        """Take lines, each a Singer message.

        Raises:
            SystemExit: With exit code 1, after one plain line, if a file cannot be written.
        """
        with self._told():
            for line in block.splitlines():
                self._take(self._decode(line))

    @override
    def end_stream(self, *, whole: bool) -> None:
        """Note that a stream ends, and whether it was read to its end."""
        self._ended, self._whole = True, whole

    def close(self) -> None:
        """Keep what can be kept of the last stream, and remove the rest.

        Raises:
            SystemExit: With exit code 1, after one plain line, if a file cannot be written.
        """
        try:
            with self._told():
                self._settle()
        finally:
            self._lock.release()

    def _take(self, message: Message) -> None:
        if message.type == "RECORD":
            unfinished = self._unfinished[message.stream]
            unfinished.table.write(bytes(message.record))
            unfinished.rows += 1
        elif message.type == "SCHEMA":
            if self._ended:
                self._settle()
            if message.stream not in self._unfinished:
                self._open(message.stream, message.schema)
        elif message.type == "ACTIVATE_VERSION":
            self._unfinished[message.stream].replaces = True
        elif message.type == "STATE":
            self._state = message.value

    def _open(self, name: str, schema: Mapping[str, Any]) -> None:
        if Path(name).name != name:
            raise refused(f"{name[:100]!r} cannot be the name of a file: name the stream otherwise")
        if not self._unfinished:
            self._state_before = self._state
        elif self.is_file:
            raise refused(f"{self.path} is one file, and the stream maps make several streams")
        path = self._folder / f".{self.path.name if self.is_file else name}.part"
        self._unfinished[name] = Unfinished(self._make(path, schema), path)

    def _settle(self) -> None:
        """Keep or remove the files of the stream that ended."""
        has_moved = self._state != self._state_before
        is_kept = self._whole or has_moved
        unfinished, self._unfinished = self._unfinished, {}
        for name, one in unfinished.items():
            if is_kept and (self._whole or one.rows):
                one.table.close()
                self._keep(name, one)
            else:
                self._tell(f"{name} has no new file, as it was not read to its end")
            one.path.unlink(missing_ok=True)
        if is_kept and not self.is_file and self._state:
            self._replace_state()
        self._ended = self._whole = False

    def _keep(self, name: str, one: Unfinished) -> None:
        path = self.path if self.is_file else self._folder / f"{name}.{self.format}"
        before = (self.previous or {}).get("bookmarks", {}).get(name)
        if self.previous and not one.replaces and (before or path.exists()):
            if not one.rows:
                return
            path = self._of_today(name)
        _replace(one.path, path)
        self._tell(f"{path} has {counted(one.rows, 'row')}")

    def _of_today(self, name: str) -> Path:
        """Return the first name of the day that no file has."""
        numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        names = (f"{name}-{self._today}{number}.{self.format}" for number in numbers)
        return next(path for path in map(self._folder.joinpath, names) if not path.exists())

    def _replace_state(self) -> None:
        part = self._folder / f".{STATE}.part"
        part.write_bytes(msgspec.json.encode(self._state))
        _replace(part, self._folder / STATE)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """End the run with one plain line if a file cannot be written within this context."""
        try:
            yield
        except OSError as error:
            self._drop()
            end_run(
                f"Writing files into {self._folder} failed ({reason(error)}). Make room, or name "
                "another folder, and run the command again: what was written before is whole",
                error,
            )
        except (ConfigValidationError, FatalAPIError) as error:
            self._drop()
            end_run(plain(error), error)

    def _drop(self) -> None:
        """Remove what is not finished, and forget the state that claims it."""
        self._state, self._whole = self._state_before, False
        for one in self._unfinished.values():
            one.path.unlink(missing_ok=True)
        self._unfinished = {}


def _replace(part: Path, path: Path) -> None:
    """Give a file its name, once it is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
