"""What the README and docs/ say works as it says, and their links lead somewhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tests.generate import ROOT
from tests.parameters import partly_slow
from tests.runs import Runner

MOST_LINES = 180
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
COMMANDS = {
    match[1]: None
    for match in re.finditer(r"(?m)^(?:pip install '.\[sandbox\]' && )?(.*tap-const.*)$", TEXT)
    if re.search(r"SANDBOX=true|--sandbox", match[1]) and re.search(r"> \S+$|--to \S+$", match[1])
}
"""Those that read the sandbox, without the installation before them."""

PROGRAMS = [code for code in re.findall(r"(?s)```python\n(.*?)```", TEXT) if '"sandbox"' in code]


def section(page: str, title: str) -> str:
    """Return the text below a heading."""
    text = (ROOT / page).read_text("utf-8")
    return re.split(r"(?m)^#+ ", text.split(f" {title}\n", 1)[1], maxsplit=1)[0]


def settings_of(title: str) -> dict[str, Any]:
    """Return the settings that a recipe shows."""
    text = section("docs/privacy.md", title).split("```json\n")[1].split("```")[0]
    found: dict[str, Any] = json.loads(text)
    return found


def anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    return {anchor(title) for title in re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if not link.startswith("https://"):
            path, _, title = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not title or title in anchors_of(target), link


def test_every_page_of_the_documentation_is_linked() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert {page for page in PAGES[1:] if "examples" not in page.parts} <= linked


def test_the_readme_is_one_page() -> None:
    assert (ROOT / "README.md").read_text("utf-8").count("\n") <= MOST_LINES


def test_the_commands_of_a_newcomer_are_in_the_readme() -> None:
    """The tests run the first one, and `tox -e readme` runs the other as it is."""
    blocks = section("README.md", "Try it").split("```\n")[1::2]
    assert [block.partition(" && ")[2] for block in blocks] == [
        "TAP_CONSTANTCONTACT_SANDBOX=true tap-constantcontact --config=ENV > output.jsonl\n",
        "pytest\n",
    ]


@pytest.mark.parametrize(
    "command",
    partly_slow(
        [command for command in COMMANDS if "--select" in command],
        [command for command in COMMANDS if "--select" not in command],
    ),
)
def test_a_command_that_reads_the_sandbox_does_so(command: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / command.rsplit(maxsplit=1)[-1]).read_bytes().count(b"\n") > 100


@pytest.mark.parametrize("code", PROGRAMS, ids=lambda code: code.splitlines()[-1].strip())
def test_a_program_that_reads_the_sandbox_does_so(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(code, {})
    assert capsys.readouterr().out


def test_the_recipe_for_hashes_hides_every_address(run: Runner, account: Account) -> None:
    settings = settings_of("Hash e-mail addresses")
    result = run(streams="contacts", **settings)
    pepper = settings["stream_map_config"]["pepper"]
    found = {row["contact_id"]: row for row in result.records["contacts"]}
    for key, contact in account.contacts.items():
        assert "email_address" not in found[key]
        if address := contact.get("email_address"):
            text = pepper + address["address"].lower()
            assert found[key]["email_hash"] == hashlib.sha256(text.encode()).hexdigest()
        else:
            assert found[key]["email_hash"] is None


def test_the_recipe_without_personal_data_leaves_none(run: Runner, account: Account) -> None:
    result = run(**settings_of("Without personal data"))
    rows = json.dumps(result.records["contacts"])
    everything = json.dumps(result.lines)
    for name in ("first_name", "last_name", "company_name", "job_title", "custom_fields"):
        assert f'"{name}": ' not in rows
    for contact in account.contacts.values():
        if address := contact.get("email_address"):
            assert json.dumps(address["address"]) not in everything
        for number in contact["phone_numbers"]:
            assert number["phone_number"] not in everything
