"""The stores, used by several processes at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

import psycopg
import pytest
from redis import Redis

from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.limits.ledger import Ledger
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.limits.stores.store import StoreError
from tests.limits.stores.counting import config_of, count, counted
from tests.servers import LOOPBACK, free_port

COUNTER = """
import sys
from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.limits.stores import store_for
from tests.limits.stores.counting import config_of, count

store = store_for(config_of(*sys.argv[1:3]), SYSTEM)
for _ in range(int(sys.argv[3])):
    store.change(count)
    print("counted", flush=True)
"""

HOLDER = """
import sys, time
from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.limits.stores import store_for
from tests.limits.stores.counting import config_of, count

def hold(ledger, now):
    count(ledger, now)
    print("holding", flush=True)
    time.sleep(60)

store_for(config_of(*sys.argv[1:3]), SYSTEM).change(hold)
"""


def process(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


@pytest.mark.slow
def test_processes_and_threads_count_in_one_store(where: str) -> None:
    counters = [process(COUNTER, where, "many", "40") for _ in range(2)]
    store = store_for(config_of(where, "many"), SYSTEM)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(40):
            pool.submit(store.change, count)
    for counter in counters:
        counter.communicate()
        assert counter.returncode == 0
    assert store.change(counted) == 3 * 40


@pytest.mark.slow
def test_a_process_that_is_killed_neither_locks_nor_spoils_a_store(where: str) -> None:
    store = store_for(config_of(where, "killed"), SYSTEM)
    store.change(count)
    holder = process(HOLDER, where, "killed")
    assert holder.stdout
    assert holder.stdout.readline() == "holding\n"
    holder.kill()
    holder.communicate()
    assert store.change(count) == 2


def empty(where: str) -> None:
    """Remove all that a store keeps, as somebody may do who knows no better."""
    if where.startswith("redis"):
        Redis.from_url(where).flushall()
    elif where.startswith("postgresql"):
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("DELETE FROM tap_constantcontact_limits")
    else:
        with closing(sqlite3.connect(where, isolation_level=None)) as database:
            database.execute("DELETE FROM keys")


def test_a_store_that_somebody_emptied_goes_on_at_the_second_attempt_at_the_latest(
    where: str,
) -> None:
    store = store_for(config_of(where, "emptied"), SYSTEM)
    store.change(count)
    empty(where)
    with suppress(StoreError):
        store.change(counted)
    assert store.change(count) == 1


def test_keys_have_ledgers_of_their_own(where: str) -> None:
    one, other = (store_for(config_of(where, key), SYSTEM) for key in ("one", "other"))
    one.change(count)
    assert other.change(counted) == 0


def test_a_failing_transaction_leaves_the_ledger_as_it_was(where: str) -> None:
    store = store_for(config_of(where, "failing"), SYSTEM)

    def fail(ledger: Ledger, now: float) -> None:
        count(ledger, now)
        raise LookupError

    with pytest.raises(LookupError):
        store.change(fail)
    assert store.change(counted) == 0


def test_a_store_tells_the_time(where: str) -> None:
    store = store_for(config_of(where, "time"), SYSTEM)
    assert abs(store.change(lambda _, now: now) - time.time()) < 2


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_server_that_is_not_there_is_an_error_without_the_password(scheme: str) -> None:
    url = f"{scheme}://someone:s3cret@{LOOPBACK}:{free_port(LOOPBACK)}"
    with pytest.raises(StoreError) as caught:
        store_for(config_of(url), SYSTEM).change(count)
    kind = {"redis": "ConnectionError", "postgresql": "OperationalError"}
    assert str(caught.value) == kind[scheme]
    assert caught.value.__suppress_context__


def test_a_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "limits.sqlite"
    file.write_text("this is no database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        store_for(config_of(str(file)), SYSTEM).change(count)


def test_a_file_s_own_words_are_not_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "limits.sqlite"
    store = store_for(config_of(str(file)), SYSTEM)
    store.change(count)
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TRIGGER t BEFORE INSERT ON keys BEGIN SELECT raise(ABORT, 'Call\n555'); END"
        )
    with pytest.raises(StoreError, match=r"^IntegrityError$"):
        store.change(count)


def removed(file: Path) -> None:
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()


@pytest.mark.parametrize("remove", [removed, Path.unlink, lambda file: rmtree(file.parent)])
def test_a_file_that_is_removed_while_it_is_used_is_made_again_with_its_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, remove: Callable[[Path], None]
) -> None:
    file = tmp_path / "of" / "limits.sqlite"
    first, second, third = (store_for(config_of(str(file)), SYSTEM) for _ in range(3))
    for store in (first, second, third):
        store.change(count)
    remove(file)
    assert [store.change(count) for store in (first, second, third, first)] == [4, 5, 6, 7]
    assert caplog.text.count("was removed or replaced") == 3
    assert store_for(config_of(str(file)), SYSTEM).change(counted) == 7


def test_a_file_that_takes_the_place_of_another_one_is_used(tmp_path: Path) -> None:
    file, other = tmp_path / "limits.sqlite", tmp_path / "other.sqlite"
    store = store_for(config_of(str(file)), SYSTEM)
    store.change(count)
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE other (a)")
    removed(file)
    other.rename(file)
    assert store.change(count) == 2
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall()[0] == ("other",)


@pytest.mark.parametrize(
    "content",
    ["[]", 5, 0.5, b"\xff", "\0", '{"a":' * 10**5, '{"last": 1e99}', '{"queue": {"a": ""}}'],
)
def test_a_damaged_ledger_is_an_error(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "limits.sqlite"
    store = store_for(config_of(str(file)), SYSTEM)
    store.change(count)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE keys SET ledger = ?", (content,))
    with pytest.raises(StoreError, match="something else"):
        store.change(count)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
@pytest.mark.parametrize("is_default", [True, False])
def test_only_its_owner_can_read_the_file_and_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_default: bool
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a" / "b"))
    where = "" if is_default else str(tmp_path / "a" / "b" / "limits.sqlite")
    store = store_for(config_of(where), SYSTEM)
    store.change(count)
    made = [*tmp_path.rglob("*")]
    assert len(made) >= 5
    assert {path.stat().st_mode & 0o077 for path in made} == {0}


def a_token(claims: str) -> str:
    return f"x.{urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.x"


def path_of(**config: Any) -> str:
    return str(store_for({"sandbox": False, "api_url": "http://localhost", **config}, SYSTEM))


def test_runs_of_an_application_share_a_file_whatever_their_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    shared = path_of(client_id="app", token_file="/srv/one.json")
    assert str(tmp_path) in shared
    assert shared == path_of(client_id="app", token_file="/srv/other.json")
    assert shared == path_of(access_token=a_token('{"cid": "app"}'))
    assert shared != path_of(access_token="opaque")
    assert shared != path_of(client_id="other")


def test_without_a_state_folder_the_file_is_beside_the_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    where = path_of(client_id="app", token_file=str(tmp_path / "tokens.json"))
    assert str(tmp_path) in where
    assert "/dev/null" not in path_of(client_id="app")
