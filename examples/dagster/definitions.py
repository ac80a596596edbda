"""Every Constant Contact account of a key, loaded once a day into a Postgres schema of its own."""

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import dagster as dg

HERE = Path(__file__).parent
ACCOUNTS_FILE = Path(os.environ.get("ACCOUNTS_FILE", HERE / "accounts.json"))
DATA = Path(os.environ.get("DATA_FOLDER", HERE / "data")).absolute()
CATALOG = HERE / "catalog.json"

ACCOUNTS: dict[str, dict[str, Any]] = {
    account["name"]: account["config"] for account in json.loads(ACCOUNTS_FILE.read_text("utf-8"))
}
PARTITIONS = dg.StaticPartitionsDefinition([*ACCOUNTS])


class Log:
    """The lines that a command writes to stderr, passed on to Dagster's log.

    Attributes:
        rows: Number of rows by stream.
        requests: Number of requests.
    """

    LEVEL = re.compile(r"^[-\d]+ [:,\d]+ \| (\w+)")
    ROWS = re.compile(r"Read ([\d,]+) rows? of ([a-z]\w+)")
    REQUESTS = re.compile(r"Sent ([\d,]+) requests?")

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self.rows: Counter[str] = Counter()
        self.requests = 0

    def pass_on(self, lines: Iterable[str]) -> None:
        """Pass lines on until the command ends."""
        for line in lines:
            level = self.LEVEL.match(line)
            self._log.log(level[1] if level else logging.INFO, line.rstrip())
            if counted := self.ROWS.search(line):
                self.rows[counted[2]] += int(counted[1].replace(",", ""))
            if sent := self.REQUESTS.search(line):
                self.requests = int(sent[1].replace(",", ""))


def tap_command(name: str, folder: Path) -> list[str]:
    """Return the command that reads an account from where its last run ended."""
    config = folder / "tap.json"
    config.write_text(json.dumps({"token_file": str(folder / "tokens.json"), **ACCOUNTS[name]}))
    command = ["tap-constantcontact", f"--config={config}"]
    optional = {"--state": folder / "state.json", "--catalog": CATALOG}
    return command + [f"{option}={file}" for option, file in optional.items() if file.exists()]


def target_command(name: str, folder: Path) -> list[str]:
    """Return the command that loads an account into its schema."""
    config = folder / "target.json"
    settings = {"sqlalchemy_url": os.environ["POSTGRES_URL"], "default_target_schema": name}
    config.write_text(json.dumps(settings))
    return ["target-postgres", f"--config={config}"]


def save_each(states: Iterable[str], file: Path) -> None:
    """Save each state in place of the last; a crash leaves either of them, never a part."""
    new = file.with_suffix(".new")
    for state in states:
        with new.open("w") as opened:
            opened.write(state)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)


@dg.asset(
    partitions_def=PARTITIONS,
    pool="constant_contact",
    retry_policy=dg.RetryPolicy(max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL),
)
def constant_contact(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """An account's contacts and e-mail activity. A retry resumes from the last saved state."""
    name = context.partition_key
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # it contains secrets
    in_utc = {**os.environ, "PGTZ": "UTC"}
    read, loaded = Log(context.log), Log(context.log)
    with (
        Popen(tap_command(name, folder), stdout=PIPE, stderr=PIPE, text=True) as tap,
        Popen(
            target_command(name, folder),
            stdin=tap.stdout,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            env=in_utc,
        ) as target,
        ThreadPoolExecutor() as pool,
    ):
        tap.stdout.close()  # so that the tap notices if the target ends
        saved = pool.submit(save_each, target.stdout, folder / "state.json")
        logs = [pool.submit(read.pass_on, tap.stderr), pool.submit(loaded.pass_on, target.stderr)]
        try:
            for ended in as_completed([saved, *logs]):
                ended.result()
                if ended is saved and target.wait():
                    tap.terminate()
        except BaseException:  # Dagster cancels a run with an exception
            tap.terminate()
            raise
    if tap.returncode or target.returncode:
        raise dg.Failure(
            f"The tap ended with exit code {tap.returncode}, the target with {target.returncode}."
        )
    by_stream = {f"rows/{stream}": rows for stream, rows in read.rows.items()}
    return dg.MaterializeResult(
        metadata={
            "requests": read.requests,
            "dagster/row_count": read.rows.total(),
            **by_stream,
        }
    )


every_account = dg.define_asset_job("every_account", [constant_contact], partitions_def=PARTITIONS)

definitions = dg.Definitions(
    assets=[constant_contact],
    jobs=[every_account],
    schedules=[
        dg.build_schedule_from_partitioned_job(
            every_account,
            name="daily",
            cron_schedule="15 0 * * *",  # UTC, as the API's days
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ],
)
