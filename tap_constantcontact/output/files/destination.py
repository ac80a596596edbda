"""Where the files of a run go: a folder with a file for each stream, or one file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
from tap_constantcontact.output.figures import Reading, counted
from tap_constantcontact.output.files.formats import FORMATS, OTHER_FORMATS, Table
from tap_constantcontact.output.singer import Output
from tap_constantcontact.output.system import put, write_whole

STATE = "state.json"
"""The file of a folder that holds the state, from which the next run goes on."""

COMMIT = ".commit.json"
"""The file that notes a commit until it is carried out."""

PART_IN_FOLDER, PART_OF_FILE = ".of-a-folder.part", ".of-a-file.part"
"""The ends of the names of unfinished files, by what the run writes."""


class Message(msgspec.Struct):
    """The parts of a Singer message that files need."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"")
    schema: dict[str, Any] = {}
    value: dict[str, Any] = {}


@dataclass
class Unfinished:
    """A table that is being written, in a file beside the one that it is to become."""

    table: Table
    path: Path
    rows: int = 0


class Commit(msgspec.Struct):
    """What a run does at the end of a stream; the next run finishes it if this one is killed.

    Attributes:
        files: The names of files in the folder, by the names that they have until then.
        state: The state that claims their rows.
    """

    files: dict[str, str]
    state: dict[str, Any]


