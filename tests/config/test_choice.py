"""The streams that the setting `streams` and the option `--select` name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import NAMES
from tests.runs import config_for, tap_with

pytestmark = pytest.mark.contacts(12, young=True)


def selected(config: dict[str, Any], catalog: dict[str, Any] | None = None) -> list[str]:
    return [stream.name for stream in tap_with(config, catalog=catalog).selected_streams]


def catalog_of(config: dict[str, Any], *names: str) -> dict[str, Any]:
    """A catalog that selects some streams."""
    catalog: dict[str, Any] = tap_with(config).catalog_dict
    for entry in catalog["streams"]:
        for one in entry["metadata"]:
            if one["breadcrumb"] == []:
                one["metadata"]["selected"] = entry["tap_stream_id"] in names
    return catalog


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["contacts"], ["contacts"]),
        (["events", "contact_l*"], ["contact_list_memberships", "contact_lists", "events"]),
        (["*"], sorted(NAMES)),
        ("contacts, events", ["contacts", "events"]),
        ('["contacts"]', ["contacts"]),
    ],
    ids=["a name", "a pattern", "everything", "commas", "JSON in a text"],
)
def test_the_named_streams_alone_are_read(
    sandbox: Sandbox, tmp_path: Path, patterns: Any, names: list[str]
) -> None:
    assert sorted(selected(config_for(sandbox, tmp_path, streams=patterns))) == names


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        (["contact"], "there is no stream 'contact' (did you mean contacts?)"),
        (["events", "e-mail_*"], "'e-mail_*'"),
        ([], "streams is empty"),
    ],
    ids=repr,
)
def test_a_name_that_no_stream_has_is_refused(
    sandbox: Sandbox, tmp_path: Path, patterns: list[str], said: str
) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        selected(config_for(sandbox, tmp_path, streams=patterns))
    assert said in "".join(refusal.value.errors)


def test_a_catalog_narrows_the_named_streams(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = catalog_of(config_for(sandbox, tmp_path), "contacts", "events")
    config = config_for(sandbox, tmp_path, streams=["contacts", "contact_lists"])
    with caplog.at_level(logging.WARNING):
        assert selected(config, catalog) == ["contacts"]
    assert "names contact_lists, which the catalog does not select" in caplog.text


def test_a_catalog_that_selects_none_of_the_named_streams_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = catalog_of(config_for(sandbox, tmp_path), "events")
    with pytest.raises(ConfigValidationError) as refusal:
        selected(config_for(sandbox, tmp_path, streams=["contact_*"]), catalog)
    assert "the catalog selects none" in "".join(refusal.value.errors)
