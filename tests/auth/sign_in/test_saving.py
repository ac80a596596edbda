"""The settings of a sign-in: saved, combined with others, and needless for the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.sign_in.conftest import Start, entered
from tests.parameters import partly_slow
from tests.processes import LOGIN, TAP, Command, Login

pytestmark = pytest.mark.contacts(3, young=True)

DOCTOR = "tap_constantcontact.commands.doctor"


def signed_in(process: Login) -> tuple[int, str, str]:
    """Allow what the command asks for, and return how it ended."""
    entered(process, "allow")
    return process.end()


def test_saved_settings_are_all_that_the_tap_and_the_doctor_need(
    login: Start, tmp_path: Path, sandbox: Sandbox, authorization: Authorization
) -> None:
    authorization.client_secret = "very-secret"
    path = tmp_path / "config.json"
    others = {"streams": ["contact_lists"], "stream_map_config": {"city": "Łódź"}}
    path.write_text(json.dumps({**others, "auth_url": "https://old.example.com"}), "utf-8")
    path.chmod(0o644)
    process = login(
        "--device", "--save=config.json", TAP_CONSTANTCONTACT_CLIENT_SECRET="very-secret"
    )
    code, out, _ = signed_in(process)
    assert (code, out) == (0, "")
    assert json.loads(path.read_text("utf-8")) == {
        **others,
        "auth_url": sandbox.auth_url,
        "api_url": sandbox.api_url,
        "client_id": "sandbox",
        "client_secret": "very-secret",
    }
    assert path.stat().st_mode & 0o777 == 0o600
    own = {"XDG_STATE_HOME": process.environment["XDG_STATE_HOME"]}
    for module in (TAP, DOCTOR):
        options = ("--config=config.json",)
        ended = Command(module, *options, folder=tmp_path, environment=own).run()
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_settings_are_saved_in_a_new_file_and_not_again_where_they_are(
    login: Start, tmp_path: Path, sandbox: Sandbox
) -> None:
    given = {"token_file": str(tmp_path / "mine.json"), "api_url": sandbox.api_url}
    (tmp_path / "given.json").write_text(json.dumps(given))
    (tmp_path / "link.json").symlink_to(tmp_path / "new.json")
    assert signed_in(login("--device", "--config=given.json", "--save=link.json"))[0] == 0
    saved = json.loads((tmp_path / "new.json").read_text())
    assert saved == {**given, "client_id": "sandbox", "auth_url": sandbox.auth_url}
    assert (tmp_path / "link.json").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} >= {"mine.json", "new.json"}
    assert not [*tmp_path.glob(".new.json*")]


def test_a_token_file_that_another_token_names_is_saved(login: Start, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"refresh_token": "another"}')
    process = login("--device", "--save=config.json")
    assert signed_in(process)[0] == 0
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["token_file"] == str(process.token_file)
    assert saved["refresh_token"] == "another"


@pytest.mark.parametrize(
    ("content", "line"), [("[1]", "other JSON than one JSON object"), ('{"a": 1', "is not JSON")]
)
def test_a_file_that_is_no_object_is_refused_before_the_sign_in(
    login: Start, tmp_path: Path, content: str, line: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    code, out, said = login("--device", "--save=config.json").end()
    assert (code, out) == (1, "")
    assert len(said.splitlines()) == 2  # the other is of the environment
    assert line in said
    assert path.read_text() == content


def test_a_folder_that_is_not_there_is_refused_before_the_sign_in(login: Start) -> None:
    code, _, said = login("--device", "--save=nowhere/config.json").end()
    assert code == 1
    assert "nowhere/config.json cannot be written" in said


CONTRADICTIONS = [
    ("--check", "--save=x.json"),
    ("--logout", "--save=x.json"),
    ("--check", "--logout"),
    ("--device", "--browser"),
    ("--check", "--device"),
    ("--logout", "--browser"),
    ("--logout", "--show"),
    ("--check", "--replace"),
    ("--show", "--save=x.json"),
    ("--device", "--port=0"),
    ("--check", "--scopes=contact_data"),
]


@pytest.mark.parametrize(("one", "other"), partly_slow(CONTRADICTIONS[:2], CONTRADICTIONS[2:]))
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, one: str, other: str
) -> None:
    ended = Command(LOGIN, "--client-id=x", other, one, folder=tmp_path).run()
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "contradicts" in line
    assert one in line
    assert other.partition("=")[0] in line
    assert not [*tmp_path.glob("x.json")]


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_contradict_nothing(tmp_path: Path, option: str) -> None:
    assert Command(LOGIN, "--check", option, folder=tmp_path).run().returncode == 0


def test_the_environment_may_be_named(login: Start) -> None:
    assert signed_in(login("--device", "--config=ENV"))[0] == 0
    code, out, _ = login("--check", "--config=ENV").end()
    assert code == 0
    assert "All is well" in out


SANDBOX = {
    "a file": ("--config=sandbox.json", {}),
    "the environment": ("--config=ENV", {"TAP_CONSTANTCONTACT_SANDBOX": "true"}),
    "Meltano": (
        "--config=ENV",
        {
            "TAP_CONSTANTCONTACT_SANDBOX": "true",
            "TAP_CONSTANTCONTACT_CLIENT_ID": "",
            "TAP_CONSTANTCONTACT__SELECT": '["*.*"]',
            "MELTANO_EXTRACTOR_NAME": "tap-constantcontact",
        },
    ),
}


@pytest.mark.parametrize("given", partly_slow([*SANDBOX][:1], [*SANDBOX][1:]))
@pytest.mark.parametrize("module", [LOGIN, DOCTOR])
def test_the_built_in_sandbox_needs_no_sign_in(tmp_path: Path, module: str, given: str) -> None:
    option, variables = SANDBOX[given]
    (tmp_path / "sandbox.json").write_text('{"sandbox": true}')
    environment = {"HOME": str(tmp_path), **variables}
    ended = Command(module, option, folder=tmp_path, environment=environment).run()
    assert ended.returncode == 0, ended.stderr
    assert "The built-in sandbox needs no sign-in" in ended.stdout
