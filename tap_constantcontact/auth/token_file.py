"""The file with the newest tokens, shared by all processes that use them.

A refresh token is either *long lived* (each refresh returns the same one) or *rotating* (it works
once, and the response contains the next one); both kinds expire after 180 days without use.
(Source: the vendor's developer forum, staff answers.) If the next rotating token is lost, a person
has to sign in again. So a refresh is a transaction on this file: it holds the file's lock, and the
new token is on disk before it is used. The file also stores the account that the tokens belong to,
so that not every run has to request it.
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
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.auth.account import Account
from tap_constantcontact.auth.token_lock import TokenLock

IDLE_DAYS = 180
"""Days without use after which a refresh token expires."""

SECONDS_A_DAY = 86_400

SIGN_IN = "sign in again with tap-constantcontact-login"


def fingerprint(secret: str) -> str:
    """Return a hash that identifies a secret without revealing it."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Tokens:
    """The content of a token file.

    Attributes:
        client_id: The application that the tokens belong to.
        seed: Fingerprint of the configured refresh token that these tokens come from; empty if they
            come from a sign-in.
        refresh_token: The newest refresh token.
        access_token: The newest access token, if one was fetched.
        expires_at: When the access token expires, in seconds since the epoch.
        refreshed_at: When the refresh token was last used, in seconds since the epoch.
        rotates: Whether the last refresh replaced the refresh token; None before the first refresh.
        account: The account that the tokens belong to; None before it was requested.
        last_read: The account that the last run with this file read, if known.
        scope: The scopes in the response that the access token came in, separated by spaces; empty
            if there were none.
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
    scope: str = ""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Tokens:
        """Return the tokens in the content of a token file.

        Raises:
            TypeError: The content is not that of a token file.
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
        """Days since the refresh token was last used; 0 if unknown."""
        return (time.time() - self.refreshed_at) / SECONDS_A_DAY if self.refreshed_at else 0.0


class TokenFile:
    """A JSON file that only its owner can read, and that is replaced atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = TokenLock(path)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TokenFile:
        """Return the token file of a configuration: the one it sets, or else the default one.

        Raises:
            ConfigValidationError: The file would be in a home folder, but there is none.
        """
        try:
            return cls(cls._path_of(config))
        except RuntimeError as error:
            named = config.get("token_file") or "is missing"
            fault = (
                f"token_file {named}: this user has no home folder to keep tokens in, so set it to "
                "a file in a folder that the tap may write to"
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
        """Return the reason why tokens cannot be stored here, or None if they can.

        This tries the same operations as a refresh, before a token depends on them.
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
            raise self._fault(f"is not a token file: remove it, then {SIGN_IN}") from error
        if os.name == "posix" and mode & 0o077:
            raise self._fault(
                f"can be read by others (mode {mode:04o}): run chmod 600 on it, and {SIGN_IN} if "
                "anybody may have read it"
            )
        return tokens

    def _fault(self, text: str) -> ConfigValidationError:
        return ConfigValidationError(
            "Config validation failed", errors=[f"token_file {str(self.path)!r} {text}"]
        )

    def write(self, tokens: Tokens) -> None:
        """Write the tokens to disk, under the lock; afterwards they survive a power cut."""
        with self._draft() as file:
            json.dump(asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        self._draft_path.replace(self.path)
        with suppress(OSError):  # Windows can neither open a folder nor needs to
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @property
    def _draft_path(self) -> Path:
        """Path of the draft: always the same, as only one writer has the lock; leftovers go."""
        return self.path.with_name(f".{self.path.name}.new")

    def _draft(self) -> Any:
        with suppress(FileNotFoundError):
            self._draft_path.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self._draft_path, flags, 0o600), "w", encoding="utf-8")

    def remove(self) -> bool:
        """Remove the file, and return whether there was one.

        The lock file stays, as another process may be waiting for it.

        Raises:
            OSError: The file cannot be removed.
        """
        if not self.path.exists():
            return False
        with self.lock:
            self._draft_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        return True
