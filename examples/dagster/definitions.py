"""Every Constant Contact account of a key, loaded once a day into a Postgres schema of its own."""

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import dagster as dg

from tap_constantcontact.streams import STREAMS

HERE = Path(__file__).parent
ACCOUNTS_FILE = Path(os.environ.get("ACCOUNTS_FILE", HERE / "accounts.json"))
DATA = Path(os.environ.get("DATA_FOLDER", HERE / "data")).absolute()
CATALOG = HERE / "catalog.json"

ACCOUNTS: dict[str, dict[str, Any]] = {
    account["name"]: account["config"] for account in json.loads(ACCOUNTS_FILE.read_text("utf-8"))
}
PARTITIONS = dg.StaticPartitionsDefinition([*ACCOUNTS])

KEYS = {stream.name: dg.AssetKey(["constantcontact", stream.name]) for stream in STREAMS}
"""The asset of each stream; dagster-dbt gives the tables of ../dbt the same keys."""
DAILY = [KEYS[stream.name] for stream in STREAMS if stream.selected_by_default]
"""What is loaded every day: the streams that the tap selects by default."""


class Log:
    """The lines that a command writes to stderr, passed on to Dagster's log.

    Attributes:
        read: Number of rows and of requests of each stream that was read, by the stream's name.
    """

    LEVEL = re.compile(r"^[-\d]+ [:,\d]+ \| (\w+)")
    READ = re.compile(r"Read ([\d,]+) rows? of (\w+)\b.* with ([\d,]+) requests?")

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self.read: dict[str, tuple[int, int]] = {}

    def pass_on(self, lines: Iterable[str]) -> None:
        """Pass lines on until the command ends."""
        for line in lines:
            level = self.LEVEL.match(line)
            self._log.log(level[1] if level else logging.INFO, line.rstrip())
            if found := self.READ.search(line):
                rows, requests = (int(found[n].replace(",", "")) for n in (1, 3))
                self.read[found[2]] = rows, requests


def tap_command(name: str, streams: list[str], folder: Path) -> list[str]:
    """Return the command that reads streams of an account from where its last run ended."""
    config = folder / "tap.json"
    tokens = {"token_file": str(folder / "tokens.json")}
    config.write_text(json.dumps({**tokens, **ACCOUNTS[name], "streams": streams}))
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


@dg.multi_asset(
    specs=[
        dg.AssetSpec(KEYS[stream.name], description=stream.__doc__.splitlines()[0], skippable=True)
        for stream in STREAMS
    ],
    can_subset=True,
    partitions_def=PARTITIONS,
    pool="constant_contact",
    retry_policy=dg.RetryPolicy(max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL),
)
def constant_contact(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Load an account's streams with one tap. A retry resumes from the last saved state."""
    name = context.partition_key
    streams = [stream for stream, key in KEYS.items() if key in context.selected_asset_keys]
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # it contains secrets
    in_utc = {**os.environ, "PGTZ": "UTC"}
    read, loaded = Log(context.log), Log(context.log)
    with (
        Popen(tap_command(name, streams, folder), stdout=PIPE, stderr=PIPE, text=True) as tap,
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
    for stream, (rows, requests) in read.read.items():
        metadata = {"dagster/row_count": rows, "requests": requests}
        yield dg.MaterializeResult(asset_key=KEYS[stream], metadata=metadata)


every_account = dg.define_asset_job(
    "every_account", dg.AssetSelection.assets(*DAILY), partitions_def=PARTITIONS
)

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
