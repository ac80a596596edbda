"""The tap's definition for MeltanoHub is valid, complete and true."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tap_constantcontact.config.settings import PROPERTIES, SETTINGS
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.tap import TapConstantContact
from tests.generate import HUB, ROOT
from tests.hub import OWNER, definition
from tests.parameters import NAMES
from tests.runs import config_for, sync
from tests.sandboxes import account_of, record_requests

SCHEMAS = os.environ.get("MELTANO_HUB_SCHEMAS")
"""The folder `schemas` of https://github.com/meltano/hub."""


@pytest.fixture(scope="module")
def filled() -> dict[str, Any]:
    """The definition as it is sent to MeltanoHub."""
    text = (ROOT / HUB).read_text("utf-8").replace(OWNER, "ada")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


@pytest.mark.skipif(not SCHEMAS, reason="no MELTANO_HUB_SCHEMAS")
def test_the_hub_accepts_the_definition(filled: dict[str, Any]) -> None:
    folder = Path(SCHEMAS or "")
    schemas = [json.loads(file.read_text()) for file in folder.glob("*/*.schema.json")]
    parts = [(one["$id"], Resource.from_contents(one, DRAFT7)) for one in schemas if "$id" in one]
    whole = json.loads((folder / "plugin_definitions" / "extractors.schema.json").read_text())
    validator = Draft7Validator(whole, registry=Registry().with_resources(parts))
    assert [error.message for error in validator.iter_errors(filled)] == []
    assert not validator.is_valid({**filled, "quality": "excellent"})
    assert not validator.is_valid({**filled, "maker": "ada"})


def test_only_the_owner_of_the_repository_is_left_blank(filled: dict[str, Any]) -> None:
    raw = yaml.safe_load((ROOT / HUB).read_text("utf-8"))
    assert {name for name in raw if raw[name] != filled[name]} == {"repo", "variant"}
    assert filled["repo"] == "https://github.com/ada/tap-constantcontact"
    assert filled["variant"] == "ada"


KINDS = {
    "client_id": "string",
    "client_secret": "password",
    "segment_id": "string",
    "contact_ids": "array",
    "start_date": "date_iso8601",
    "report_end_date": "date_iso8601",
    "report_days_back": "integer",
    "requests_per_second": "string",
    "daily_share": "string",
    "request_timeout": "string",
    "on_daily_limit": "options",
    "sandbox": "boolean",
    "stream_maps": "object",
    "flattening_enabled": "boolean",
    "flattening_max_depth": "integer",
    "faker_config.locale": "array",
    "batch_config.encoding.compression": "options",
    "batch_config.storage.root": "string",
}


def test_settings_have_the_right_kind(filled: dict[str, Any]) -> None:
    kinds = {setting["name"]: setting["kind"] for setting in filled["settings"]}
    assert {name: kinds.get(name) for name in KINDS} == KINDS


def test_every_setting_of_the_tap_is_listed_and_known_to_it(filled: dict[str, Any]) -> None:
    own = PROPERTIES.to_dict()["properties"].keys()
    listed = {setting["name"].partition(".")[0] for setting in filled["settings"]}
    assert own | {"stream_maps", "batch_config"} <= listed <= SETTINGS["properties"].keys()


def test_secrets_are_sensitive_and_nothing_else(filled: dict[str, Any]) -> None:
    secrets = {name for name, one in PROPERTIES.to_dict()["properties"].items() if "secret" in one}
    settings = filled["settings"]
    assert {one["name"] for one in settings if one.get("sensitive")} == secrets
    assert {one["name"] for one in settings if one["kind"] == "password"} == secrets


@pytest.mark.slow
def test_each_group_of_settings_suffices_and_less_does_not(
    filled: dict[str, Any], tmp_path: Path
) -> None:
    signed_in = tmp_path / "signed-in.json"
    signed_in.touch(0o600)
    signed_in.write_text('{"client_id": "given", "seed": "", "refresh_token": "stored"}')
    for group in filled["settings_group_validation"]:
        file = signed_in if group == ["client_id"] else tmp_path / "none.json"
        given = {name: True if name == "sandbox" else "given" for name in group}
        TapConstantContact(config={"token_file": str(file), **given})
        del given[group[0]]
        with pytest.raises(ConfigValidationError):
            TapConstantContact(config={"token_file": str(file), **given})


def test_the_selection_costs_no_request_per_contact(filled: dict[str, Any], tmp_path: Path) -> None:
    streams = [pattern.removesuffix(".*") for pattern in filled["select"]]
    requests = []
    for size in (6, 40):
        with Sandbox(account_of(size, young=True)) as sandbox:
            seen = record_requests(sandbox)
            tokens = str(tmp_path / f"{size}.json")
            run = sync(config_for(sandbox, tmp_path, token_file=tokens), streams=streams)
        assert len(run.records["contacts"]) >= size
        requests.append(len(seen))
    assert requests[0] == requests[1]
    left_out = [s.name for s in STREAMS if s.selected_by_default and s.name not in streams]
    assert left_out == ["contact_action_summary", "contact_activity_details"]
    for name in left_out:
        assert f"meltano select tap-constantcontact {name} '*'\n" in filled["usage"]


def test_a_changed_stream_changes_the_selection() -> None:
    others = [stream for stream in STREAMS if stream.name != "contacts"]
    changed = yaml.safe_load(definition(PROPERTIES.to_dict(), others))
    assert "contacts.*" not in changed["select"]
    assert {pattern.removesuffix(".*") for pattern in changed["select"]} < {*NAMES}
