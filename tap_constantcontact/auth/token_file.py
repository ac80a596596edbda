"""The file with the newest tokens, shared by all processes that use them.

A refresh token is either *long lived* (each refresh returns the same one) or *rotating* (it works
once, and the response contains the next one); both kinds expire after 180 days without use.
(Source: the vendor's developer forum, staff answers.) If the next rotating token is lost, a person
has to sign in again. So a refresh is a transaction on this file: it holds the file's lock, and the
new token is on disk before it is used. The file also stores the account that the tokens belong to,
so that not every run has to request it.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from tap_constantcontact.auth.tokens import Tokens, fingerprint
from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError, reason, refused
from tap_constantcontact.output.system import BINARY, put

SIGN_IN = "sign in again with tap-constantcontact-login"

FILE_REMEDY = "set it to a file in a folder that the tap may write to"

ROOM = 40_960
"""Bytes to reserve: two tokens of the largest size (16 KiB each), and the other keys."""

LARGEST_TOKEN_FILE = 1_048_576
"""Maximum size of a token file in bytes."""

SILENCE = 5.0
"""Seconds to wait for another process before saying so in the log."""

LONGEST_RENEWAL = 600.0
"""Seconds to wait for another process from then on before giving up.

A renewal takes seconds, and two minutes if the authorization server does not answer.
"""

READING = os.O_RDONLY | BINARY | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for a writer


class TokenLock:
    """A lock beside a token file: one process at a time renews its tokens.

    It is waited for with a word in the log, and for a bounded time. The operating system releases
    the lock of a process that ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)

    def __enter__(self) -> None:
        """Take the lock.

        Raises:
            FatalAPIError: Another process kept it for too long.
            OSError: The file of the lock cannot be written.
        """
        try:
            self._lock.acquire(timeout=SILENCE)
        except Timeout:
            if not Path(self._lock.lock_file).exists():
                raise FileNotFoundError(errno.ENOENT, "no file can be made there") from None
            self._wait_longer()

    def _wait_longer(self) -> None:
        logging.getLogger("tap-constantcontact").warning(
            "Another process is renewing the token in %s. Waiting for it, for up to %.0f minutes",
            self._path,
            LONGEST_RENEWAL / 60,
        )
        try:
            self._lock.acquire(timeout=LONGEST_RENEWAL)
        except Timeout:
            raise FatalAPIError(
                f"Another process has been renewing the token in {str(self._path)!r} for more than "
                f"{LONGEST_RENEWAL / 60:.0f} minutes. Look for a run that hangs and end it, then "
                "run again."
            ) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class TokenFile:
    """A JSON file that only its owner can read, and that is replaced atomically.

    If its path is a link, it is the file that this leads to. Keys from a newer version stay in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.lock = TokenLock(self.path)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TokenFile:
        """Return the token file of a configuration: the one it sets, or else the default one.

        Raises:
            ConfigValidationError: There is no such file.
        """
        try:
            return cls(cls._path_of(config))
        except RuntimeError as error:
            named = config.get("token_file") or "is missing"
            raise refused(
                f"token_file {named}: this user has no home folder to keep tokens in, so "
                f"{FILE_REMEDY}"
            ) from error
        except ValueError as error:
            raise refused(
                "token_file contains a character that no file name can have, such as NUL: "
                f"{FILE_REMEDY}"
            ) from error

    @staticmethod
    def _path_of(config: Mapping[str, Any]) -> Path:
        if config.get("token_file"):
            return Path(config["token_file"]).expanduser()
        if not re.fullmatch(r"[\w.-]{1,128}", config["client_id"], re.ASCII):
            raise refused(
                "client_id is not the API key of an application, which has letters, digits and "
                "hyphens alone: copy it from the application's page at Constant Contact"
            )
        parts = [config["client_id"]]
        if seed := config.get("refresh_token"):
            parts.append(fingerprint(seed)[:16])
        folder = platformdirs.user_state_path("tap-constantcontact", appauthor=False)
        return folder / f"{'-'.join(parts)}.json"

    def why_not_kept(self) -> str | None:
        """Return the reason why tokens cannot be stored here, or None if they can.

        This tries the same operations as a refresh, before a token depends on them.
        """
        try:
            make_folder(self.path.parent)
            with self.lock, self.reserved():
                if os.path.lexists(self.path):  # links in a circle are still there
                    os.close(os.open(self.path, os.O_RDWR))
                if os.path.ismount(self.path):
                    return "it is mounted alone, without its folder, so it cannot be replaced"
        except OSError as error:
            return reason(error)
        return None

    @property
    def vanishes(self) -> bool:
        """Whether the file is in a container's own file system, and is lost with the container."""
        with suppress(OSError, StopIteration):
            mounts = Path("/proc/self/mounts").read_text("utf-8").splitlines()
            root = next(kind for _, at, kind, *_ in map(str.split, mounts) if at == "/")
            here = self.path.parent.stat().st_dev
            return root == "overlay" and here == Path("/").stat().st_dev
        return False

    def read(self) -> Tokens | None:
        """Return the tokens in the file, or None if there is no file yet.

        Raises:
            ConfigValidationError: The file is not a token file, or others can read it.
        """
        try:
            content, mode = self._content()
            tokens = msgspec.convert(content, Tokens)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            if not os.access(self.path.parent, os.X_OK):
                return None
            raise self._fault("cannot be read: it belongs to another user") from error
        except OSError as error:
            raise self._fault(f"cannot be read ({reason(error)}): set it to a file") from error
        except (ValueError, RecursionError, msgspec.ValidationError):
            raise self._fault(f"is not a token file: remove it, then {SIGN_IN}") from None
        if os.name == "posix" and mode & 0o077:
            raise self._fault(
                f"can be read by others (mode {mode:04o}): run chmod 600 on it, and {SIGN_IN} if "
                "anybody may have read it"
            )
        return tokens

    def _content(self) -> tuple[dict[str, Any], int]:
        """Return the JSON object in the file, and the file's mode."""
        with os.fdopen(os.open(self.path, READING), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "not a regular file")
            text = file.read(LARGEST_TOKEN_FILE + 1)
        content = json.loads(text.decode("utf-8-sig"))
        if len(text) > LARGEST_TOKEN_FILE or not isinstance(content, dict):
            raise ValueError("not a JSON object of a token file's size")
        return content, stat.S_IMODE(mode)

    def _fault(self, text: str) -> ConfigValidationError:
        return refused(f"token_file {str(self.path)!r} {text}")

    def write(self, tokens: Tokens) -> None:
        """Write the tokens to disk, under the lock, to survive a power cut.

        An `OSError` leaves the file as it was.
        """
        with self.reserved() as write:
            write(tokens)

    @contextmanager
    def reserved(self) -> Iterator[Callable[[Tokens], None]]:
        """Have room on the disk for new tokens within this context, under the lock.

        Yields:
            What writes the new tokens, as `write` does.

        Raises:
            OSError: There is no room, or no file can be made.
        """
        with suppress(FileNotFoundError):
            self._draft_path.unlink()
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
            with FileIO(os.open(self._draft_path, flags, 0o600), "wb") as draft:
                size = self.path.stat().st_size if self.path.exists() else 0
                _overwrite(draft, bytes(min(size, LARGEST_TOKEN_FILE) + ROOM))
                yield lambda tokens: self._replace(draft, tokens)
        finally:
            self._draft_path.unlink(missing_ok=True)

    def _replace(self, draft: FileIO, tokens: Tokens) -> None:
        known = asdict(tokens)
        text = json.dumps(known)
        with suppress(OSError, ValueError, RecursionError):
            text = json.dumps(_updated(self._content()[0], known))
        _overwrite(draft, text.encode())
        draft.close()
        put(self._draft_path, self.path)
        with suppress(OSError):  # Windows can neither open a folder nor needs to
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @property
    def _draft_path(self) -> Path:
        """Path of the draft, always the same, so that the next writer removes a leftover one."""
        return self.path.with_name(f".{self.path.name}.new")

    def remove(self) -> bool:
        """Remove the file, and return whether there was one.

        The lock file stays, as another process may be waiting for it.
        """
        if not self.path.exists():
            return False
        with self.lock:
            self._draft_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        return True


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


def _overwrite(file: FileIO, content: bytes) -> None:
    """Replace the content of a file, in the room that it has on the disk, and wait for the disk."""
    file.seek(0)
    left = content
    while left:
        left = left[file.write(left) :]
    file.truncate()
    os.fsync(file.fileno())


def _updated(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is new, with the keys beside it that only the old one has, at any depth."""
    nested = {
        key: _updated(old[key], value)
        for key, value in new.items()
        if isinstance(value, dict) and isinstance(old.get(key), dict)
    }
    return {**old, **new, **nested}
