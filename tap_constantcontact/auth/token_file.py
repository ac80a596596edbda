"""The file that keeps the newest tokens, for every process that uses them.

A refresh token is either *long lived* (every refresh gives the same one back) or *rotating* (it
works once, and the answer holds its successor); either dies after 180 idle days. (Source: the
vendor's developer forum, staff answers.) A rotating token that was spent and whose successor was
not kept can only be replaced by a person who signs in. So a refresh is a transaction on this file:
under its lock, and on disk before it is used. The file also knows whose account it opens, so that
this is asked once and not by every run.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.auth.account import Account

IDLE_DAYS = 180
"""Days without use after which Constant Contact forgets a refresh token."""

SECONDS_A_DAY = 86_400

SIGN_IN = "sign in again with tap-constantcontact-login"


def fingerprint(secret: str) -> str:
    """Return what tells one secret from another and gives neither away."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token file holds.

    Attributes:
        client_id: The application that the tokens belong to.
        seed: Fingerprint of the configured refresh token that these stand for, or empty.
        refresh_token: The newest refresh token.
        access_token: The newest access token, if one was fetched.
        expires_at: When the access token ends, in seconds since the epoch.
        refreshed_at: When the refresh token was last used, in seconds since the epoch.
        rotates: Whether the last refresh replaced the refresh token; None before the first.
        account: Whose account they open; None before anybody asked.
        last_read: The account that the last run with this file read, if that was known.
    """

    client_id: str
    seed: str
    refresh_token: str
    access_token: str | None = None
    expires_at: float = 0.0
    refreshed_at: float = 0.0
    rotates: bool | None = None
    account: Account | None = None
    last_read: Account | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Tokens:
        """Return what the content of a file means.

        Raises:
            TypeError: It is not that of a token file.
        """
        if not isinstance(content, Mapping):
            raise TypeError
        accounts = {
            name: Account(**content[name])
            for name in ("account", "last_read")
            if content.get(name) is not None
        }
        return cls(**{**content, **accounts})

    @property
    def idle_days(self) -> float:
        """Days since the refresh token was last used; 0 where that is not known."""
        return (time.time() - self.refreshed_at) / SECONDS_A_DAY if self.refreshed_at else 0.0


class TokenFile:
    """A JSON file, readable by its owner alone, that is replaced whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TokenFile:
        """Return the file that a configuration names, or else the one kept for its tokens.

        Raises:
            ConfigValidationError: It would be in a home folder, and there is none.
        """
        try:
            return cls(cls._path_of(config))
        except RuntimeError as error:
            named = config.get("token_file") or "is missing"
            fault = (
                f"token_file {named}: this user has no home folder to keep tokens in, so name a "
                "file in a folder that the tap may write to"
            )
            raise ConfigValidationError("Config validation failed", errors=[fault]) from error

    @staticmethod
    def _path_of(config: Mapping[str, Any]) -> Path:
        if config.get("token_file"):
            return Path(config["token_file"]).expanduser()
        parts = [config["client_id"]]
        if seed := config.get("refresh_token"):
            parts.append(fingerprint(seed)[:16])
        folder = platformdirs.user_state_path("tap-constantcontact", appauthor=False)
        return folder / f"{'-'.join(parts)}.json"

    def why_not_kept(self) -> str | None:
        """Return why tokens could not be kept here, or None where they can be.

        The proof is to do what a refresh does, before a token depends on it.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.lock:
                self._draft().close()
                self._draft_path.unlink()
                if self.path.exists():
                    self.path.open("r+b").close()
        except OSError as error:
            return error.strerror or type(error).__name__
        return None

    @property
    def vanishes(self) -> bool:
        """Whether the file lies in the layer of a container, which is gone when that is."""
        with suppress(OSError, StopIteration):
            mounts = Path("/proc/self/mounts").read_text("utf-8").splitlines()
            root = next(kind for _, at, kind, *_ in map(str.split, mounts) if at == "/")
            here = self.path.parent.stat().st_dev
            return root == "overlay" and here == Path("/").stat().st_dev
        return False

    def read(self) -> Tokens | None:
        """Return what the file holds, or None where there is none yet.

        Raises:
            ConfigValidationError: The file is not a token file, or others can read it.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                tokens = Tokens.from_json(json.load(file))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            if not os.access(self.path.parent, os.X_OK):
                return None
            raise self._fault("cannot be read: it belongs to another user") from error
        except (OSError, ValueError, TypeError) as error:
            raise self._fault(f"is no token file: remove it, then {SIGN_IN}") from error
        if os.name == "posix" and mode & 0o077:
            raise self._fault(
                f"can be read by others (mode {mode:04o}): run chmod 600 on it, and {SIGN_IN} if "
                "anybody may have"
            )
        return tokens

    def _fault(self, text: str) -> ConfigValidationError:
        return ConfigValidationError(
            "Config validation failed", errors=[f"token_file {str(self.path)!r} {text}"]
        )

    def write(self, tokens: Tokens) -> None:
        """Put the tokens on disk, under the lock: when this returns they survive a power cut."""
        with self._draft() as file:
            json.dump(asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        self._draft_path.replace(self.path)
        with suppress(OSError):  # a folder cannot be opened on Windows, nor need it be
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @property
    def _draft_path(self) -> Path:
        """One name, as the lock lets one writer in; what a kill left there is written over."""
        return self.path.with_name(f".{self.path.name}.new")

    def _draft(self) -> Any:
        with suppress(FileNotFoundError):
            self._draft_path.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self._draft_path, flags, 0o600), "w", encoding="utf-8")

    def remove(self) -> bool:
        """Remove the file, and return whether there was one; the lock may be waited for, so stays.

        Raises:
            OSError: It cannot be removed.
        """
        if not self.path.exists():
            return False
        with self.lock:
            self._draft_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        return True
