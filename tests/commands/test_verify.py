"""The check of assumptions, on a sandbox as it is and on one that breaks each of them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.auth.permissions import permissions
from tap_constantcontact.commands.doctor.assumptions import MOST_REQUESTS
from tap_constantcontact.commands.doctor.command import examine
from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.commands.verify.assumption import Shown, Verified
from tap_constantcontact.commands.verify.probe import Probe
from tap_constantcontact.run import for_connection
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.profile import PRIVILEGES
from tap_constantcontact.sandbox.oauth import READING
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact
from tap_constantcontact.transport.session import Connection
from tests.assumptions import BREAKS
from tests.clocks import PatientClock, retries_wait_by
from tests.faults import changing
from tests.generate import COMMAND, ROOT
from tests.generate_assumptions import PATH, page
from tests.parameters import partly_slow
from tests.runs import config_for
from tests.sandboxes import record_requests
from tests.test_house import FILES

pytestmark = pytest.mark.contacts(20, young=True)

NAMES = [assumption.name for assumption in ASSUMPTIONS]
QUICK = ("updated-after-finds-changes", "pages-of-contacts", "both-sources-tell-the-same-events")


def shown_by(account: Account, folder: Path, *middlewares: Any) -> dict[str, Verified]:
    """Return what a sandbox shows of each assumption, by its name."""
    with Sandbox(account, middlewares=middlewares) as sandbox:
        config = TapConstantContact(config=config_for(sandbox, folder)).config
        connection = Connection({**for_connection(config), "request_budget": MOST_REQUESTS - 3})
        needs = needs_of(STREAMS)
        rights = permissions(needs, frozenset(READING.split()), frozenset(PRIVILEGES.values()))
        probe = Probe(connection, rights)
        with retries_wait_by(PatientClock()):
            return {assumption.name: assumption.verify(probe) for assumption in ASSUMPTIONS}


def docstrings() -> str:
    """Return the docstrings of the package, and of its names, but those of the assumptions."""
    texts = []
    for file in FILES:
        if file.parent.name != "verify":
            tree = ast.parse(file.read_text("utf-8"))
            texts += [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
    return "\n".join(texts)


def test_each_assumption_is_named_by_a_docstring_that_relies_on_it() -> None:
    lists = re.findall(r"Assumptions?:\s+((?:`[a-z0-9-]+`[,.]\s*)+)", docstrings())
    assert sorted(re.findall(r"`([^`]+)`", "".join(lists))) == sorted(NAMES)


def test_a_run_warns_of_assumptions_by_their_names() -> None:
    warned = re.findall(r"\bdoubt\(\s*\"([^\"]+)", "".join(file.read_text() for file in FILES))
    assert {*warned} <= {*NAMES}
    assert warned


def test_the_page_of_the_assumptions_is_up_to_date() -> None:
    assert (ROOT / PATH).read_text("utf-8") == page(), f"out of date, so run `{COMMAND}`"


def named(shown: dict[str, Verified], outcome: Shown) -> set[str]:
    return {name for name, verified in shown.items() if verified.outcome is outcome}


def test_each_assumption_holds_on_the_sandbox(account: Account, tmp_path: Path) -> None:
    shown = shown_by(account, tmp_path)
    assert named(shown, Shown.HOLDS) == {*NAMES}
    said = json.dumps([verified.seen for verified in shown.values()])
    for contact_id, contact in account.contacts.items():
        assert contact_id not in said
        assert contact.get("email_address", {}).get("address", "@") not in said


@pytest.mark.parametrize("name", partly_slow(QUICK, [name for name in NAMES if name not in QUICK]))
def test_a_sandbox_that_breaks_an_assumption_is_found_out(
    name: str, account: Account, tmp_path: Path
) -> None:
    broken = BREAKS[name]
    shown = shown_by(account, tmp_path, broken.middleware(account))
    fails = {one: shown[one].seen for one in named(shown, Shown.FAILS)}
    assert {*fails} == {name, *broken.also}, fails


def test_a_response_of_another_form_than_the_contract_contradicts(
    account: Account, tmp_path: Path
) -> None:
    odd = changing("email_campaign_stats", lambda body: body["results"][0].update(stats=[1]))
    shown = shown_by(account, tmp_path, odd)
    assert named(shown, Shown.FAILS) == {"counts-equal-rows", "unique-counts-equal-people"}


# The command


Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run the doctor with --verify --json on a sandbox; returns its exit code and what it said."""

    def verify(sandbox: Sandbox, **settings: Any) -> tuple[int, dict[str, Any]]:
        config = tmp_path / "config.json"
        config.write_text(json.dumps(config_for(sandbox, tmp_path, **settings)))
        code = examine([str(config)], verify=True, is_json=True)
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert report["requests"] <= MOST_REQUESTS
        return code, report

    return verify


