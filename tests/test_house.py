"""The package is built as CONTRIBUTING.md and the contracts of import-linter say."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import tap_constantcontact
from tests.generate import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(tap_constantcontact.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")

MOST_ENTRIES = 18
MOST_LINES = 300
MOST_CLASSES = 4
MOST_NAMES = 0

TWICE_BY_DESIGN = {
    "T": "A type variable, of any type.",
    "main": "The entry point of a command.",
}
"""Names that several modules define, with the reason."""


def path_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def layers() -> list[set[str]]:
    """Return what may import what, as import-linter checks it: the top of the package first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = (
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return [{*re.split(r" \| ", layer)} for layer in contract["layers"]]


def entries() -> set[str]:
    """Return the modules and packages at the top of the package, whose `__main__` is no room."""
    found = {file.stem for file in PACKAGE.glob("*.py")}
    found |= {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")}
    return found - {"__init__", "__main__"}


def defined_in(file: Path) -> Iterator[str]:
    """Yield the names that a module defines for others."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id


def own_ancestors(kind: type) -> list[str]:
    return [
        ancestor.__name__
        for ancestor in kind.__mro__
        if ancestor.__module__.startswith(tap_constantcontact.__name__)
    ]


def test_the_contracts_list_everything_at_the_top_of_the_package() -> None:
    assert set().union(*layers()) == entries()
    assert len(entries()) <= MOST_ENTRIES


def test_the_map_in_contributing_has_the_order_of_the_contracts() -> None:
    house = CONTRIBUTING.split("\ntap_constantcontact/\n")[1].split("\n```")[0]
    shown = re.findall(r"(?m)^  (\w+)(?:\.py|/) ", house)
    assert len(shown) == len(entries())
    for layer in layers():
        assert {*shown[: len(layer)]} == layer
        del shown[: len(layer)]


def test_every_path_in_contributing_exists() -> None:
    for path in re.findall(r"`([\w.-]+/[\w./-]*)`", CONTRIBUTING):
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def test_every_module_can_be_read_at_one_sitting() -> None:
    longer = {file for file in FILES if len(file.read_text("utf-8").splitlines()) > MOST_LINES}
    assert not longer


def test_no_class_has_a_long_line_of_ancestors() -> None:
    deepest = []
    for file in FILES:
        if file.stem != "__main__":
            name = ".".join((PACKAGE.name, *file.relative_to(PACKAGE).with_suffix("").parts))
            module = import_module(name.removesuffix(".__init__"))
            kinds = vars(module).values()
            deepest += [own_ancestors(kind) for kind in kinds if inspect.isclass(kind)]
    longest = max(deepest, key=len)
    assert len(longest) <= MOST_CLASSES, longest


def test_a_name_means_one_thing_across_the_package() -> None:
    """The sandbox, which is another program, may use the names of the tap for its own side."""
    modules = defaultdict(set)
    for file in FILES:
        if not path_of(file).startswith("sandbox/"):
            for name in defined_in(file):
                modules[name].add(path_of(file))
    twice = {
        name: sorted(files)
        for name, files in modules.items()
        if len(files) > 1 and not name.startswith("_") and name not in TWICE_BY_DESIGN
    }
    assert len(twice) <= MOST_NAMES, twice
