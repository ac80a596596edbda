"""What the tap reads from the sandbox, loaded into a target."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.runs import sync
from tests.targets.targets import Target

LOADED = [
    stream.name
    for stream in STREAMS
    if stream.selected_by_default or stream.name.startswith("contact_")
]


def load(target: Target, config: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Run the tap from a state, and load what it reads; returns the new state."""
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, LOADED)
    run = sync(config, state, catalog=catalog)
    assert run.exit_code == 0
    target.load(run.lines)
    return run.state
