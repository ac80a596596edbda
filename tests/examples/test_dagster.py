"""Many accounts of one key through a real Dagster into a real Postgres, with a tap killed midway.

DAGSTER_VENV names a virtual environment with `examples/dagster/requirements.txt` installed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.parameters import DETAILS, partly_slow
from tests.sandboxes import YOUTH
from tests.servers import BINARIES, postgres

EXAMPLE = Path(__file__).parents[2] / "examples" / "dagster"
COMMANDS = Path(os.environ.get("DAGSTER_VENV", "/nowhere")) / "bin"
NEEDED = (
    COMMANDS / "dagster-daemon",
    COMMANDS / "target-postgres",
    (BINARIES or Path("/nowhere")) / "psql",
)
pytestmark = [
    pytest.mark.skipif(
        not all(command.exists() for command in NEEDED),
        reason="no Postgres, or no DAGSTER_VENV with Dagster and target-postgres",
    ),
    pytest.mark.timeout(600),
]

AT_ONCE = 4
RATE = 20
KILLED_AFTER = 40
"""How many contacts the report has asked for when its tap is killed."""

OFTEN = """
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""
"""A setting by which Dagster looks into its queue each second, as the runs are short."""

WATCH = """
import json, sys, time
import dagster as dg

instance = dg.DagsterInstance.get()
ended = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
while len(records := instance.get_run_records(ended)) < int(sys.argv[1]):
    time.sleep(1)
for record in records:
    run = record.dagster_run
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    told = [event.step_materialization_data for event in events if event.is_step_materialization]
    print(json.dumps({
        "account": run.tags["dagster/partition"],
        "status": run.status.value,
        "start": record.start_time,
        "end": record.end_time,
        "restarts": sum(event.event_type_value == "STEP_RESTARTED" for event in events),
        "told": {
            data.materialization.asset_key.to_user_string(): {
                name: value.value for name, value in data.materialization.metadata.items()
            }
            for data in told
        },
    }))
"""
"""Wait for all runs in Dagster's own records, and print what these tell of each."""


# Postgres


