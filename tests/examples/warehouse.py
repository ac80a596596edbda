"""The dbt package in a database into which a real target loads.

DBT_VENV names a virtual environment with `examples/dbt/requirements.txt` installed, and for
Postgres with dbt-postgres and meltanolabs-target-postgres too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.examples.marts import Mart, by_key
from tests.harness import Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "dbt"
COMMANDS = Path(os.environ.get("DBT_VENV", "/nowhere")) / "bin"
FAR_FROM_UTC = {"TZ": "America/New_York", "PGTZ": "America/New_York"}

ROWS = """
import json, sys, duckdb
found = duckdb.connect(sys.argv[1], read_only=True).execute(f"select * from {sys.argv[2]}")
names = [column[0] for column in found.description]
rows = [dict(zip(names, row)) for row in found.fetchall()]
print(json.dumps(rows, default=lambda moment: moment.isoformat()))
"""


class Warehouse(ABC):
    """A database that a Singer target loads into and dbt builds in.

    Attributes:
        name: What dbt calls it.
        environment: The variables by which dbt finds it.
    """

    name: str
    environment: Mapping[str, str]

    @abstractmethod
    def target(self) -> tuple[str, dict[str, str]]:
        """Return the command of the target, and its configuration."""

    @abstractmethod
    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, its dates and date-times as text."""

    def load(self, run: Run, folder: Path) -> None:
        """Load what the tap wrote."""
        command, settings = self.target()
        config = folder / "target.json"
        config.write_text(json.dumps(settings))
        lines = "".join(json.dumps(line) + "\n" for line in run.lines)
        told = subprocess.run(
            [COMMANDS / command, f"--config={config}"],
            input=lines,
            env={**os.environ, **FAR_FROM_UTC, "PGTZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr


class DuckDB(Warehouse):
    name = "duckdb"

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {"WAREHOUSE": str(file)}

    def target(self) -> tuple[str, dict[str, str]]:
        place = {"filepath": str(self._file), "default_target_schema": "constantcontact"}
        return "target-duckdb", place

    def rows(self, table: str) -> list[dict[str, Any]]:
        command = [str(COMMANDS / "python"), "-c", ROWS, str(self._file), table]
        found: list[dict[str, Any]] = json.loads(subprocess.check_output(command))
        return found


class Postgres(Warehouse):
    name = "postgres"

    def __init__(self, url: str) -> None:
        self._url = url
        info = psycopg.conninfo.conninfo_to_dict(url)
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
        self.environment = {variable: str(info[name]) for name, variable in names.items()}

    def target(self) -> tuple[str, dict[str, str]]:
        url = self._url.replace("://", "+psycopg://")
        return "target-postgres", {
            "sqlalchemy_url": url,
            "default_target_schema": "constantcontact",
        }

    def rows(self, table: str) -> list[dict[str, Any]]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            found = connection.execute(f"select * from {table}").fetchall()
        return list(json.loads(json.dumps(found, default=lambda moment: moment.isoformat())))


class Project:
    """A copy of the package, which builds in a warehouse.

    Args:
        folder: Where it is.
        warehouse: Where it builds.
    """

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse
        shutil.copytree(
            EXAMPLE, folder, ignore=shutil.ignore_patterns(".venv", "target", "logs", "*.duckdb")
        )

    def run(self, command: str, *arguments: str) -> None:
        told = subprocess.run(
            [COMMANDS / command, *arguments],
            cwd=self.folder,
            env={**os.environ, **FAR_FROM_UTC, **self.warehouse.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr

    def build(self, **variables: Any) -> None:
        """Build everything, and run all tests of dbt's."""
        options = ("--target", self.warehouse.name, "--vars", json.dumps(variables))
        self.run("dbt", "build", *options)

    def mart(self, name: str, *keys: str) -> Mart:
        """The rows of a mart by key, date-times as instants."""
        rows = self.warehouse.rows(f"marketing.{name}")
        return by_key([{name: typed(name, row[name]) for name in row} for row in rows], keys)


def typed(name: str, value: Any) -> Any:
    """Return a value of a column, a date-time as an instant in UTC, a month as a date."""
    if value is None:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
    return date.fromisoformat(value) if name == "month" else value
