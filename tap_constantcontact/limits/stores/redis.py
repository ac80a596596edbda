"""A ledger in Redis."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tap_constantcontact.clock import SECONDS_A_DAY
from tap_constantcontact.limits.stores.addresses import UNKNOWN_OPTION, UNREADABLE, options_of
from tap_constantcontact.limits.stores.store import STORE_PATIENCE, Step, StoreError, T, stepped

LIFE = 2 * SECONDS_A_DAY
"""Seconds after its last change at which Redis removes a ledger."""

KNOWN_OPTIONS = {
    "client_name",
    "db",
    "health_check_interval",
    "password",
    "protocol",
    "socket_keepalive",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "username",
}
"""Options of a URL; redis-py takes any argument of its classes, most of which are no texts."""


class RedisStore:
    """Keeps a ledger in Redis, for processes of many machines, by Redis' clock.

    If another run changes the ledger during a step, the step runs again.
    """

    extra = "redis"

    def __init__(self, url: str, key: str) -> None:
        import redis  # noqa: PLC0415 - an extra

        self._errors = redis.RedisError
        self._key = f"tap-constantcontact:{key}"
        options = options_of(url)
        if not KNOWN_OPTIONS.issuperset(options):
            raise StoreError(UNKNOWN_OPTION)
        database = urlsplit(url).path.strip("/")
        if database and (not database.isdecimal() or "db" in options):
            raise StoreError("after the host, give the number of a Redis database, or nothing")
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=STORE_PATIENCE, socket_connect_timeout=STORE_PATIENCE
            )
        except ValueError:
            raise StoreError(UNREADABLE) from None
        pool = self._client.connection_pool
        try:
            pool.connection_class(**pool.connection_kwargs)
        except (NameError, TypeError, ValueError, redis.RedisError):  # NameError: redis 6
            raise StoreError(UNKNOWN_OPTION) from None

    def __str__(self) -> str:
        return "Redis"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, in a transaction."""

        def transact(pipe: Any) -> T:
            seconds, microseconds = pipe.time()
            kept, result = stepped(pipe.get(self._key), step, seconds + microseconds / 1_000_000)
            pipe.multi()
            pipe.set(self._key, kept, ex=LIFE)
            return result

        try:
            result: T = self._client.transaction(transact, self._key, value_from_callable=True)
        except (self._errors, OSError, ValueError) as error:
            raise StoreError(type(error).__name__) from None
        return result
