"""A module that is run, as `python -m` does, with as little as Windows offers a program.

What only other systems have is not there while the package is imported; a file that is open is
neither removed nor replaced; and a pipe that nobody reads is an invalid argument.
"""

from __future__ import annotations

import errno
import io
import os
import runpy
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp.web  # noqa: F401 - on Linux, these need what is missing
import filelock  # noqa: F401
import platformdirs  # noqa: F401
from typing_extensions import Buffer

MISSING = {
    signal: ("ITIMER_REAL", "SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "alarm", "setitimer"),
    select: ("PIPE_BUF", "epoll", "poll"),
    os: ("fork", "getuid", "set_blocking"),
}


def is_open(file: Path) -> bool:
    """Tell whether this process has a file open; on Linux alone."""
    links = Path("/proc/self/fd").iterdir()
    return any(os.path.realpath(link) == str(file.absolute()) for link in links)


def unless_open(change: Callable[..., Any]) -> Callable[..., Any]:
    """Return a change of files that Windows refuses if one of these is open."""

    def refusing(*files: Path, **options: Any) -> Any:
        if any(map(is_open, files)):
            error = PermissionError(errno.EACCES, "The file is in use")
            error.winerror = 32  # type: ignore[attr-defined]
            raise error
        return change(*files, **options)

    return refusing


class Pipe(io.FileIO):
    """A file that is written to, whose error of a reader that is gone is that of Windows."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise OSError(errno.EINVAL, "Invalid argument") from None


if __name__ == "__main__":
    for module, names in MISSING.items():
        for name in names:
            delattr(module, name)
    for method in ("rename", "replace", "unlink"):
        setattr(Path, method, unless_open(getattr(Path, method)))
    io.FileIO = Pipe  # type: ignore[misc]
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
