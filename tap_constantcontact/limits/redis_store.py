"""A ledger in Redis."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.limits.store import PATIENCE, Step, StoreError, T, decode, encode

LIFE = 2 * 86_400
"""Seconds after its last change at which Redis removes a ledger."""


class RedisStore:
    """Keeps a ledger in Redis, for processes of many machines, by Redis' clock.

    If another run changes the ledger during a step, the step runs again.

    Args:
        url: Where the server is.
        key: Identifies the ledger.

    Attributes:
        extra: What must be installed for it.

    Raises:
        ImportError: The extra `redis` is not installed.
        StoreError: The URL is not valid.
    """

    extra = "redis"

    def __init__(self, url: str, key: str) -> None:
        import redis  # noqa: PLC0415 - an extra

        self._errors = redis.RedisError
        self._key = f"tap-constantcontact:{key}"
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )
        except ValueError as error:
            raise StoreError("the URL is not valid") from error

    def __str__(self) -> str:
        return "Redis"

    def change(self, step: Step[T]) -> T:
        """Run a step on the ledger, in a transaction.

        Raises:
            StoreError: The server cannot be used.
        """

        def transact(pipe: Any) -> T:
            seconds, microseconds = pipe.time()
            ledger = decode(pipe.get(self._key))
            result = step(ledger, seconds + microseconds / 1_000_000)
            pipe.multi()
            pipe.set(self._key, encode(ledger), ex=LIFE)
            return result

        try:
            result: T = self._client.transaction(transact, self._key, value_from_callable=True)
        except self._errors as error:
            raise StoreError(str(error)) from error
        return result
