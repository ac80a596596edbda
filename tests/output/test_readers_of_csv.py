"""A CSV file in the programs that people open it with, cell by cell."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tap_constantcontact.output.files.formats import CSVTable, cell

ROWS: list[dict[str, Any]] = [
    {"id": "a1", "name": 'Ida "the" Great, Ltd', "note": "two\nlines, and\r\nthree", "count": 3},
    {"id": "a2", "name": "🎉 Zoë Ω 日本", "note": "tab\there; semicolon", "count": -1},
    {"id": "a3", "name": "=1+1", "note": '=HYPERLINK("http://x.test","y")', "count": 0},
    {"id": "a4", "name": "+49 30 1", "note": "@SUM(A1)", "count": None},
    {"id": "a5", "name": "-2+3", "note": "\t=1+1", "count": 10**12},
    {"id": "a6", "name": "it's 'so'", "note": None, "lists": ["x", 'y "z"'], "count": 1},
    {"id": "a7", "name": " spaces ", "note": "ends with \\", "lists": [{"a": [1, None]}]},
]
COLUMNS = ("id", "name", "note", "lists", "count")
CELLS = [[cell(row.get(column)) for column in COLUMNS] for row in ROWS]
"""What each cell shows: a text, or the JSON of a list; nothing for null."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    table = CSVTable(path, {"properties": {key: {} for key in COLUMNS}})
    for row in ROWS:
        table.write(msgspec.json.encode(row))
    table.close()
    return path


def in_duckdb(path: Path) -> list[list[Any]]:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"from read_csv('{path}', header = true)")
    assert tuple(found.columns) == COLUMNS
    assert [str(kind) for kind in found.types][-1] == "BIGINT"
    return [["" if one is None else str(one) for one in row] for row in found.fetchall()]


def in_pandas(path: Path) -> list[list[Any]]:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(path, dtype={"count": "Int64"}).astype(object)
    return [
        ["" if pandas.isna(one) else str(one) for one in row] for row in table.to_numpy().tolist()
    ]


def in_libreoffice(path: Path) -> list[list[Any]]:
    """The texts of the cells of a sheet that holds no formula."""
    if not (office := shutil.which("soffice")):
        pytest.skip("no LibreOffice on the PATH")
    command = [office, "--headless", f"-env:UserInstallation=file://{path.parent}/office"]
    command += ["--infilter=CSV:44,34,76,1", "--convert-to", "fods", "--outdir", str(path.parent)]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=100)
    sheet = ET.parse(path.with_suffix(".fods"))
    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    text = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
    rows = []
    for row in sheet.iter(f"{table}table-row"):
        cells = []
        for one in row.iter(f"{table}table-cell"):
            assert f"{table}formula" not in one.attrib
            shown = "\n".join(shown_in(part, text) for part in one.iter(f"{text}p"))
            cells += [shown] * int(one.get(f"{table}number-columns-repeated", "1"))
        rows.append((cells + [""] * len(COLUMNS))[: len(COLUMNS)])
    return rows[1 : len(ROWS) + 1]


def shown_in(part: ET.Element, text: str) -> str:
    """The text of a paragraph, in which spaces and tabs are elements."""
    shown = part.text or ""
    for one in part:
        if one.tag == f"{text}s":
            shown += " " * int(one.get(f"{text}c", "1"))
        elif one.tag == f"{text}tab":
            shown += "\t"
        else:
            shown += shown_in(one, text)
        shown += one.tail or ""
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("opened", [in_duckdb, in_pandas, in_libreoffice])
def test_each_cell_is_as_it_was_written(
    path: Path, opened: Callable[[Path], list[list[Any]]]
) -> None:
    def in_lines(rows: list[list[str]]) -> list[list[str]]:
        return [[one.replace("\r\n", "\n") for one in row] for row in rows]

    assert in_lines(opened(path)) == in_lines(CELLS)
