"""The store that a configuration asks for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from tap_constantcontact.auth.permissions import application_of
from tap_constantcontact.auth.token_file import TokenFile, make_folder
from tap_constantcontact.auth.tokens import fingerprint
from tap_constantcontact.clock import Clock
from tap_constantcontact.exceptions import ConfigValidationError, refused
from tap_constantcontact.limits.stores.addresses import file_of
from tap_constantcontact.limits.stores.file import FileStore
from tap_constantcontact.limits.stores.postgres import PostgresStore
from tap_constantcontact.limits.stores.redis import RedisStore
from tap_constantcontact.limits.stores.store import Store, StoreError, UnlimitedStore

SERVERS: Mapping[str, type[RedisStore | PostgresStore]] = {
    "redis": RedisStore,
    "rediss": RedisStore,
    "postgresql": PostgresStore,
    "postgres": PostgresStore,
}
"""The stores for several machines, by the scheme of their URL."""


def store_for(config: Mapping[str, Any], clock: Clock) -> Store:
    """Return the store in which the runs of a key count their requests.

    The built-in sandbox has no limits, so its requests are not counted.

    Raises:
        ConfigValidationError: The setting is not valid, or needs an extra that is not installed.
    """
    if config["sandbox"]:
        return UnlimitedStore(clock)
    key = _key_of(config)
    where = config.get("limits_store")
    if not where:
        return FileStore(_default_folder(config) / f"limits-{key}.sqlite", key, clock)
    scheme, separator, _ = where.partition("://")
    try:
        if not separator or scheme not in SERVERS:
            return FileStore(file_of(where, SERVERS), key, clock)
        return SERVERS[scheme](where, key)
    except ImportError as error:
        raise refused(
            "limits_store: this needs an extra: run pip install "
            f"'tap-constantcontact[{SERVERS[scheme].extra}]'"
        ) from error
    except StoreError as error:
        raise refused(f"limits_store: {error}") from error


def _key_of(config: Mapping[str, Any]) -> str:
    """Return what identifies the key: its application, or else its access token."""
    token = config.get("access_token") or ""
    application = application_of(token) or config.get("client_id") or token
    return fingerprint(f"{config['api_url']} {application}")[:16]


def _default_folder(config: Mapping[str, Any]) -> Path:
    """Return the first folder in which this user may create files."""
    for folder in _folders(config):
        with suppress(OSError):
            make_folder(folder)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
    return _temporary_folder()


def _folders(config: Mapping[str, Any]) -> Iterator[Path]:
    with suppress(RuntimeError):
        yield platformdirs.user_state_path("tap-constantcontact", appauthor=False)
    with suppress(ConfigValidationError):
        if config.get("token_file"):
            yield TokenFile.of(config).path.parent


def _temporary_folder() -> Path:
    """Return this user's folder for temporary files; a new one if somebody else took its name."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"tap-constantcontact-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid == user:
            return folder
    return Path(tempfile.mkdtemp())