class Database:
    """What was loaded.

    Args:
        url: Where it is.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def lines(self, query: str) -> list[str]:
        psql = (*NEEDED[2:], self.url, "-At", "-c", query)
        return subprocess.run(
            psql, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.splitlines()

    def tables(self, schema: str) -> set[str]:
        query = f"select table_name from information_schema.tables where table_schema = '{schema}'"
        return {*self.lines(query)}

    def counts(self, schema: str, tables: set[str]) -> dict[str, int]:
        queries = (f"select '{name}', count(*) from \"{schema}\".{name}" for name in tables)
        rows = (line.split("|") for line in self.lines(" union all ".join(queries)))
        return {name: int(count) for name, count in rows}

    def details(self, schema: str) -> list[Any]:
        """The keys of the events."""
        lines = self.lines(f'select contact_id, activity_id from "{schema}".{DETAILS}')
        return [tuple(line.split("|")) for line in lines]


@pytest.fixture
def database() -> Iterator[Database]:
    with postgres() as url:
        yield Database(url)


# The accounts


@dataclass
class Killer:
    """What kills the tap of an account in the middle of its sweep, once.

    Attributes:
        account: Whose tap.
        before: The contacts that its report asked for until then.
        after: Those that it asked for later.
    """

    account: str
    before: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)
    has_killed: bool = False

    def sees(self, account: str, path: str) -> None:
        if account != self.account or not path.endswith("/activity_summary"):
            return
        asked = self.after if self.has_killed else self.before
        asked.add(path.split("/")[-2])
        if len(self.before) == KILLED_AFTER and not self.has_killed:
            self.has_killed = True
            os.kill(self._tap(), signal.SIGKILL)

    def _tap(self) -> int:
        option = f"/{self.account}/tap.json"
        for folder in Path("/proc").glob("[0-9]*"):
            command = (folder / "cmdline").read_text()
            if "bin/tap-constantcontact\0" in command and option in command:
                return int(folder.name)
        raise AssertionError("No tap reads the account.")


@pytest.fixture(params=partly_slow([10], [40]))
def accounts(request: pytest.FixtureRequest) -> list[Account]:
    """Small accounts, and one that takes long enough to be killed in the middle."""
    return [Account(seed, 5 if seed else 60, YOUTH) for seed in range(request.param)]


@pytest.fixture
def killer(accounts: list[Account]) -> Killer:
    return Killer(accounts[0].encoded_account_id)


@pytest.fixture
def sandbox(accounts: list[Account], killer: Killer) -> Iterator[Sandbox]:
    @web.middleware
    async def watched(request: web.Request, handler: Any) -> Any:
        killer.sees(running.authorization.account_of(request), request.path)
        return await handler(request)

    running = Sandbox(
        accounts[0],
        others=accounts[1:],
        limits=Limits(per_second=RATE),
        middlewares=[watched],
    )
    with running:
        yield running


# Dagster


@dataclass
class Dagster:
    """A copy of the example, which is Dagster's home too, as its README has it."""

    home: Path
    env: dict[str, str]

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMANDS / command, *arguments],
            cwd=self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=(self.home / f"{command}.log").open("w"),
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run what launches the runs in the queue."""
        daemon = self.start("dagster-daemon", "run", "-f", "definitions.py")
        try:
            yield
        finally:
            os.killpg(daemon.pid, signal.SIGKILL)  # the runs too, if the test has failed
            daemon.communicate()

    def ask(self, command: str, *arguments: str) -> str:
        process = self.start(command, *arguments)
        said, _ = process.communicate()
        assert process.returncode == 0, (self.home / f"{command}.log").read_text()
        return said


@pytest.fixture
def dagster(sandbox: Sandbox, database: Database, tmp_path: Path) -> Dagster:
    shutil.copy(EXAMPLE / "definitions.py", tmp_path)
    settings = (EXAMPLE / "dagster.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(settings + OFTEN)
    configurations = sandbox.configurations()
    for one in configurations:
        one["config"] |= {"requests_per_second": RATE, "daily_request_limit": 1_000_000}
    (tmp_path / "accounts.json").write_text(json.dumps(configurations))
    env = {
        **os.environ,
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
        "DAGSTER_HOME": str(tmp_path),
        "POSTGRES_URL": database.url.replace("://", "+psycopg://"),
    }
    return Dagster(tmp_path, env)


def most_at_once(runs: list[dict[str, Any]]) -> int:
    changes = sorted([(run["start"], 1) for run in runs] + [(run["end"], -1) for run in runs])
    return max(sum(change for _, change in changes[:end]) for end in range(1, len(changes)))


def test_accounts_are_loaded_whole_though_a_tap_is_killed(
    dagster: Dagster, database: Database, accounts: list[Account], killer: Killer
) -> None:
    backfill = ("job", "backfill", "-f", "definitions.py", "-j", "every_account")
    dagster.ask("dagster", *backfill, "--all", "all", "--noprompt")
    with dagster.running():
        told_of_all = dagster.ask("python", "-c", WATCH, str(len(accounts)))
    runs = [json.loads(line) for line in told_of_all.splitlines()]

    names = {account.encoded_account_id for account in accounts}
    assert {run["account"] for run in runs} == names
    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert most_at_once(runs) <= AT_ONCE
    assert {run["account"]: run["restarts"] for run in runs if run["restarts"]} == {
        killer.account: 1
    }
    assert len(killer.before & killer.after) < KILLED_AFTER / 2  # it went on, from the state

    told = {run["account"]: run["told"] for run in runs}
    selected = {stream.name for stream in STREAMS if stream.selected_by_default}
    for account in accounts:
        name, expected = account.encoded_account_id, Expected(account)
        assert database.tables(name) == selected
        wanted = {stream: len(expected[stream]) for stream in selected}
        loaded = database.counts(name, selected)
        if name == killer.account:
            wanted["contact_counts"] = 2  # a row for each attempt
        else:
            assert {
                stream: told[name][f"constantcontact/{stream}"]["dagster/row_count"]
                for stream in selected
            } == wanted
            assert told[name].keys() == {f"constantcontact/{stream}" for stream in selected}
            assert told[name]["constantcontact/contact_lists"]["requests"] == 2
        assert loaded == wanted
        assert database.lines(f'select contact_id from "{name}".contacts order by 1') == sorted(
            expected["contacts"]
        )
        details = database.details(name)
        assert len(details) == wanted[DETAILS]
        assert {*details} == expected[DETAILS].keys()


def test_one_stream_of_one_account_is_loaded_alone(
    dagster: Dagster, database: Database, accounts: list[Account]
) -> None:
    name, chosen = accounts[1].encoded_account_id, "key:constantcontact/contact_lists"
    one = ("asset", "materialize", "-f", "definitions.py", "--select", chosen, "--partition", name)
    dagster.ask("dagster", *one)
    assert database.tables(name) == {"contact_lists"}
    wanted = {"contact_lists": len(Expected(accounts[1])["contact_lists"])}
    assert database.counts(name, {*wanted}) == wanted


def test_the_sources_of_the_dbt_package_are_the_assets(dagster: Dagster) -> None:
    script = "from definitions import KEYS; print(*(key.to_user_string() for key in KEYS.values()))"
    assets = dagster.ask("python", "-c", script).split()
    (source,) = yaml.safe_load((EXAMPLE.parent / "dbt/models/sources.yml").read_text())["sources"]
    assert assets == [f"{source['name']}/{table['name']}" for table in source["tables"]]