def test_the_doctor_verifies_each_assumption_with_few_requests(
    account: Account, doctor: Doctor
) -> None:
    with Sandbox(account) as sandbox:
        seen = record_requests(sandbox)
        code, report = doctor(sandbox, daily_request_limit=500)
        assert code == 0
        assert {
            one["assumption"]: one["outcome"] for one in report["assumptions"]
        } == dict.fromkeys(NAMES, "holds")
        assert {request.method for request in seen} == {"GET"}
        sent = len(seen)
        assert sent == report["requests"]
        _, again = doctor(sandbox, daily_request_limit=500)
    said = next(each["text"] for each in again["findings"] if each["subject"] == "quota")
    assert said.startswith(f"{500 - sent - 2} of 500 requests are left today")


def test_a_check_goes_on_where_the_requests_ran_out(account: Account, doctor: Doctor) -> None:
    with Sandbox(account) as sandbox:
        found, calls = 0, 0
        while found < len(NAMES):
            code, report = doctor(sandbox, request_budget=25)
            assert code == 0
            assert report["requests"] <= 25
            assert len(report["assumptions"]) > found
            found, calls = len(report["assumptions"]), calls + 1
        assert 1 < calls < 6
        assert {one["outcome"] for one in report["assumptions"]} == {"holds"}
        _, report = doctor(sandbox, request_budget=25)
        assert len(report["assumptions"]) < len(NAMES)  # a new check
        _, report = doctor(sandbox, request_budget=3)
    (said,) = (each for each in report["findings"] if each["verdict"] == "warning")
    assert "too few to check one: set a higher request_budget" in said["advice"]


@pytest.mark.parametrize(
    ("name", "expected"), [("updated-after-finds-changes", 1), ("contacts-newest-first", 0)]
)
def test_only_what_can_lose_rows_is_an_error(
    name: str, expected: int, account: Account, doctor: Doctor
) -> None:
    with Sandbox(account, middlewares=[BREAKS[name].middleware(account)]) as sandbox:
        code, report = doctor(sandbox)
    assert code == expected
    (finding,) = (each for each in report["findings"] if each["subject"] == name)
    assert finding["verdict"] == ("error" if expected else "warning")
    (declared,) = (each for each in ASSUMPTIONS if each.name == name)
    assert declared.loses_rows == bool(expected)
    assert finding["advice"] == declared.remedy
    assert declared.harm in finding["text"]


def test_a_person_gets_a_table(account: Account, tmp_path: Path, capsys: Any) -> None:
    broken = BREAKS["updated-after-finds-changes"].middleware(account)
    with Sandbox(account, middlewares=[broken]) as sandbox:
        config = tmp_path / "config.json"
        config.write_text(json.dumps(config_for(sandbox, tmp_path)))
        assert examine([str(config)], verify=True) == 1
    said = capsys.readouterr().out
    assert f"{len(NAMES)} assumptions about the API are checked now, with at most 58 " in said
    cells = [row for row in said.split("+\n| ") if row.split(" ")[0] in NAMES]
    assert [row.split(" ")[0] for row in cells] == NAMES
    assert ["does not hold" in row for row in cells] == [True] + [False] * (len(NAMES) - 1)
    assert max(map(len, cells[0].splitlines())) <= 110
