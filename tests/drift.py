"""What changed in the published contract, of what the tap reads, since it was last looked at.

    python -m tests.drift SWAGGER_FILE          says what, and exits with 1 if there is anything
    python -m tests.drift SWAGGER_FILE --seen   writes down that it was looked at

What was seen is a list of facts, one a line: the paths that the tap reads, the rights that they
need, their parameters with bounds and choices, and the fields of their answers with types.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from tap_constantcontact.auth.permissions import PRIVILEGES_PATH
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.campaigns import EmailCampaignDetails
from tests.generate import ROOT, SNAPSHOTS
from tests.sandboxes import path_of

SEEN = ROOT / SNAPSHOTS / "contract.txt"
BOUNDS = ("minimum", "maximum", "default")
READ = sorted({PRIVILEGES_PATH, EmailCampaignDetails.path, *map(path_of, STREAMS)})

Schema = Mapping[str, Any]


def loaded(file: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    contract: dict[str, Any] = yaml.load(file.read_text("utf-8"), loader)
    return contract


def facts(contract: Schema) -> list[str]:
    """Return what a contract says of what the tap reads, a line for each fact."""
    lines = []
    for path in READ:
        operation = contract["paths"].get(path, {}).get("get")
        lines += [f"GET {path}", *(_of_operation(contract, operation) if operation else ["  gone"])]
    return lines


def _of_operation(contract: Schema, operation: Schema) -> Iterator[str]:
    ways = [scope for way in operation.get("security", ()) for one in way.values() for scope in one]
    yield f"  scopes: {', '.join(sorted({*ways})) or 'none'}"
    yield f"  privileges: {', '.join(operation.get('x-authorization-privileges', ())) or 'none'}"
    parameters = [_resolved(contract, one) for one in operation.get("parameters", ())]
    for one in sorted(parameters, key=lambda one: str(one["name"])):
        yield f"  ?{one['name']}: {_kind(one)}{', required' if one.get('required') else ''}"
    for status, answer in sorted(operation["responses"].items(), key=lambda pair: str(pair[0])):
        if str(status).startswith("2"):
            yield f"  answers {status}"
            yield from sorted(_fields(contract, answer.get("schema", {}), "", ()))


def _kind(schema: Schema) -> str:
    """Return the type of a value, with its bounds and its choices."""
    choices = schema.get("enum") or schema.get("items", {}).get("enum") or ()
    parts = [str(schema.get("format") or schema.get("type") or "anything")]
    parts += [f"{name} {schema[name]}" for name in BOUNDS if name in schema]
    parts += [f"one of {' '.join(sorted(map(str, choices)))}"] * bool(choices)
    return ", ".join(parts)


def _fields(contract: Schema, schema: Schema, path: str, above: tuple[str, ...]) -> Iterator[str]:
    reference = str(schema.get("$ref", ""))
    if reference in above:
        return
    whole = _resolved(contract, schema)
    if path and not {"properties", "items"} & whole.keys():
        yield f"    {path}: {_kind(whole)}"
    for name, part in whole.get("properties", {}).items():
        yield from _fields(contract, part, f"{path}.{name}", (*above, reference or path))
    if "items" in whole:
        yield from _fields(contract, whole["items"], f"{path}[]", (*above, reference or path))


def _resolved(contract: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        kind, name = schema["$ref"].split("/")[-2:]
        schema = contract[kind][name]
    return schema


def difference(contract: Schema) -> str:
    """Return what a contract says otherwise than the one last seen; nothing if all is the same."""
    seen, now = _by_path(SEEN.read_text("utf-8").splitlines()), _by_path(facts(contract))
    shown = []
    for path in sorted({*seen, *now}):
        before, after = seen.get(path, []), now.get(path, [])
        gone = [f"- {line.strip()}" for line in before if line not in after]
        come = [f"+ {line.strip()}" for line in after if line not in before]
        shown += ["\n".join((path, *gone, *come))] * bool(gone or come)
    return "\n\n".join(shown)


def _by_path(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("GET "):
            path = found.setdefault(line, [])
        else:
            path.append(line)
    return found


def main(file: str, *options: str) -> int:
    contract = loaded(Path(file))
    if "--seen" in options:
        SEEN.write_text("\n".join((*facts(contract), "")), "utf-8")
        return 0
    if not (changes := difference(contract)):
        return 0
    click.echo(
        f"The contract {contract['info']['version']} says otherwise than the one last seen, of "
        f"what the tap reads (- before, + now):\n\n{changes}\n\nChange the streams that this "
        "concerns, then run python -m tests.drift SWAGGER_FILE --seen, and commit what it wrote."
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
