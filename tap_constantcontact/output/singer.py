"""Singer messages on stdout, always as whole lines, however a run ends."""

from __future__ import annotations

import atexit
import io
import logging
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, cast

import click
from singer_sdk.io_base import SingerWriter
from singer_sdk.singerlib import Message, SchemaMessage
from typing_extensions import override

from tap_constantcontact.exceptions import exits_with_a_message, reason
from tap_constantcontact.output.figures import Reading
from tap_constantcontact.output.log import leave_out_noise
from tap_constantcontact.output.system import BROKEN_PIPE, PIPE_BLOCK, READER_GONE, Deadline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GRACE = 1.0
"""Seconds that a terminated run has to write its last line, and then to exit, before it is killed.

If the reader has stopped reading, a line may then be cut.
"""

BLOCK = 64 * 1024


class Output(ABC):
    """Where the lines of a run go."""

    @property
    def largest_block(self) -> int:
        """Maximum size of a block of lines, in bytes, unless a single line is larger."""
        return BLOCK

    @abstractmethod
    def write(self, block: bytes) -> None:
        """Take whole lines, each a message."""

    @abstractmethod
    def begin_stream(self, reading: Reading) -> None:
        """Take note of the reading whose rows follow, and which tells later how it ended."""


class Stdout(Output):
    """Lines to stdout.

    A pipe gets blocks that it takes as a whole or not at all, so a killed process leaves no half
    line.
    """

    @cached_property
    @override
    def largest_block(self) -> int:
        try:
            mode = os.fstat(sys.stdout.fileno()).st_mode
        except io.UnsupportedOperation:  # a stdout within this process
            return BLOCK
        return BLOCK if stat.S_ISREG(mode) else PIPE_BLOCK

    @override
    def write(self, block: bytes) -> None:
        if buffer := getattr(sys.stdout, "buffer", None):
            buffer.write(block)
        else:
            sys.stdout.write(block.decode())
        sys.stdout.flush()

    @override
    def begin_stream(self, reading: Reading) -> None:
        """Do nothing: the state tells what was read."""


