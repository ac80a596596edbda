"""The JSON files that a command is given: its settings, a state, a catalog.

A message names the file, and quotes nothing of what is in it, which may be a secret.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from tap_constantcontact.exceptions import reason, refused

ENVIRONMENT = "ENV"
"""The `--config` that stands for the environment."""

LARGEST_FILE = 64 * 1024 * 1024
"""Maximum size of a file, in bytes. A catalog of all streams has less than a million."""

DEEPEST = 100
"""Maximum number of arrays and objects in a file that are nested in each other."""

PIPE_PATIENCE = 3.0
"""Seconds to wait for a named pipe that nobody writes to yet."""

BLANK = " \t\r\n"
"""The white space of JSON."""


class NotJSONError(ValueError):
    """A text is not JSON that can be used; the message says why and quotes nothing of it."""


def configuration(sources: Iterable[str | Path]) -> dict[str, Any]:
    """Read the settings in all files that `--config` names; a later file wins over an earlier one.

    Raises:
        ConfigValidationError: A file cannot be read.
    """
    settings: dict[str, Any] = {}
    for source in sources:
        if source != ENVIRONMENT:
            settings |= json_object(source, "configuration")
    return settings


def json_object(path: str | Path, kind: str) -> dict[str, Any]:
    """Read a file that contains one JSON object, in UTF-8 with or without a byte order mark.

    `-` is stdin. The kind is for messages: `configuration`, `state` or `catalog`.

    Raises:
        ConfigValidationError: It cannot be read, or contains something else.
    """
    if str(path).lstrip().startswith("{"):
        raise refused(f"the {kind} is given as text: give the name of the file that it is in")
    try:
        content = from_json(_content(path).decode("utf-8-sig"))
    except OSError as error:
        why = reason(error)
    except UnicodeDecodeError:
        why = "it is not JSON in UTF-8, which is expected: save it in that encoding"
    except NotJSONError as error:
        why = str(error)
        if kind == "state":
            why += ". Of a tap's output, give the last line of type STATE alone"
    else:
        if isinstance(content, dict):
            return content
        why = "it contains other JSON than one JSON object, which is expected"
    name = "".join(filter(str.isprintable, str(path)))
    raise refused(f"the {kind} file {name} cannot be read: {why}")


def _content(path: str | Path) -> bytes:
    if str(path) == "-":
        content = sys.stdin.buffer.read(LARGEST_FILE + 1)
    else:
        with opened(path) as file, selectors.DefaultSelector() as selector:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                selector.register(file, selectors.EVENT_READ)
                selector.select(PIPE_PATIENCE)
                os.set_blocking(file.fileno(), True)
            content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise OSError(0, f"it is larger than {LARGEST_FILE:,} bytes")
    return content


def opened(path: str | Path) -> BinaryIO:
    """Open a file for reading, without waiting for a writer if it is a named pipe."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    return open(path, "rb", opener=opener)


def from_json(text: str) -> Any:
    """Return the value that a JSON text stands for, whose numbers are finite.

    Raises:
        NotJSONError: It stands for none, for several, or for one that no target could store.
    """
    try:
        content = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_no_number,
        )
        json.dumps(content, ensure_ascii=False).encode()
        is_flat = _depth(content) <= DEEPEST
    except json.JSONDecodeError as error:
        raise NotJSONError(_why_not(text, error)) from None
    except UnicodeEncodeError:
        raise NotJSONError("it contains half of a surrogate pair, which is no character") from None
    except RecursionError:
        is_flat = False
    if not is_flat:
        raise NotJSONError(f"it is nested more than {DEEPEST} levels deep")
    return content


def _why_not(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip(BLANK):
        return "it is empty, and JSON is expected"
    if error.msg == "Extra data" and text.lstrip(BLANK).startswith("{"):
        return "it contains more than one JSON object, and one is expected"
    return f"it is not JSON, which is expected (line {error.lineno}, column {error.colno})"


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJSONError("it contains a number that is too large")
    return number


def _integer(text: str) -> int:
    _fraction(text)
    return int(text)


def _no_number(_: str) -> float:
    raise NotJSONError("it contains NaN or Infinity, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise NotJSONError("it contains an object with the same name twice")
    return content


def _depth(value: Any) -> int:
    inner = [*value.values()] if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(inner, list) else 0
