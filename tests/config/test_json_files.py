"""Files with settings, a state or a catalog: whatever they contain, one plain line says so."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.config import json_files
from tap_constantcontact.config.json_files import DEEPEST, json_object
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.tap import TapConstantContact
from tests.processes import LOGIN, TAP, Command

DOCTOR = "tap_constantcontact.commands.doctor"

SECRET = "s3cr3t-v4lue"

KNOWN = {"access_token": "t", "api_url": "http://127.0.0.1:1/v3"}


def fault_of(file: Path, kind: str = "configuration") -> str:
    with pytest.raises(ConfigValidationError) as refusal:
        json_object(file, kind)
    (fault,) = refusal.value.errors
    assert fault.isprintable()
    assert SECRET not in fault
    assert str(file) in fault
    return fault


UNFIT: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is empty"),
    "blank lines": (b"\n \n", "it is empty"),
    "a list": (f'["{SECRET}"]'.encode(), "other JSON"),
    "a text": (f'"{SECRET}"'.encode(), "other JSON"),
    "yaml": (f"client_secret: {SECRET}\n".encode(), "it is not JSON, which is expected (line 1"),
    "toml": (f'client_secret = "{SECRET}"\n'.encode(), "it is not JSON"),
    "half of it": (f'{{"client_secret": "{SECRET}'.encode(), "it is not JSON"),
    "a comma too many": (f'{{"client_secret": "{SECRET}",}}'.encode(), "it is not JSON"),
    "utf-16": (f'{{"client_secret": "{SECRET}"}}'.encode("utf-16"), "UTF-8"),
    "latin-1": ('{"user_agent": "caf\xe9"}'.encode("latin-1"), "UTF-8"),
    "zeros": (bytes(100), "it is not JSON"),
    "brackets": (b"[" * 100_000, "levels deep"),
    "closed brackets": (b'{"a":' * 101 + b"1" + b"}" * 101, "levels deep"),
    "a huge fraction": (b'{"request_timeout": 1e400}', "a number that is too large"),
    "a huge number": (b'{"request_timeout": %s}' % (b"9" * 5000), "a number that is too large"),
    "infinity": (b'{"request_timeout": Infinity}', "NaN or Infinity"),
    "half a character": (b'{"client_id": "\\ud800"}', "surrogate"),
    "two objects": (f'{{"a": 1}}\n{{"b": "{SECRET}"}}'.encode(), "more than one JSON object"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_file_without_a_json_object_is_named_and_not_quoted(tmp_path: Path, name: str) -> None:
    content, reason = UNFIT[name]
    (tmp_path / "file").write_bytes(content)
    assert reason in fault_of(tmp_path / "file")


@given(st.binary())
def test_every_content_of_a_json_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("bytes") / "file"
    file.write_bytes(content)
    with suppress(ConfigValidationError):
        json_object(file, "configuration")


def test_a_whole_output_as_state_asks_for_its_last_state(tmp_path: Path) -> None:
    lines = ({"type": "SCHEMA", "stream": "contacts"}, {"type": "STATE", "value": {}})
    (tmp_path / "file").write_text("\n".join(map(json.dumps, lines)))
    assert "the last line of type STATE alone" in fault_of(tmp_path / "file", "state")


def test_a_byte_order_mark_and_the_deepest_nesting_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbf" + b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST)
    assert [*json_object(tmp_path / "file", "catalog")] == ["a"]


def test_paths_that_are_no_readable_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_files, "PIPE_PATIENCE", 0.01)
    assert "No such file" in fault_of(tmp_path / "absent")
    assert "Is a directory" in fault_of(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "it is empty" in fault_of(tmp_path / "pipe")
    monkeypatch.setattr(json_files, "LARGEST_FILE", 10)
    (tmp_path / "file").write_text("{}" + " " * 9)
    assert "larger than 10 bytes" in fault_of(tmp_path / "file")


def test_settings_in_place_of_a_file_name_are_not_quoted() -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        json_object(f'{{"client_secret": "{SECRET}"}}', "configuration")
    assert SECRET not in refusal.value.errors[0]


def test_a_pipe_that_is_written_to_is_read(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b'{"a": 1}')
    os.close(write_end)
    assert json_object(f"/dev/fd/{read_end}", "configuration") == {"a": 1}
    os.close(read_end)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "options"),
    [
        (TAP, ("--config=file",)),
        (TAP, ("--config=known", "--state=file")),
        (TAP, ("--config=known", "--catalog=file")),
        (TAP, ("--config=file", "--discover")),
        (DOCTOR, ("--config=file",)),
        (DOCTOR, ("--config=known", "--catalog=file")),
        (LOGIN, ("--config=file",)),
    ],
)
def test_each_command_says_the_same_of_a_file(
    tmp_path: Path, module: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "known").write_text(json.dumps(KNOWN))
    (tmp_path / "file").write_text(f"client_secret: {SECRET}\n")
    ended = Command(module, *options, folder=tmp_path).run()
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert SECRET not in said
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if "cannot be read" in line]
    assert "file cannot be read: it is not JSON, which is expected (line 1, column 1)" in line


# What is JSON, but neither settings nor a state


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PROPERTIES = TapConstantContact.config_jsonschema["properties"]
QUOTED = tuple(name for name, schema in PROPERTIES.items() if not schema.get("secret"))
"""Settings whose values are no secrets."""

NAMES = st.sampled_from([*PROPERTIES]) | st.text()
BOOKMARKS = st.dictionaries(
    st.sampled_from(["contacts", "Contacts", "email_opens"]) | st.text(),
    VALUES | st.dictionaries(st.sampled_from(["replication_key_value", "sweep"]), VALUES),
    max_size=3,
)
STATES = VALUES | BOOKMARKS | st.fixed_dictionaries({"bookmarks": BOOKMARKS})


def faults_of(file: Path, **content: Any) -> list[str]:
    """Start a tap with what a file contains, as one of its arguments."""
    ((argument, value),) = content.items()
    file.write_text(json.dumps(value))
    try:
        read: Any = {"config": KNOWN, argument: json_object(file, argument)}
        TapConstantContact(**read)
    except ConfigValidationError as refusal:
        return refusal.errors
    return []


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_every_configuration_is_taken_or_refused_in_plain_lines(
    tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("configuration")
    inner = {"token_file": str(folder / "tokens"), **config}
    for fault in faults_of(folder / "file", config=inner):
        assert fault.isprintable()
        assert SECRET not in fault or fault.startswith(QUOTED)


@given(STATES)
def test_every_state_argument_is_taken_or_refused_in_plain_lines(
    tmp_path_factory: pytest.TempPathFactory, state: Any
) -> None:
    folder = tmp_path_factory.mktemp("state")
    for fault in faults_of(folder / "file", state=state):
        assert fault.isprintable()
        assert SECRET not in fault
