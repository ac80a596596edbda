"""The token file: whatever is in it or in its place, and wherever links lead."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_constantcontact.auth.account import Account
from tap_constantcontact.auth.token_file import LARGEST_TOKEN_FILE, TokenFile
from tap_constantcontact.auth.tokens import Tokens
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import config_for, sync

pytestmark = pytest.mark.contacts(3, young=True)

LISTS = ("contact_lists",)
SECRET = "s3cret-of-the-file"
ACME = Account("a1", "Acme")
TOKENS = Tokens("app", "seed", SECRET, SECRET, 2e9, 1.9e9, account=ACME, last_read=ACME)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def content_of(file: TokenFile) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.path.read_text())
    return content


def put(file: TokenFile, content: bytes) -> None:
    file.path.write_bytes(content)
    file.path.chmod(0o600)


def fault_of(file: TokenFile) -> str:
    """Return the plain line that refuses a file."""
    with pytest.raises(ConfigValidationError) as caught:
        file.read()
    (fault,) = caught.value.errors
    assert SECRET not in fault
    assert fault.isprintable()
    assert str(file.path) in fault
    return str(fault)


# What is in it

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(sorted(Tokens.__slots__))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=FIELDS, value=ANY_JSON)
def test_every_value_in_a_field_of_the_token_file_is_read_or_refused(
    file: TokenFile, field: str, value: Any
) -> None:
    file.write(TOKENS)
    put(file, json.dumps(content_of(file) | {field: value}).encode())
    try:
        tokens = file.read()
    except ConfigValidationError:
        assert "is not a token file" in fault_of(file)
    else:
        assert tokens is not None
        assert tokens.idle_days < 10**6
        file.write(tokens)
        assert file.read() == tokens
    file.path.unlink()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_id", 5),
        ("client_id", "a\nb"),
        ("seed", None),
        ("refresh_token", ""),
        ("refresh_token", f"{SECRET}\r\nX: y"),
        ("access_token", "\ud800"),
        ("access_token", f"{SECRET}\n"),
        ("expires_at", "soon"),
        ("expires_at", True),
        ("expires_at", 10**400),
        ("expires_at", float("nan")),
        ("refreshed_at", float("inf")),
        ("refreshed_at", -1),
        ("refreshed_at", 253_402_300_800),
        ("rotates", 1),
        ("account", [SECRET]),
        ("account", {"organization_name": "\x1b[31m"}),
        ("last_read", {"encoded_account_id": {}}),
        ("scope", ["contact_data"]),
    ],
)
def test_a_field_of_another_type_or_range_is_refused(
    file: TokenFile, field: str, value: Any
) -> None:
    file.write(TOKENS)
    put(file, json.dumps(content_of(file) | {field: value}).encode())
    assert "is not a token file: remove it" in fault_of(file)


def test_whole_numbers_are_instants_too(file: TokenFile) -> None:
    put(file, b'{"client_id": "a", "seed": "", "refresh_token": "b", "expires_at": 253402300799}')
    assert file.read() == Tokens("a", "", "b", expires_at=253_402_300_799.0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"[" * 100_000,
        b'{"refresh_token":' * 100_000,
        b"\xff\xfe{\x00}\x00",
        f'{{"refresh_token": "{SECRET}"'.encode(),
        f'{{"refresh_token": "{SECRET}"}}'.encode(),
        json.dumps({"client_id": "a", "seed": "", "refresh_token": "b"}).encode("utf-16"),
        b'{"client_id": "a", "seed": "", "refresh_token": "b"}' + b" " * LARGEST_TOKEN_FILE,
        f'"{SECRET}"'.encode(),
        b"9" * 10_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_content_of_another_kind_is_refused(file: TokenFile, content: bytes) -> None:
    put(file, content)
    assert "is not a token file: remove it" in fault_of(file)


def test_a_byte_order_mark_is_no_fault(file: TokenFile) -> None:
    file.write(TOKENS)
    put(file, b"\xef\xbb\xbf" + file.path.read_bytes())
    assert file.read() == TOKENS


@pytest.mark.parametrize("deep", [False, True])
def test_fields_of_a_newer_version_stay_in_the_token_file(file: TokenFile, deep: bool) -> None:
    unknown: Any = "né" * 1000
    for _ in range(400 * deep):
        unknown = [unknown]
    file.write(TOKENS)
    content = content_of(file)
    content["account"]["country"] = content["issuer"] = unknown
    put(file, json.dumps(content).encode())
    tokens = file.read()
    assert tokens == TOKENS
    file.write(Tokens("app", "seed", "next", account=Account("a1", "Acme & Sons")))
    written = content_of(file)
    assert written["refresh_token"] == "next"
    assert written["last_read"] is None
    assert written["account"].pop("country") == written["issuer"] == unknown
    assert written["account"] == {
        "encoded_account_id": "a1",
        "organization_name": "Acme & Sons",
    }


def test_a_file_of_something_else_can_be_written_over(file: TokenFile) -> None:
    for content in (b"", b"[]", b"[" * 100_000, b"\xff", b" " * (LARGEST_TOKEN_FILE + 1)):
        put(file, content)
        file.write(TOKENS)
        assert file.read() == TOKENS


# What is in its place


def test_a_folder_in_its_place_is_refused(file: TokenFile) -> None:
    file.path.mkdir()
    assert "cannot be read (" in fault_of(file)
    assert file.why_not_kept() == "Is a directory"


@pytest.mark.parametrize(
    ("kind", "why"),
    [(stat.S_IFIFO, "not a regular file"), (stat.S_IFSOCK, "No such device or address")],
)
def test_a_token_file_that_is_a_pipe_or_device_is_refused_without_waiting(
    file: TokenFile, kind: int, why: str
) -> None:
    os.mknod(file.path, kind | 0o600)
    assert f"cannot be read ({why}): set it to a file" in fault_of(file)


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_file_of_another_user_is_refused_and_one_out_of_sight_is_none(mode: int) -> None:
    with TemporaryDirectory() as folder:
        file = TokenFile(Path(folder) / "tokens.json")
        file.write(TOKENS)
        Path(folder).chmod(mode)
        child = os.fork()
        if not child:
            os.setuid(65534)
            try:
                os._exit(0 if file.read() is None else 1)
            except ConfigValidationError as error:
                os._exit(2 if "belongs to another user" in error.errors[0] else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (2 if mode == 0o755 else 0)


def test_a_file_in_a_home_that_nobody_has_is_refused() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TokenFile.of({"token_file": "~nobody-of-that-name/tokens.json"})
    (fault,) = caught.value.errors
    assert fault.startswith("token_file ~nobody-of-that-name/tokens.json: this user has no home")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / ("n" * 300))
    assert file.why_not_kept() == "File name too long"
    assert "cannot be read (File name too long)" in fault_of(file)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TokenFile.of({"token_file": name})
    assert "token_file contains a character that no file name can have" in caught.value.errors[0]


@pytest.mark.parametrize(
    "client_id",
    ["../../etc/cron.d/x", "a/b", "a\\b", "/etc/x", "a\0b", "é", "a b", "x" * 129, "a\n", "\ud800"],
)
@pytest.mark.parametrize("seed", [None, "refresh-token"])
def test_a_client_id_that_would_name_another_folder_is_refused(
    client_id: str, seed: str | None
) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TokenFile.of({"client_id": client_id, "refresh_token": seed})
    (fault,) = caught.value.errors
    assert fault.startswith("client_id is not the API key of an application")
    assert client_id not in fault


def test_a_file_is_removed_with_what_a_kill_left_beside_it(file: TokenFile) -> None:
    assert file.remove() is False
    file.write(TOKENS)
    assert file.remove() is True
    file.write(TOKENS)
    left = file.path.with_name(".tokens.json.new")
    left.touch()
    assert file.remove() is True
    assert file.remove() is False
    assert {path.name for path in file.path.parent.iterdir()} == {"tokens.json.lock"}


# Where links lead


def test_a_link_stays_and_its_target_is_written(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    target = tmp_path / "linked" / "target.json"
    for link, to in (("tokens.json", "second"), ("second", "linked/target.json")):
        (tmp_path / link).symlink_to(to)
    config = config_for(sandbox, tmp_path)
    for _ in range(2):  # at first, the link dangles
        sandbox.authorization.access_tokens.clear()
        assert sync(config, streams=LISTS).records["contact_lists"]
        assert (tmp_path / "tokens.json").is_symlink()
        assert json.loads(target.read_text())["refresh_token"] == (
            sandbox.authorization.refresh_token
        )
    assert {*sandbox.authorization.spent.values()} == {1}
    beside = [*target.parent.iterdir()]
    assert {path.name for path in beside} == {"target.json", "target.json.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in beside} == {0o600}
    assert TokenFile(tmp_path / "tokens.json").path == TokenFile(target).path


def test_a_link_into_a_folder_that_is_missing_makes_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("not/there/tokens.json")
    file = TokenFile(tmp_path / "link")
    assert file.read() is None
    assert file.why_not_kept() is None
    file.write(TOKENS)
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "link").read_text())["refresh_token"] == SECRET
    assert stat.S_IMODE((tmp_path / "not").stat().st_mode) == 0o700


def test_a_link_that_changes_during_a_run_does_not_move_the_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("one.json")
    file = TokenFile(tmp_path / "link")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("other.json")
    file.write(TOKENS)
    assert (tmp_path / "one.json").exists()
    assert not (tmp_path / "other.json").exists()


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    file = TokenFile(tmp_path / "a")
    assert file.why_not_kept() == "Too many levels of symbolic links"
    assert "cannot be read (Too many levels of symbolic links)" in fault_of(file)


@pytest.mark.parametrize("name", [".tokens.json.new", "tokens.json.lock"])
def test_a_link_in_place_of_the_draft_or_the_lock_leads_nowhere(
    file: TokenFile, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    if (reason := file.why_not_kept()) is None:
        file.write(TOKENS)
        assert file.read() == TOKENS
    else:
        assert reason == "Too many levels of symbolic links"
    assert victim.read_text() == "precious"
    assert victim.stat().st_mode & 0o777 == 0o644


# Folders


def test_every_folder_that_is_made_is_its_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        TokenFile(tmp_path / "a" / "b" / "tokens.json").why_not_kept()
    finally:
        os.umask(before)
    for folder in ("a", "a/b"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
