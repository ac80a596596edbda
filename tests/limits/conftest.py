"""A small account, as most of these tests read all of it, and stores of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import BINARIES, REDIS, postgres, redis


@pytest.fixture(scope="module", params=["file", "redis", "postgres"])
def where(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a store of each kind is, as the setting limits_store has it."""
    if request.param == "file":
        yield str(tmp_path_factory.mktemp("store") / "limits.sqlite")
    elif request.param == "redis":
        if not REDIS:
            pytest.skip("no redis-server")
        with redis() as url:
            yield url
    else:
        if not BINARIES:
            pytest.skip("no PostgreSQL server")
        with postgres() as url:
            yield url