class WholeLineWriter(SingerWriter):
    """Writes messages so that a signal ends the run between two lines, never within one.

    Lines of records are collected and written in blocks. Messages of the types `without` are left
    out.

    Attributes:
        last_words: Called to write the last line of a run that a signal ends.
        terminated_by: The signal that asked the run to end, if one did.
    """

    def __init__(
        self, output: Output | None = None, without: tuple[type[Message], ...] = ()
    ) -> None:
        super().__init__()
        self.output = output or Stdout()
        self._without = without
        self.last_words: Callable[[], None] = lambda: None
        self.terminated_by: int | None = None
        self._writing = False
        self._ended_with: int | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self._deadline = Deadline()
        # A process that is about to exit would still be killed, with another exit code.
        atexit.register(self._deadline.clear)

    @property
    def has_written_all(self) -> bool:
        """Whether no line waits for its block to be written."""
        return not self._lines

    def write_line(self, line: bytes) -> None:
        """Write one line as `write_block` does, or collect it for the next block."""
        if self._size + len(line) > self.output.largest_block:
            self.write_block()
        self._lines.append(line)
        self._size += len(line)

    def write_block(self) -> None:
        """Write the lines that were collected.

        Raises:
            SystemExit: A signal arrived while they were being written.
        """
        if not self._lines:
            return
        with self._whole():
            block, self._lines, self._size = b"".join(self._lines), [], 0
            self.output.write(block)

    def write_message(self, message: Message) -> None:
        """Write one message as one line, as `write_block` does, after all lines before it.

        A SCHEMA message names only what a stream map left of the schema.
        """
        if isinstance(message, SchemaMessage):
            properties = message.schema["properties"]
            named = [name for name in message.bookmark_properties or () if name in properties]
            message.bookmark_properties = named or None
            message.key_properties = message.key_properties or []
        if not isinstance(message, self._without):
            self.write_line(f"{self.format_message(message)}\n".encode())
            self.write_block()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Write within this context, at whose end a signal that arrived meanwhile ends the run."""
        if self._ended_with is not None:
            raise SystemExit(self._ended_with)
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
        if (signum := self.terminated_by) is not None:
            self._end(signum)

    def terminate(self, signum: int) -> None:
        """End the run between two lines; to be called by a signal handler.

        Python discards what is raised while it removes an object, such as a response. If that
        happens to the SystemExit, the next line to be written raises it again.

        Raises:
            SystemExit: At once, unless a line is being written.
        """
        self.terminated_by = signum
        self._deadline.set(GRACE, _exit_code(signum))
        if not self._writing:
            self._end(signum)

    def _end(self, signum: int) -> None:
        code = _exit_code(signum)
        self.terminated_by = None
        self.write_block()
        self.last_words()
        self._ended_with = code
        self._deadline.set(GRACE, code)
        raise SystemExit(code)


def _exit_code(signum: int) -> int:
    """Return the exit code that shells give a process ended by a signal."""
    return 128 + signum


class StdoutFile(io.FileIO):
    """A stdout that ends the process when it cannot be written to, and complains why."""

    def __init__(self, descriptor: int, complain: Callable[[str], None]) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._complain = complain
        self._unfinished = 0

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as many bytes as fit, and return their number.

        Raises:
            SystemExit: With the exit code of a broken pipe if the reader is gone; with 1, after one
                plain line, if writing fails otherwise, for example because the disk is full.
        """
        try:
            written = super().write(data)
        except OSError as error:
            self._cut_unfinished_line()
            self._discard()
            if error.errno in READER_GONE:
                raise SystemExit(BROKEN_PIPE) from None
            self._complain(
                f"Writing to stdout failed ({reason(error)}). Make room, or send the output "
                "elsewhere, and run the command again."
            )
            raise SystemExit(1) from error
        _, newline, rest = bytes(data)[:written].rpartition(b"\n")
        self._unfinished = len(rest) if newline else self._unfinished + len(rest)
        return written

    def _cut_unfinished_line(self) -> None:
        """Remove an incomplete last line, if stdout is a file that nobody else has appended to."""
        with suppress(OSError):
            end = os.lseek(self.fileno(), 0, os.SEEK_CUR)
            status = os.fstat(self.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size == end:
                os.ftruncate(self.fileno(), end - self._unfinished)

    def _discard(self) -> None:
        """Discard what Python has buffered and would write on exit."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class PlainCommand(click.Command):
    """A command that works with stdin or stderr closed.

    It ends with one plain line and exit code 1 whatever fails, a closed stdout included.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command with safe standard streams and a log that is worth reading."""
        leave_out_noise(logging.getLogger())
        if sys.stdin is None:
            sys.stdin = _nothing(0, "r")
        if sys.stderr is None:
            sys.stderr = _nothing(2, "w")
        if sys.stdout is None:
            self.complain("stdout is closed. Redirect it to a file or a program.")
            sys.exit(1)
        with suppress(io.UnsupportedOperation):  # a stdout within this process
            if not sys.stdout.isatty():
                sys.stdout = io.TextIOWrapper(
                    io.BufferedWriter(StdoutFile(sys.stdout.fileno(), self.complain)),
                    encoding="utf-8",
                    errors=sys.stdout.errors,
                    newline="\n",
                )
        try:
            with exits_with_a_message(self.complain):
                return super().main(*args, **kwargs)
        finally:
            sys.stdout.flush()

    def complain(self, message: str) -> None:
        """Tell the user why the command ends."""
        click.ClickException(message).show()


def _nothing(descriptor: int, mode: str) -> TextIO:
    """Open the null device as a closed standard stream, so that no other file takes its number."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)
    return cast("TextIO", os.fdopen(descriptor, mode, encoding="utf-8"))
