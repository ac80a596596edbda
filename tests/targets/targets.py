"""Real targets, each in a virtual environment of its own below TARGETS_VENVS.

A target loads what the tap wrote, and what it made of that is read back: the rows, as text, numbers
and so on, and the type of each column.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row
from typing_extensions import override

VENVS = Path(os.environ.get("TARGETS_VENVS", "/nowhere"))
SCHEMA = "constantcontact"
FAR_FROM_UTC = {"TZ": "America/New_York", "PGTZ": "America/New_York"}

OPAQUE = "text in Python's notation"
"""What target-csv makes of arrays and objects."""

IN_DUCKDB = """
import json, sys, duckdb
database = duckdb.connect(sys.argv[1], read_only=True)
found = database.execute(sys.argv[2])
names = [column[0] for column in found.description]
rows = [dict(zip(names, row)) for row in found.fetchall()]
print(json.dumps(rows, default=lambda moment: moment.isoformat()))
"""

Rows = list[dict[str, Any]]


class Target(ABC):
    """A target.

    Args:
        folder: Where it may write.

    Attributes:
        name: Name of its virtual environment.
        kinds: The types of the columns that it makes, or how they begin, by what they hold.
    """

    name: str
    kinds: ClassVar[Mapping[str, str]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The target's configuration."""

    @abstractmethod
    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        """Return the rows of a stream, and the types of its columns."""

    @classmethod
    def command(cls, name: str) -> Path:
        """Return the path of a command in the target's virtual environment."""
        return VENVS / cls.name / "bin" / name

    @classmethod
    def program(cls) -> Path:
        """Return the path of the target itself."""
        return cls.command(f"target-{cls.name}")

    def load(self, lines: Iterable[dict[str, Any]], **settings: Any) -> None:
        """Load what the tap wrote, with these settings beside the target's."""
        config = self.folder / "target.json"
        config.write_text(json.dumps({**self.settings, **settings}))
        told = subprocess.run(
            [self.program(), f"--config={config}"],
            input="".join(json.dumps(line) + "\n" for line in lines),
            env={**os.environ, **FAR_FROM_UTC, "PGTZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr


class Database(Target):
    """A target in which a row with the key of another takes its place."""

    @abstractmethod
    def query(self, sql: str) -> Rows:
        """Return the rows that a query finds, among tables whose names need no schema."""

    @abstractmethod
    def keys(self, stream: str) -> list[str]:
        """Return the columns of a table's primary key."""


class DuckDB(Database):
    name = "duckdb"
    kinds: ClassVar = {
        "text": "VARCHAR",
        "texts": "JSON",
        "objects": "JSON",
        "object": "JSON",
        "date-time": "TIMESTAMP",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
    }

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "filepath": str(self.folder / "warehouse.duckdb"),
            "default_target_schema": SCHEMA,
        }

    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        columns = self.query(
            "select column_name, data_type from information_schema.columns "
            f"where table_schema = '{SCHEMA}' and table_name = '{stream}' order by ordinal_position"
        )
        types = {row["column_name"]: row["data_type"] for row in columns}
        return self.query(f"select * from {stream}"), types

    def query(self, sql: str) -> Rows:
        call = (self.settings["filepath"], f"set schema = '{SCHEMA}'; {sql}")
        rows: Rows = json.loads(
            subprocess.check_output([self.command("python"), "-c", IN_DUCKDB, *call])
        )
        return rows

    def keys(self, stream: str) -> list[str]:
        (constraint,) = self.query(
            "select constraint_column_names from duckdb_constraints() "
            f"where table_name = '{stream}' and constraint_type = 'PRIMARY KEY'"
        )
        names: list[str] = constraint["constraint_column_names"]
        return names


class Postgres(Database):
    name = "postgres"
    kinds: ClassVar = {
        "text": "text",
        "texts": "text[]",
        "objects": "jsonb[]",
        "object": "jsonb",
        "date-time": "timestamp without time zone",
        "integer": "bigint",
        "number": "numeric",
        "boolean": "boolean",
    }

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self._url = url

    @property
    def settings(self) -> dict[str, Any]:
        url = self._url.replace("://", "+psycopg://")
        return {"sqlalchemy_url": url, "default_target_schema": SCHEMA}

    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        columns = self.query(
            "select attname, format_type(atttypid, atttypmod) as type from pg_attribute "
            f"where attrelid = '{stream}'::regclass and attnum > 0 order by attnum"
        )
        types = {row["attname"]: row["type"] for row in columns}
        return self.query(f"select * from {stream}"), types

    def query(self, sql: str) -> Rows:
        path = f"-c search_path={SCHEMA}"
        with psycopg.connect(self._url, row_factory=dict_row, options=path) as connection:
            found = connection.execute(sql.encode()).fetchall()
        rows: Rows = json.loads(json.dumps(found, default=str))
        return rows

    def keys(self, stream: str) -> list[str]:
        columns = self.query(
            "select attname from pg_index join pg_attribute "
            "on attrelid = indrelid and attnum = any(indkey) "
            f"where indrelid = '{stream}'::regclass and indisprimary"
        )
        return [row["attname"] for row in columns]


class Pipelinewise(Postgres):
    name = "pipelinewise"
    kinds: ClassVar = {
        "text": "character varying",
        **dict.fromkeys(("texts", "objects", "object"), "jsonb"),
        "date-time": "timestamp without time zone",
        "integer": "bigint",
        "number": "double precision",
        "boolean": "boolean",
    }

    @classmethod
    @override
    def program(cls) -> Path:
        return cls.command("target-postgres")

    @property
    @override
    def settings(self) -> dict[str, Any]:
        at = urlsplit(self._url)
        return {
            "host": at.hostname,
            "port": at.port,
            "user": at.username,
            "password": "none is asked for",
            "dbname": at.path.lstrip("/"),
            "default_target_schema": SCHEMA,
        }

    @override
    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        """Return the rows of a stream, in whose texts the target writes line breaks as in JSON."""
        rows, types = super().table(stream)
        broken = [
            {
                name: value.replace(r"\n", "\n") if isinstance(value, str) else value
                for name, value in row.items()
            }
            for row in rows
        ]
        return broken, types


class CSV(Target):
    """Files of the last run alone: the target replaces them."""

    name = "csv"
    kinds: ClassVar = {
        **dict.fromkeys(("text", "date-time", "integer", "number", "boolean"), "text"),
        **dict.fromkeys(("texts", "objects", "object"), OPAQUE),
    }

    @property
    def settings(self) -> dict[str, Any]:
        return {"output_path": str(self.folder)}

    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        with (self.folder / f"{stream}.csv").open(newline="") as file:
            rows: Rows = list(csv.DictReader(file))
        nested = {
            name
            for row in rows
            for name, value in row.items()
            if isinstance(value, str) and value[:1] in {"[", "{"}
        }
        return rows, {name: OPAQUE if name in nested else "text" for name in rows[0]}


class JSONLines(Target):
    name = "jsonl"
    kinds: ClassVar = {
        **dict.fromkeys(("text", "date-time"), "string"),
        **dict.fromkeys(("texts", "objects"), "array"),
        **dict.fromkeys(("integer", "number"), "number"),
        "object": "object",
        "boolean": "boolean",
    }

    @property
    def settings(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def table(self, stream: str) -> tuple[Rows, dict[str, str]]:
        with (self.folder / f"{stream}.jsonl").open() as file:
            rows: Rows = [json.loads(line) for line in file]
        names: dict[str, str] = {}
        for row in rows:
            names |= {
                k: type(v).__name__ for k, v in row.items() if v is not None or k not in names
            }
        of_json = {"str": "string", "int": "number", "float": "number", "bool": "boolean"}
        of_json |= {"list": "array", "dict": "object", "NoneType": "null"}
        return rows, {name: of_json[kind] for name, kind in names.items()}


TARGETS: tuple[type[Target], ...] = (Postgres, Pipelinewise, DuckDB, CSV, JSONLines)
