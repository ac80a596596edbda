"""A run warns once when the API does not answer as the tap relies on, and loses no row by it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.endpoints.endpoint import Call
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams.contact_reports import ContactActivityDetailsStream
from tap_constantcontact.streams.contacts import ContactsStream
from tests.assumptions import BREAKS
from tests.faults import changing
from tests.parameters import DETAILS
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20, young=True)


@pytest.fixture
def doubts(caplog: pytest.LogCaptureFixture) -> Any:
    """Returns the names of the assumptions that warnings named, in their order."""

    def named() -> list[str]:
        found = (re.search(r"\(assumption ([a-z-]+)\)", one.getMessage()) for one in caplog.records)
        return [match[1] for match in found if match]

    return named


def test_a_sandbox_as_it_is_leaves_no_doubt(run: Runner, doubts: Any) -> None:
    assert run(streams=["email_opens", "email_unique_opens", DETAILS]).exit_code == 0
    assert doubts() == []


def test_events_that_are_not_listed_newest_first_are_all_read(
    run: Runner, account: Account, doubts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_id = max(account.events, key=lambda key: len(account.events[key]))
    newest_first = account.details(contact_id)
    monkeypatch.setattr(account, "details", lambda _: newest_first[::-1])
    monkeypatch.setattr(ContactActivityDetailsStream, "page_size", 5)
    start = newest_first[len(newest_first) // 2]["created_time"]
    found = run(
        streams=DETAILS, report_source="contacts", contact_ids=[contact_id], start_date=start
    )
    assert doubts() == ["events-newest-first"]
    assert len(found.records[DETAILS]) == sum(row["created_time"] >= start for row in newest_first)


def test_pages_that_are_smaller_than_asked_for_are_told_once(
    run: Runner, doubts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Call.page

    def smaller(call: Call, rows: Any, limit: int = 50) -> Any:
        call.query["limit"] = min(5, call.query.get("limit", limit))
        return page(call, rows)

    whole = run(streams="email_opens")
    monkeypatch.setattr(Call, "page", smaller)
    assert run(streams="email_opens").by_key("email_opens") == whole.by_key("email_opens")
    assert doubts() == ["pages-as-large-as-asked-for"]


def test_fewer_rows_than_the_counts_tell_are_told_once(
    account: Account, run: Runner, tmp_path: Path, doubts: Any
) -> None:
    def without_one(body: Any) -> None:
        del body["tracking_activities"][:1]

    with Sandbox(account, middlewares=[changing("email_opens", without_one)]) as sandbox:
        sandbox.api.partner = True
        assert Runner(sandbox, tmp_path)(streams="email_opens").exit_code == 0
    assert doubts() == ["counts-equal-rows"]


@pytest.mark.usefixtures("present")
@pytest.mark.parametrize(
    ("name", "page_size"), [("pages-of-contacts", 12), ("every-page-links-to-the-next", 500)]
)
def test_fewer_contacts_than_the_api_counts_are_told(
    name: str, page_size: int, account: Account, tmp_path: Path, doubts: Any
) -> None:
    with (
        Sandbox(account, middlewares=[BREAKS[name].middleware(account)]) as sandbox,
        mock.patch.object(ContactsStream, "page_size", page_size),
    ):
        found = Runner(sandbox, tmp_path)(streams="contacts")
    assert len(found.records["contacts"]) < len(account.contacts)
    assert doubts() == ["pages-of-contacts"]
