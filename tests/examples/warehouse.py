"""The dbt package in a database into which a real target loads.

DBT_VENV names a virtual environment with `examples/dbt/requirements.txt` installed, and for
Postgres with dbt-postgres and meltanolabs-target-postgres too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import psycopg

from tests.examples.marts import Mart, by_key
from tests.targets import targets
from tests.targets.targets import FAR_FROM_UTC

EXAMPLE = Path(__file__).parents[2] / "examples" / "dbt"
COMMANDS = Path(os.environ.get("DBT_VENV", "/nowhere")) / "bin"


class OfDbt:
    """A target in the virtual environment of dbt."""

    @classmethod
    def command(cls, name: str) -> Path:
        """Return the path of a command."""
        return COMMANDS / name


class DuckDB(OfDbt, targets.DuckDB):
    @property
    def environment(self) -> dict[str, str]:
        """The variables by which dbt finds it."""
        return {"WAREHOUSE": self.settings["filepath"]}


class Postgres(OfDbt, targets.Postgres):
    @property
    def environment(self) -> dict[str, str]:
        """The variables by which dbt finds it."""
        info = psycopg.conninfo.conninfo_to_dict(self._url)
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
        return {variable: str(info[name]) for name, variable in names.items()}


Warehouse = DuckDB | Postgres


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
        rows = self.warehouse.query(f"select * from marketing.{name}")
        return by_key([{name: typed(name, row[name]) for name in row} for row in rows], keys)


def typed(name: str, value: Any) -> Any:
    """Return a value of a column, a date-time as an instant in UTC, a month as a date."""
    if value is None:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
    return date.fromisoformat(value) if name == "month" else value
