"""Stream maps: what cannot be evaluated ends a run with one plain line, before any record."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.parameters import CONTACT_REPORTS, partly_slow
from tests.processes import run_tap
from tests.runs import Runner

pytestmark = pytest.mark.contacts(12, young=True)


STREAMS_READ = ("contact_lists", "contacts", *CONTACT_REPORTS)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the name of another stream": (
        {"contacts": {"__alias__": "contact_lists"}},
        "would write contact_lists and contacts as one stream",
    ),
    "an unknown function": ({"contact_lists": {"name": "sha3(name)"}}, "sha3"),
    "an unknown name": ({"contact_lists": {"name": "nmae.upper()"}}, "nmae"),
    "a bad expression": ({"contact_lists": {"name": "md5(name"}}, "md5(name"),
    "an empty expression": ({"contact_lists": {"name": ""}}, "contact_lists.name"),
    "a statement": ({"contact_lists": {"name": "import os"}}, "import os"),
    "an expression that is none": ({"contact_lists": {"name": {"a": 1}}}, "contact_lists"),
    "a bad filter": ({"contact_lists": {"__filter__": "sha3(name) =="}}, "__filter__"),
    "an unknown name in a filter": ({"contact_lists": {"__filter__": "nmae"}}, "nmae"),
    "a filter that is none": ({"contact_lists": {"__filter__": 5}}, "__filter__"),
    "a fault behind one that shows on records alone": (
        {"contacts": {"a": "md5(email_address)", "b": "sha3(contact_id)"}},
        "sha3",
    ),
    "a fault in a copy of a stream": (
        {"more": {"__source__": "contacts", "a": "sha3(contact_id)"}},
        "sha3",
    ),
    "a fault in many streams": ({"contact*": {"a": "sha3(1)"}}, "sha3"),
    "a key that is taken away": ({"contact_lists": {"list_id": None}}, "list_id"),
    "an unknown default": ({"__else__": "drop"}, "__else__"),
    "an unknown option": ({"__all__": {"a": "1"}}, "__all__"),
    "a stream that is no map": ({"contact_lists": "name"}, "contact_lists"),
}


@pytest.mark.parametrize("name", partly_slow([*REFUSED][:1], [*REFUSED][1:]))
def test_a_map_that_cannot_work_is_refused_before_any_message(tmp_path: Path, name: str) -> None:
    maps, said = REFUSED[name]
    result = run_tap(tmp_path, config={"sandbox": True, "stream_maps": maps})
    errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(errors) == 1
    assert "stream_maps" in errors[0]
    assert said in errors[0]
    assert "Traceback" not in result.stderr


def test_a_map_that_fails_on_a_record_ends_the_run_with_one_line(
    run: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    result = run(
        streams=STREAMS_READ, stream_maps={"contacts": {"first": "1 / (sms_channel and 1 or 0)"}}
    )
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert result.exit_code == 1
    assert len(errors) == 1
    assert "stream_maps" in errors[0].getMessage()
    assert "contacts" in errors[0].getMessage()
    assert errors[0].exc_info is None
    assert result.records.keys() == {"contact_lists"}
    assert result.lines[-1]["type"] == "STATE"


def test_stream_maps_change_records_as_they_say(run: Runner, account: Account) -> None:
    maps = {
        "contact_lists": {
            "name": "md5(name)",
            "count": "int(membership_count) + config['more']",
            "__filter__": "membership_count > 0",
        },
        "contacts": {
            "domain": "record['email_address']['address'].split('@')[-1] "
            "if 'email_address' in record else None",
            "kept": "[item for item in (taggings or [])]",
            "seen": "datetime.datetime.now().isoformat()",
            "contact_id": "self",
            "__else__": None,
        },
        "contact_action_summary": None,
        "campaigns": {
            "__source__": "contact_activity_details",
            "__key_properties__": ["key"],
            "key": "str(campaign_activity_id) + __stream_name__",
        },
    }
    result = run(streams=STREAMS_READ, stream_maps=maps, stream_map_config={"more": 1})
    assert result.exit_code == 0
    assert result.records.keys() == {
        "contact_lists",
        "contacts",
        "contact_activity_details",
        "campaigns",
    }
    names = {row["list_id"]: row["name"] for row in account.list_rows()}
    for record in result.records["contact_lists"]:
        digest = hashlib.md5(names[record["list_id"]].encode()).hexdigest()
        assert record["name"] == digest
    assert all("domain" in record for record in result.records["contacts"])


def test_a_map_of_a_stream_that_is_not_selected_is_left_alone(run: Runner) -> None:
    result = run(streams="contact_lists", stream_maps={"contacts": {"a": "md5(contact_id)"}})
    assert result.exit_code == 0
    assert result.records.keys() == {"contact_lists"}
