"""Two accounts read by a real Meltano, where MELTANO_PROJECT_ROOT has this tap installed."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.sandbox.server import Sandbox
from tests.examples.project import Project, needs_meltano
from tests.expected import Expected
from tests.runs import Run

pytestmark = needs_meltano

STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")


def test_each_account_has_its_own_job_tables_tokens_and_state(
    project: Project, sandboxes: dict[str, Sandbox]
) -> None:
    for name, sandbox in sandboxes.items():
        project.meltano("run", name)
        loaded = Run([])
        for stream in STREAMS:
            loaded.records[stream] = project.records(name, stream)
            assert loaded.by_key(stream) == Expected(sandbox.account)[stream]
        assert (project.folder / "tokens" / f"{name}.json").exists()

    first = {name: project.state(name) for name in sandboxes}
    project.meltano("run", "acme")
    second = {name: project.state(name) for name in sandboxes}
    assert read_since(first["acme"], second["acme"])
    assert second["bolt"] == first["bolt"]


def read_since(before: Any, after: Any) -> bool:
    """Tell whether a run read only what had changed since another."""
    contacts, again = (state["bookmarks"]["contacts"] for state in (before, after))
    later = again["replication_key_value"] > contacts["replication_key_value"]
    return later and bool(again["full_read_at"] == contacts["full_read_at"])
