"""Collections: every row once, though pages shift, and changes alone where the API filters them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.runs import FaultyRunner, Runner, config_for, sync
from tests.sandboxes import PRESENT


def today() -> datetime:
    return PRESENT.replace(hour=0, minute=0, second=0, microsecond=0)


def ago(days: int) -> datetime:
    return today() - timedelta(days=days)


def test_a_second_run_reads_no_contact_twice(run: Runner) -> None:
    first = run(streams="contacts")
    second = run(state=first.state, streams="contacts")
    assert first.records["contacts"]
    assert not second.records["contacts"]


def test_a_change_behind_the_reader_is_in_the_next_run(run: Runner, account: Account) -> None:
    first = run(streams="contacts")
    contact = next(key for key, c in account.contacts.items() if status(c) == "active")
    bookmark = parse(first.state["bookmarks"]["contacts"]["replication_key_value"])
    account.edit(contact, bookmark)
    assert [r["contact_id"] for r in run(state=first.state).records["contacts"]] == [contact]


def test_contacts_are_all_read_again_when_that_is_due(
    run: Runner, account: Account, expected: Expected
) -> None:
    first = run(streams="contacts")
    quiet = next(key for key, c in account.contacts.items() if status(c) == "temp_hold")
    account.contacts[quiet]["email_address"]["permission_to_send"] = "implicit"
    bookmark = first.state["bookmarks"]["contacts"]
    assert not run(state=first.state, streams="contacts").records["contacts"]
    bookmark["full_read_at"] = "2020-01-01T00:00:00Z"
    never = run(state=first.state, streams="contacts", contacts_refresh_days=0)
    assert not never.records["contacts"]
    again = run(state=first.state, streams="contacts")
    assert again.by_key("contacts") == expected.contacts()
    assert again.state["bookmarks"]["contacts"]["full_read_at"] > "2026"


@pytest.mark.parametrize(
    "settings",
    [{"updated_after": "2026-05-01T00:00:00Z"}, {"updated_days_back": 150}],
    ids=["after", "days back"],
)
def test_a_fixed_window_of_contacts(
    run: Runner, expected: Expected, settings: dict[str, Any]
) -> None:
    start = parse(settings["updated_after"]) if "updated_after" in settings else ago(150)
    first = run(streams="contacts")
    result = run(state=first.state, streams="contacts", **settings)

    def changed(contact: dict[str, Any]) -> bool:
        dates = (contact["updated_at"], contact.get("email_address", {}).get("opt_out_date"))
        return any(parse(date) >= start for date in dates if date)

    assert 0 < len(result.records["contacts"]) < len(first.records["contacts"])
    assert result.by_key("contacts") == expected.contacts(changed)
    assert result.state == first.state


def _on_page(sandbox: Sandbox, number: int, change: Callable[[], None]) -> None:
    """Make a change after the answer to the n-th request for contacts."""
    contacts = sandbox.api.contacts
    asked = 0

    async def answer(request: Any) -> Any:
        nonlocal asked
        response = await contacts(request)
        asked += 1
        if asked == number:
            change()
        return response

    sandbox.api.contacts = answer  # type: ignore[method-assign]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_constantcontact.streams.contacts.ContactsStream.page_size", 10)


@pytest.mark.usefixtures("present", "small_pages")
@pytest.mark.parametrize("filters", [{}, {"contact_status": ["active"]}], ids=["all", "active"])
def test_nobody_is_missed_or_met_twice_when_pages_shift(
    tmp_path: Path, account: Account, filters: dict[str, Any]
) -> None:
    before = {
        key
        for key, contact in account.contacts.items()
        if not filters or status(contact) == "active"
    }
    newest = [c["contact_id"] for c in account.newest_first() if c["contact_id"] in before]
    sandbox = Sandbox(account)

    def shift() -> None:
        now = datetime.now(timezone.utc)
        account.unsubscribe(newest[0], now)
        account.delete(newest[1], now)
        account.add_contact(now)

    _on_page(sandbox, 1, shift)
    with sandbox:
        result = sync(config_for(sandbox, tmp_path, **filters), streams=("contacts",))
    keys = [record["contact_id"] for record in result.records["contacts"]]
    assert len(keys) == len(set(keys))
    assert before <= set(keys)


@pytest.mark.usefixtures("small_pages")
def test_a_stable_collection_is_read_once(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    run(streams="contacts")
    assert len(requests_seen) == -(-len(account.contacts) // 10)


def test_a_page_of_contacts_that_keeps_failing_is_read_in_smaller_pages(
    read: FaultyRunner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    limits: Counter[str] = Counter()

    @web.middleware
    async def cut_at_29_seconds(request: web.Request, handler: Any) -> Any:
        if request.path == "/v3/contacts" and "cursor" not in request.query:
            limits[request.query["limit"]] += 1
            if int(request.query["limit"]) > 20:
                return web.Response(status=504, text="<html>Gateway Timeout</html>")
        return await handler(request)

    result, errors = read(cut_at_29_seconds, streams=("contacts",))
    assert not errors
    assert result.by_key("contacts") == Expected(account).contacts()
    assert limits == {"500": 9, "100": 5, "20": 1}
    assert "Reading contacts again, with 20 rows a page" in caplog.text


def test_ever_new_links_to_the_same_rows_are_fatal(read: FaultyRunner) -> None:
    asked = 0

    @web.middleware
    async def repeat(request: web.Request, handler: Any) -> Any:
        nonlocal asked
        if request.path != "/v3/contacts" or asked == 500:
            return await handler(request)
        asked += 1
        contacts = [{"contact_id": str(number)} for number in range(50)]
        links = {"next": {"href": f"/v3/contacts?cursor={asked}"}}
        return web.json_response({"contacts": contacts, "_links": links})

    result, (said,) = read(repeat, streams=("contacts",))
    assert result.exit_code == 1
    assert "sends the same rows of contacts again and again" in said
    assert len(result.records["contacts"]) == 50
    assert asked < 100
