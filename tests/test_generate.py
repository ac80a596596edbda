"""Generated texts are up to date, and a text that is not is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.version import Version

from tap_constantcontact.config.settings import PROPERTIES
from tap_constantcontact.tap import TapConstantContact
from tests.generate import (
    COMMAND,
    HUB,
    ROOT,
    SETTING_PAGE,
    SNAPSHOTS,
    STREAM_PAGE,
    drifted,
    texts,
    write,
)

WITH_SETTINGS_OF_THE_SDK = ("meltano.yml", HUB)


def test_generated_texts_are_up_to_date() -> None:
    stale = drifted(texts())
    if Version(TapConstantContact.sdk_version).is_prerelease:
        stale = [path for path in stale if path not in WITH_SETTINGS_OF_THE_SDK]
    assert not stale, f"out of date, so run `{COMMAND}`: {', '.join(stale)}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("meltano.yml", HUB, SETTING_PAGE, STREAM_PAGE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / SNAPSHOTS, tmp_path / SNAPSHOTS)
    return tmp_path


def changed_settings(**changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = PROPERTIES.to_dict()
    settings["properties"]["request_budget"].update(changes)
    return settings


@pytest.mark.parametrize(
    "changes",
    [{"description": "Stop early. Default: never."}, {"default": 7}, {"type": ["number", "null"]}],
    ids=["description", "default", "type"],
)
def test_a_changed_setting_is_noticed_and_mended(project: Path, changes: dict[str, Any]) -> None:
    wanted = texts(project, settings=changed_settings(**changes))
    assert {*drifted(wanted, project)} == {"meltano.yml", HUB, SETTING_PAGE}
    write(wanted, project)
    assert drifted(wanted, project) == []


def test_a_setting_without_a_default_says_what_happens_without_it(project: Path) -> None:
    settings = changed_settings(description="Stop early. Default: never.")
    wanted = texts(project, settings=settings)
    assert "| `request_budget` | whole number | Stop early. | never |\n" in wanted[SETTING_PAGE]
    for path in ("meltano.yml", HUB):
        assert "description: 'Stop early. Default: never.'\n" in wanted[path]


def test_a_changed_stream_is_noticed_and_mended(project: Path) -> None:
    stream = SimpleNamespace(
        name="planets",
        primary_keys=("galaxy_id", "planet_id"),
        replication_key="updated_at",
        selected_by_default=False,
        cost="1 per 500 planets",
        scope="sky_read",
    )
    wanted = texts(project, streams=[stream])
    assert {*drifted(wanted, project)} == {"meltano.yml", HUB, STREAM_PAGE}
    row = (
        "| `planets` | `galaxy_id`, `planet_id` | incremental by `updated_at` | no "
        "| 1 per 500 planets | `sky_read` |\n"
    )
    assert row in wanted[STREAM_PAGE]
    write(wanted, project)
    assert drifted(wanted, project) == []


def test_a_changed_catalog_is_noticed_and_mended(project: Path) -> None:
    first, added, gone = (
        {"tap_stream_id": name, "schema": {"type": "object"}} for name in ("a", "b", "c")
    )
    write(texts(project, catalog=[first, gone]), project)
    changed = {**first, "key_properties": ["id"]}
    wanted = texts(project, catalog=[changed, added])
    assert {*drifted(wanted, project)} == {f"{SNAPSHOTS}/{name}.json" for name in "abc"}
    write(wanted, project)
    assert drifted(wanted, project) == []
    assert {file.stem for file in (project / SNAPSHOTS).glob("*.json")} == {"a", "b"}


def test_a_file_without_its_markers_is_refused(project: Path) -> None:
    (project / STREAM_PAGE).write_text("# No tables here\n")
    with pytest.raises(ValueError, match="Generated streams"):
        texts(project)


def test_a_default_is_told_once() -> None:
    for name, setting in PROPERTIES.to_dict()["properties"].items():
        assert not ("default" in setting and " Default: " in setting["description"]), name
