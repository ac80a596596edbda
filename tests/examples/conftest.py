"""Two accounts of one application, each in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.examples.project import Project
from tests.sandboxes import YOUTH

SEEDS = {"acme": 1, "bolt": 2}


@pytest.fixture
def sandboxes() -> Iterator[dict[str, Sandbox]]:
    """The sandbox of each account of the examples."""
    running = {
        name: Sandbox(Account(seed, size=12, now=YOUTH)).start() for name, seed in SEEDS.items()
    }
    yield running
    for sandbox in running.values():
        sandbox.stop()


@pytest.fixture
def project(sandboxes: dict[str, Sandbox], tmp_path: Path) -> Project:
    """The Meltano project that reads them."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, sandboxes)
