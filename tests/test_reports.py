"""The records of each stream are the sandbox's own data, by key and by value."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, parse, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.conftest import PRESENT, Expected, Run, config_for, sync

Runner = Callable[..., Run]
STREAMS = ("contact_lists", "contacts", "contact_action_summary", "contact_activity_details")
REPORTS = STREAMS[2:]


def test_the_account_has_what_makes_reading_hard(account: Account) -> None:
    whole = Account(now=PRESENT)
    assert 280 <= len(whole.contacts) <= 350
    assert {status(contact) for contact in whole.contacts.values()} == {
        "active",
        "deleted",
        "not_set",
        "pending_confirmation",
        "temp_hold",
        "unsubscribed",
    }
    kinds = {row["tracking_activity_type"] for rows in account.events.values() for row in rows}
    assert len(kinds) == 10
    assert max(map(len, account.events.values())) > 250
    assert any(
        "opt_out_date" in contact.get("email_address", {})
        and parse(contact["updated_at"]) < parse(contact["email_address"]["opt_out_date"])
        for contact in account.contacts.values()
    )


def test_a_later_present_keeps_the_past() -> None:
    now = datetime(2026, 6, 1, tzinfo=timezone.utc)
    early, late = Account(size=30, now=now), Account(size=30, now=now + timedelta(days=90))
    for contact_id, events in early.events.items():
        known = {(row["created_time"], row["tracking_activity_type"]) for row in events}
        assert known <= {
            (row["created_time"], row["tracking_activity_type"]) for row in late.events[contact_id]
        }


def test_a_full_run(run: Runner, expected: Expected) -> None:
    result = run()
    for stream in STREAMS:
        assert result.by_key(stream) == getattr(expected, stream)()


def test_streams_run_cheap_ones_first(run: Runner) -> None:
    schemas = [line["stream"] for line in run().lines if line["type"] == "SCHEMA"]
    assert schemas == list(STREAMS)


def test_every_date_time_is_in_utc(run: Runner) -> None:
    for records in run().records.values():
        for record in records:
            for name, value in record.items():
                if name.endswith(("_at", "_on", "_time")):
                    assert value.endswith("Z"), name


def test_an_incremental_run_has_what_changed(
    run: Runner, account: Account, expected: Expected
) -> None:
    first = run()
    active = [key for key, contact in account.contacts.items() if status(contact) == "active"]
    edited, left, deleted, opener = active[:4]
    now = datetime.now(timezone.utc) + timedelta(seconds=2)
    account.edit(edited, now)
    account.unsubscribe(left, now, "Moved away")
    account.delete(deleted, now)
    joined = account.add_contact(now)
    mail = account.events[opener][0]["campaign_activity_id"]
    account.add_event(
        opener, "em_opens", now, form=2, campaign_activity_id=mail, campaign_activity_name="Again"
    )

    second = run(state=first.state)

    changed = {edited, left, deleted, joined}
    assert second.by_key("contacts") == expected.contacts(lambda c: c["contact_id"] in changed)
    began = parse(first.state["bookmarks"]["contacts"]["replication_key_value"])
    assert second.by_key("contact_activity_details") == expected.contact_activity_details(
        window=lambda at: at >= began - timedelta(days=1)
    )
    assert any(r["campaign_activity_name"] == "Again" for r in second.records[REPORTS[1]])
    assert second.by_key("contact_action_summary") == expected.contact_action_summary(
        window=lambda at: at >= began - timedelta(days=30)
    )


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


def test_start_date_bounds_a_first_run(run: Runner, expected: Expected) -> None:
    start = datetime(2025, 11, 1, tzinfo=timezone.utc)

    def touched(contact: dict[str, Any]) -> bool:
        dates = (contact["updated_at"], contact.get("email_address", {}).get("opt_out_date"))
        return any(parse(date) >= start for date in dates if date)

    result = run(start_date="2025-11-01")
    assert result.by_key("contacts") == expected.contacts(touched)
    for report in REPORTS:
        wanted = getattr(expected, report)(window=lambda at: at >= start)
        assert wanted
        assert result.by_key(report) == wanted


# Windows


def today() -> datetime:
    return PRESENT.replace(hour=0, minute=0, second=0, microsecond=0)


def ago(days: int) -> datetime:
    return today() - timedelta(days=days)


WINDOWS: dict[str, tuple[dict[str, Any], datetime, datetime]] = {
    "a day": ({"report_date": f"{ago(40):%Y-%m-%d}"}, ago(40), ago(39)),
    "days back": ({"report_days_back": 60}, ago(60), ago(-1)),
    "two dates": (
        {"report_start_date": f"{ago(100):%Y-%m-%d}", "report_end_date": f"{ago(50):%Y-%m-%d}"},
        ago(100),
        ago(49),
    ),
    "days back from and to": (
        {"report_start_days_back": 90, "report_end_days_back": 20},
        ago(90),
        ago(19),
    ),
    "a date to days back": (
        {"report_start_date": "2026-01-01", "report_end_days_back": 30},
        datetime(2026, 1, 1, tzinfo=timezone.utc),
        ago(29),
    ),
    "days back to a date": (
        {"report_start_days_back": 200, "report_end_date": f"{ago(100):%Y-%m-%d}"},
        ago(200),
        ago(99),
    ),
    "from a date on": (
        {"report_start_date": "2026-06-01"},
        datetime(2026, 6, 1, tzinfo=timezone.utc),
        ago(-1),
    ),
    "in Sydney": (
        {"report_start_date": "2026-04-01", "report_end_date": "2026-04-30"}
        | {"timezone": "Australia/Sydney"},
        datetime(2026, 3, 31, 13, tzinfo=timezone.utc),
        datetime(2026, 4, 30, 14, tzinfo=timezone.utc),
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_fixed_window(run: Runner, expected: Expected, account: Account, name: str) -> None:
    settings, start, end = WINDOWS[name]
    heavy = max(account.events, key=lambda key: len(account.events[key]))
    for edge in (start - timedelta(milliseconds=1), start, end - timedelta(milliseconds=1), end):
        if edge < datetime.now(timezone.utc):
            account.add_event(heavy, "em_sends", edge, campaign_activity_id=f"edge-{edge}", form=0)
    state = {
        "bookmarks": {
            report: {"replication_key": key, "replication_key_value": "2026-11-01T00:00:00Z"}
            for report, key in zip(REPORTS, ("start_on", "created_time"), strict=True)
        }
    }
    result = run(state=state, streams=REPORTS, **settings)
    for report in REPORTS:
        wanted = getattr(expected, report)(window=lambda at: start <= at < end)
        assert wanted
        assert result.by_key(report) == wanted
        bookmark = result.state["bookmarks"][report]
        assert bookmark["replication_key_value"] == "2026-11-01T00:00:00Z"


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


# Filters


def test_contact_ids(run: Runner, account: Account, expected: Expected) -> None:
    ids = [key for key, c in account.contacts.items() if "deleted_at" not in c][3:6]
    result = run(streams=REPORTS, contact_ids=ids)
    for report in REPORTS:
        wanted = getattr(expected, report)(lambda c: c["contact_id"] in ids)
        assert result.by_key(report) == wanted


@pytest.mark.parametrize(
    "wanted", [["active"], ["unsubscribed", "deleted"], ["all"], ["temp_hold"]]
)
def test_contact_status(run: Runner, expected: Expected, wanted: list[str]) -> None:
    def match(contact: dict[str, Any]) -> bool:
        return wanted == ["all"] or status(contact) in wanted

    result = run(contact_status=wanted)
    assert result.by_key("contacts") == expected.contacts(match)
    assert result.by_key(REPORTS[0]) == expected.contact_action_summary(match)
    assert result.by_key(REPORTS[1]) == expected.contact_activity_details(match)


def test_contact_lists_and_tags(run: Runner, account: Account, expected: Expected) -> None:
    lists = list(account.lists)[1:3]
    tags = account.tags[:1]

    def match(contact: dict[str, Any]) -> bool:
        return bool(
            set(lists) & set(contact["list_memberships"]) and tags[0] in contact["taggings"]
        )

    result = run(contact_list_ids=lists, contact_tag_ids=tags)
    assert result.records["contacts"]
    assert result.by_key("contacts") == expected.contacts(match)
    assert result.by_key(REPORTS[0]) == expected.contact_action_summary(match)


def test_more_lists_and_tags_than_a_request_may_name(
    run: Runner, account: Account, expected: Expected
) -> None:
    lists = [f"none-{number}" for number in range(30)] + list(account.lists)
    tags = [f"none-{number}" for number in range(60)] + account.tags
    result = run(streams="contacts", contact_list_ids=lists, contact_tag_ids=tags)
    assert result.by_key("contacts") == expected.contacts(
        lambda c: bool(c["list_memberships"] and c["taggings"])
    )


def test_a_segment(run: Runner, sandbox: Sandbox, account: Account) -> None:
    sandbox.api.pending_segments["1"] = 1
    members = set(account.segments["1"])
    result = run(streams=("contacts", REPORTS[0]), segment_id="1")
    assert {r["contact_id"] for r in result.records["contacts"]} == members
    assert {r["contact_id"] for r in result.records[REPORTS[0]]} <= members
    held = run(streams="contacts", segment_id="1", contact_status=["unsubscribed"])
    assert {r["contact_id"] for r in held.records["contacts"]} == {
        key for key in members if status(account.contacts[key]) == "unsubscribed"
    }


@pytest.mark.parametrize("includes", [[], ["taggings"], ["notes", "phone_numbers"]])
def test_contact_includes(run: Runner, includes: list[str]) -> None:
    sub_resources = {
        "custom_fields",
        "list_memberships",
        "notes",
        "phone_numbers",
        "street_addresses",
        "taggings",
    }
    records = run(streams="contacts", contact_includes=includes).records["contacts"]
    assert {name for record in records for name in record} & sub_resources == set(includes)


def test_tracking_activity_types(run: Runner, account: Account, expected: Expected) -> None:
    types = ["em_clicks", "p_contact_open"]
    result = run(streams=REPORTS[1], tracking_activity_types=types)
    everything = expected.contact_activity_details()
    assert result.by_key(REPORTS[1]) == {
        key: row for key, row in everything.items() if row["tracking_activity_type"] in types
    }


# Identity, order, cost


def test_an_event_has_the_same_id_in_every_run_and_form(run: Runner, account: Account) -> None:
    def ids() -> set[str]:
        return {record["activity_id"] for record in run(streams=REPORTS[1]).records[REPORTS[1]]}

    before = ids()
    for events in account.events.values():
        for event in events:
            at = parse(event["created_time"]).astimezone(timezone(timedelta(hours=9)))
            event["created_time"] = at.isoformat()
    assert ids() == before


def test_old_pages_of_an_incremental_report_are_not_asked_for(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    first = run(streams=REPORTS[1])
    del requests_seen[:]
    run(state=first.state, streams=REPORTS[1])
    contacts = sum("deleted_at" not in c for c in account.contacts.values())
    assert len(requests_seen) == 1 + contacts


def test_state_does_not_grow_with_the_contacts(run: Runner) -> None:
    states = [line for line in run().lines if line["type"] == "STATE"]
    assert max(len(json.dumps(line)) for line in states) < 2048


def test_a_contact_that_is_gone_is_passed_over(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    known = next(key for key, rows in account.events.items() if rows)
    caplog.set_level("INFO")
    result = run(streams=REPORTS, contact_ids=["gone", known])
    assert {record["contact_id"] for record in result.records[REPORTS[1]]} == {known}
    assert "skipped 2 unknown contacts" in caplog.text


def test_unknown_fields_are_dropped_with_one_warning(
    run: Runner, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for contact in account.contacts.values():
        contact["shoe_size"] = 44
        contact.get("email_address", {})["mood"] = "good"
    records = run(streams="contacts").records["contacts"]
    assert all("shoe_size" not in record for record in records)
    warnings = [r.getMessage() for r in caplog.records if "left out" in r.getMessage()]
    assert len(warnings) == 1
    assert "email_address.mood, shoe_size" in warnings[0]


# Pages that shift under the reader


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