class Destination(Output):
    """Writes the messages of a run as files, each of which appears when it is whole.

    A stream's file is kept if the stream was read to its end, or if the state moved, so that the
    next run does not read the same rows again. In a folder, the state is kept beside the files.

    Args:
        path: A folder, or the only file.
        extension: A key of `FORMATS`; None for the end of the file's name, and for csv in a folder.
        tell: Takes a sentence about each file.

    Attributes:
        previous: The state of the last run into the folder, if there was one.

    Raises:
        ConfigValidationError: The format is none that can be written, or contradicts the file's
            name or the folder's files; or another run writes there.
    """

    def __init__(self, path: Path, extension: str | None, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._decode = msgspec.json.Decoder(Message).decode
        self._unfinished: dict[str, Unfinished] = {}
        self._state: dict[str, Any] = {}
        self._state_before: dict[str, Any] = {}
        self._reading: Reading | None = None
        named = path.suffix.removeprefix(".").lower()
        try:
            self.path = path.resolve()
            self.is_file = named in FORMATS and not self.path.is_dir()
            self._folder = self.path.parent if self.is_file else self.path
            if self.is_file and extension not in (None, named):
                raise refused(f"{path} is the name of a {named} file, but the format {extension}")
            if named in OTHER_FORMATS and not self.path.is_dir():
                raise refused(f"{path}: {named} cannot be written. Give {', '.join(FORMATS)}")
            if self._folder.exists() and not self._folder.is_dir():
                raise refused(f"{self._folder} is a file: name a folder")
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(
                self._folder / f".{self.path.name if self.is_file else STATE}.lock"
            )
            self._lock.acquire(timeout=0)
        except Timeout:
            raise refused(f"another run writes to {path}: wait until it ends") from None
        except OSError as error:
            raise refused(f"{str(path)[:100]} cannot be written to: {reason(error)}") from error
        try:
            with self._told():
                self._clean_up()
            state = self.path / STATE
            self.previous = json_object(state, "state") if state.exists() else None
            self.format = named if self.is_file else self._format(extension)
            self._make = FORMATS[self.format]()
        except BaseException:
            self._lock.release()
            raise

    def _clean_up(self) -> None:
        """Finish what a killed run had to commit, and remove what it had not finished."""
        if self.is_file:
            self._part(self.path.name).unlink(missing_ok=True)
            return
        commit = self._folder / COMMIT
        if commit.exists():
            self._carry_out(msgspec.json.decode(commit.read_bytes(), type=Commit))
        for part in self._folder.glob(f".*{PART_IN_FOLDER}"):
            part.unlink()

    def _part(self, name: str) -> Path:
        return self._folder / f".{name}{PART_OF_FILE if self.is_file else PART_IN_FOLDER}"

    def _format(self, extension: str | None) -> str:
        """Return the format of the folder's files, or of new ones if there was no run yet."""
        found = {path.suffix.removeprefix(".") for path in self._folder.glob("*.*")} & {*FORMATS}
        if self.previous and extension and (others := found - {extension}):
            raise refused(
                f"{self._folder} has {others.pop()} files, and its state goes on from these: give "
                "that format, or name another folder"
            )
        return extension or (min(found) if self.previous and found else "csv")

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
    def begin_stream(self, reading: Reading) -> None:
        """Take note of the reading whose rows follow, and which tells later how it ended."""
        self._reading = reading

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
            if self._reading:  # of the stream before
                self._settle()
            if message.stream not in self._unfinished:
                self._open(message.stream, message.schema)
        elif message.type == "STATE":
            self._state = message.value

    def _open(self, name: str, schema: Mapping[str, Any]) -> None:
        if Path(name).name != name:
            raise refused(f"{name[:100]!r} cannot be the name of a file: name the stream otherwise")
        if not self._unfinished:
            self._state_before = self._state
        elif self.is_file:
            raise refused(f"{self.path} is one file, and the stream maps make several streams")
        path = self._part(self.path.name if self.is_file else name)
        self._unfinished[name] = Unfinished(self._make(path, schema), path)

    def _settle(self) -> None:
        """Keep or remove the files of the stream that ended, or that was interrupted."""
        reading, self._reading = self._reading or Reading(""), None
        whole, anew = reading.whole, reading.anew
        has_moved = self._state != self._state_before
        files = {}
        for name, one in self._unfinished.items():
            one.table.close()
            if (one.rows and (whole or has_moved)) or (whole and anew):
                path = self._final(name, anew=anew)
                files[one.path.name] = path.name
                self._tell(f"{path} gets {counted(one.rows, 'row')}")
            elif not whole:
                self._tell(f"{name} has no new file, as it was not read to its end")
        if files or has_moved:
            self._commit(Commit(files, self._state))
        self._remove_unfinished()

    def _final(self, name: str, *, anew: bool) -> Path:
        """Return the file that a table becomes: the stream's own, or beside it one of the day."""
        if self.is_file:
            return self.path
        own = self._folder / f"{name}.{self.format}"
        today = datetime.now(timezone.utc).date()
        numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        later = (self._folder / f"{name}-{today}{number}.{self.format}" for number in numbers)
        return own if anew else next(path for path in later if not path.exists())

    def _commit(self, commit: Commit) -> None:
        for part in commit.files:
            with (self._folder / part).open("rb") as file:
                os.fsync(file.fileno())
        if not self.is_file:
            self._put(self._folder / COMMIT, commit)
        self._carry_out(commit)

    def _carry_out(self, commit: Commit) -> None:
        for part, name in commit.files.items():
            if (self._folder / part).exists():
                put(self._folder / part, self._folder / name)
        if not self.is_file:
            if commit.state:
                self._put(self._folder / STATE, commit.state)
            (self._folder / COMMIT).unlink()

    def _put(self, path: Path, content: Any) -> None:
        write_whole(msgspec.json.encode(content), self._part(path.name), path)

    def _remove_unfinished(self) -> None:
        for one in self._unfinished.values():
            # Windows removes no file that is open. What stays, the next run removes.
            with suppress(OSError, FatalAPIError):
                one.table.close()
            with suppress(OSError):
                one.path.unlink()
        self._unfinished = {}

    @contextmanager
    def _told(self) -> Iterator[None]:
        """End the run with one plain line if a file cannot be written within this context.

        What is not finished is removed, and the state that claims it is forgotten.
        """
        try:
            yield
        except (OSError, ConfigValidationError, FatalAPIError) as error:
            self._state, self._reading = self._state_before, None
            self._remove_unfinished()
            if not isinstance(error, OSError):
                end_run(plain(error), error)
            end_run(
                f"Writing files into {self._folder} failed ({reason(error)}). Correct that, for "
                "example by making room, and run the command again: the files that are there are "
                "whole",
                error,
            )
