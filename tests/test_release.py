"""Builds with and without the project's public address, and what is released of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.generate import ROOT

ADDRESS = "https://git.example/Ada/tap"
VERSION = "0.0.0"
"""The version of a copy without its history."""


def run(folder: Path, *command: str, address: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Python command in a folder."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PROJECT_ADDRESS": address},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a wheel is built of, without its history."""
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".github", "tap_constantcontact"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def built(project: Path, address: str) -> Path:
    done = run(project, "-m", "hatchling", "build", "--target", "wheel", address=address)
    assert done.returncode == 0, done.stderr
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


def metadata(wheel: Path) -> tuple[Message, str]:
    """Return the metadata of a wheel, and the readme in it."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        fields, _, readme = archive.read(name).decode("utf-8").partition("\n\n")
    return message_from_string(fields), readme


def relative_links(text: str) -> list[str]:
    return re.findall(r"\]\((?!https?:|#)(.*?)\)", text)


def test_a_build_with_the_address_leads_to_it(project: Path) -> None:
    found, readme = metadata(built(project, ADDRESS))
    assert found["Version"] == VERSION
    assert set(found.get_all("Project-URL", [])) == {
        f"Repository, {ADDRESS}",
        "Documentation, https://ada.github.io/tap/",
        f"Changelog, {ADDRESS}/blob/HEAD/CHANGELOG.md",
        f"Issues, {ADDRESS}/issues",
    }
    assert f"[CONTRIBUTING.md]({ADDRESS}/blob/HEAD/CONTRIBUTING.md)" in readme
    assert f"]({ADDRESS}/raw/HEAD/docs/pictures/run.svg)" in readme
    assert relative_links(readme) == []


@pytest.mark.slow
def test_a_build_without_the_address_has_the_readme_as_it_is(project: Path) -> None:
    found, readme = metadata(built(project, ""))
    assert found.get_all("Project-URL") is None
    assert readme == (project / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("in_wheel", "tag", "address", "fault"),
    [
        pytest.param(ADDRESS, f"v{VERSION}", ADDRESS, "", id="as it should be"),
        pytest.param(ADDRESS, "v1.2.3", ADDRESS, "the tag is v1.2.3", id="another tag"),
        pytest.param("", f"v{VERSION}", ADDRESS, "was built without", id="no address in it"),
        pytest.param(ADDRESS, f"v{VERSION}", "", "is not set", id="no address"),
    ],
)
def test_the_wheel_to_release(
    project: Path, in_wheel: str, tag: str, address: str, fault: str
) -> None:
    wheel = built(project, in_wheel)
    done = run(project, ".github/release.py", "check", str(wheel), tag, address=address)
    assert fault in done.stderr
    assert done.returncode == bool(fault)


def test_the_blanks_of_the_definition_are_filled(tmp_path: Path) -> None:
    file = tmp_path / "definition.yml"
    file.write_text("name: tap\nrepo:\nvariant: <OWNER>\n", "utf-8")
    done = run(ROOT, ".github/release.py", "hub", str(file), address=ADDRESS)
    assert done.stdout == f"name: tap\nrepo: {ADDRESS}\nvariant: ada\n"
