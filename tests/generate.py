"""The texts that follow from the settings and the streams.

`python -m tests.generate` writes them: the extractor in meltano.yml, its definition for MeltanoHub,
the tables of settings and streams in docs/, a snapshot of the catalog, one file a stream, and the
sources of the dbt package. From the assumptions about the API, it writes their page.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tap_constantcontact.config.settings import DAYS, INSTANTS, PROPERTIES
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests import generate_assumptions, generate_dbt
from tests.hub import definition
from tests.plugin import Setting, code, described, dumped, parts, selection, type_of

ROOT = Path(__file__).parents[1]
SNAPSHOTS = "tests/snapshots"
HUB = ".github/meltano-hub.yml"
STREAM_PAGE = "docs/streams.md"
SETTING_PAGE = "docs/settings.md"
COMMAND = "python -m tests.generate"

TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
"""What JSON types are called in the table, where that is not their own name."""


def texts(
    root: Path = ROOT,
    *,
    settings: Mapping[str, Any] | None = None,
    streams: Iterable[Any] = STREAMS,
    catalog: Iterable[Mapping[str, Any]] | None = None,
) -> dict[str, str]:
    """Return the text that each generated file should have, by its path under `root`.

    Args:
        root: The folder of the project.
        settings: JSON schema of the settings; the tap's own by default.
        streams: The classes of the streams, in the order in which they run.
        catalog: The entry of each stream in the catalog; what the tap discovers by default.

    Raises:
        ValueError: A file has lost the lines that mark where a generated part begins and ends.
    """
    if settings is None:
        settings = PROPERTIES.to_dict()
    if catalog is None:
        catalog = TapConstantContact(config={"access_token": "none"}).catalog_dict["streams"]
    generated = {
        "meltano.yml": ("plugin", meltano_plugin(settings, streams)),
        STREAM_PAGE: ("streams", stream_table(streams)),
        SETTING_PAGE: ("settings", setting_table(settings)),
    }
    return {
        **{
            path: _filled((root / path).read_text("utf-8"), name, text)
            for path, (name, text) in generated.items()
        },
        HUB: definition(settings, streams),
        **{f"{SNAPSHOTS}/{entry['tap_stream_id']}.json": snapshot(entry) for entry in catalog},
    }


def drifted(wanted: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Return the paths of files that are missing, differ or belong to no stream any more."""
    found = {path: root / path for path in (*wanted, *_snapshots(root))}
    return [
        path
        for path, file in found.items()
        if path not in wanted or not file.exists() or file.read_text("utf-8") != wanted[path]
    ]


def write(wanted: Mapping[str, str], root: Path = ROOT) -> None:
    """Write each text into its file, and remove the snapshots of streams that are gone."""
    for path in set(_snapshots(root)) - set(wanted):
        (root / path).unlink()
    for path, text in wanted.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")


def meltano_plugin(settings: Mapping[str, Any], streams: Iterable[Any]) -> str:
    """Return the extractor's part of meltano.yml, in the form in which Meltano writes the file."""
    content = {
        "name": TapConstantContact.name,
        "namespace": "tap_constantcontact",
        "pip_url": "-e .[sandbox]",
        **parts(settings),
        "load_schema": "constantcontact",
        "select": selection(streams),
    }
    return textwrap.indent(dumped([content], sort_keys=False, width=math.inf), "  ")


def setting_table(settings: Mapping[str, Any]) -> str:
    """Return the table of settings."""
    rows = []
    for name, setting in settings["properties"].items():
        meaning, _, default = described(setting).partition(" Default: ")
        if "default" in setting:
            default = _default(setting)
        kind = type_of(setting)
        kind = "date" if name in (*INSTANTS, *DAYS) else TYPES.get(kind, kind)
        rows.append((f"`{name}`", kind, meaning, default.removesuffix(".")))
    return _table(("setting", "type", "meaning", "default"), rows)


def _default(setting: Setting) -> str:
    default = setting["default"]
    if default == setting.get("items", {}).get("enum"):
        return "all of them"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def stream_table(streams: Iterable[Any]) -> str:
    """Return the table of streams, in the order in which they run."""
    columns = ("stream", "key", "replication", "selected", "cost in requests", "scope")
    rows = [
        (
            f"`{stream.name}`",
            code(stream.primary_keys),
            _replication(stream.replication_key),
            "yes" if stream.selected_by_default else "no",
            getattr(stream, "cost", ""),
            f"`{stream.scope}`" if stream.scope else "none",
        )
        for stream in streams
    ]
    return _table(columns, rows)


def _replication(key: object) -> str:
    # A class that sets no key has the SDK's property in its place.
    return f"incremental by `{key}`" if isinstance(key, str) else "full table"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def snapshot(entry: Mapping[str, Any]) -> str:
    """Return a stream's entry in the catalog, in an order that no version of the SDK changes."""
    return json.dumps(dict(sorted(entry.items())), indent=2, ensure_ascii=False) + "\n"


def _snapshots(root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in (root / SNAPSHOTS).glob("*.json")]


def _filled(text: str, name: str, generated: str) -> str:
    """Return a text with what stands between its lines "Generated NAME" and "End of" replaced."""
    part = re.compile(rf"(?ms)^([^\n]*Generated {name}:.*?\n).*?(^[^\n]*End of generated {name}\b)")
    filled, count = part.subn(lambda edges: f"{edges[1]}{generated}{edges[2]}", text)
    if count != 1:
        raise ValueError(f'no lines "Generated {name}: ..." and "End of generated {name}"')
    return filled


if __name__ == "__main__":
    pages = {
        generate_dbt.PATH: generate_dbt.sources(),
        generate_assumptions.PATH: generate_assumptions.page(),
    }
    write({**texts(), **pages})
