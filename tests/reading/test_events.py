"""Events have no key of their own: each is read once, with the same key in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.reading.events import moved_by, overlaps, read_once, with_ids
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tests.expected import Expected
from tests.parameters import DETAILS, partly_slow
from tests.runs import Run, Runner, config_for, sync
from tests.sandboxes import PRESENT, account_of

FIELDS = ("contact_id", "campaign_activity_id", "tracking_activity_type")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def identified(*pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*with_ids(read_once(lambda: pages))]


def alike(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells events from others, by the contract's row."""
    return (*(row[name] for name in FIELDS), parse(row["created_time"]))


def happened(account: Account) -> Counter[Any]:
    return Counter(
        alike(row)
        for key, rows in account.events.items()
        if "deleted_at" not in account.contacts[key]
        for row in rows
    )


def came(run: Run) -> Counter[Any]:
    records = run.records[DETAILS]
    assert len({record["activity_id"] for record in records}) == len(records)
    return Counter(alike(record) for record in records)


def test_no_event_of_the_contract_s_rows_is_lost(sandbox: Sandbox, run: Runner) -> None:
    sandbox.api.base_rows = True
    wanted = happened(sandbox.account)
    assert max(wanted.values()) > 1
    assert came(run(streams=DETAILS)) == wanted


@pytest.mark.slow
def test_an_event_has_the_same_key_with_and_without_its_link(sandbox: Sandbox, run: Runner) -> None:
    whole = run(streams=DETAILS)
    sandbox.api.base_rows = True
    bare = run(streams=DETAILS)
    keys = [{record["activity_id"] for record in one.records[DETAILS]} for one in (whole, bare)]
    assert keys[0] == keys[1]


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.sampled_from("ab") for name in FIELDS},
            "created_time": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"]),
        },
        optional={"device_type": st.sampled_from("xyz"), "link_url": st.sampled_from("xyz")},
    ),
    max_size=9,
)


@given(older=EVENTS, newer=EVENTS)
def test_an_event_keeps_its_key_whatever_joins_it_later(older: Any, newer: Any) -> None:
    events = {event["activity_id"]: event for event in identified([*newer, *older])}
    assert {**events, **{event["activity_id"]: event for event in identified(older)}} == events
    assert Counter(str({**event, "activity_id": 0}) for event in events.values()) == Counter(
        str({"activity_id": 0, **event}) for event in [*newer, *older]
    )


def test_the_key_of_an_event_is_what_it_has_always_been() -> None:
    """Users have these keys in their tables."""
    row = {**dict.fromkeys(FIELDS, "a"), "created_time": "2026-01-01T00:00:00Z"}
    (alone,) = identified([{**row, "device_type": "mobile"}])
    assert alone["activity_id"] == "2a169f4e-9ab4-5c41-bc1a-25a4ca733574"


JOINED: tuple[dict[str, str], ...] = (
    {"device_type": "desktop"},
    {"device_type": "mobile"},
    {"device_type": "mobile", "link_url": "https://a.example.com", "url_id": "1"},
    {},
)
"""How an event may differ from an older one of a mobile device, of the same type and minute."""


@pytest.mark.slow
@pytest.mark.parametrize("source", ["contacts", "campaigns"])
@pytest.mark.parametrize("lookback_days", partly_slow([1], [0]))
@pytest.mark.parametrize("joined", partly_slow([*JOINED][:1], [*JOINED][1:]))
def test_an_event_of_the_minute_in_which_the_last_run_began_takes_no_key(
    run: Runner,
    account: Account,
    source: str,
    lookback_days: int,
    joined: dict[str, Any],
) -> None:
    settings: dict[str, Any] = {"report_source": source, "lookback_days": lookback_days}
    activity = account.send_campaign(PRESENT - timedelta(days=3))
    contact_id = account.index.rows(activity, "em_sends")[0]["contact_id"]
    link = {"link_url": "https://z.example.com", "url_id": "9"}
    account.respond(activity, contact_id, "em_clicks", PRESENT, device_type="mobile", **link)
    with time_machine.travel(PRESENT + timedelta(seconds=40), tick=True):
        first = run(streams=DETAILS, **settings)
        account.respond(activity, contact_id, "em_clicks", PRESENT, **joined)
        second = run(streams=DETAILS, state=first.state, **settings)

    def clicks(result: Run) -> list[dict[str, Any]]:
        return [
            row
            for row in result.records[DETAILS]
            if row["campaign_activity_id"] == activity
            and row["tracking_activity_type"] == "em_clicks"
        ]

    (old,) = clicks(first)
    new, again = clicks(second)
    assert again == old
    assert new["activity_id"] != old["activity_id"]
    assert new.get("link_url") == joined.get("link_url")


@pytest.mark.parametrize("base_rows", partly_slow([True], [False]))
def test_both_sources_give_an_event_the_same_key(
    sandbox: Sandbox, run: Runner, expected: Expected, base_rows: bool
) -> None:
    sandbox.api.base_rows = base_rows
    settings: dict[str, Any] = {"contact_status": ["all"], "full_sweep_days": 0}
    contacts = run(streams=DETAILS, **settings).by_key(DETAILS)
    campaigns = run(streams=DETAILS, report_source="campaigns", **settings).by_key(DETAILS)
    wanted = expected.contact_activity_details(lambda _: True)
    assert max(happened(sandbox.account).values()) > 2
    assert contacts.keys() == wanted.keys()
    assert campaigns
    for key, row in campaigns.items():
        assert row == wanted[key]
        assert contacts[key].items() <= row.items()


def busy(events: int, *, equal: bool) -> tuple[Account, str]:
    """An account with one contact of many events, in pairs of equal ones if that is wanted."""
    account = account_of(3)
    contact_id = min(key for key in account.events if "deleted_at" not in account.contacts[key])
    account.events[contact_id].clear()
    for n in range(events):
        at = START + timedelta(minutes=n // 2 if equal else n)
        account.add_event(contact_id, "em_opens", at, campaign_activity_id="mail")
    return account, contact_id


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Run, int]]:
    """Read one contact while events arrive after given requests; returns the requests made, too."""

    def run(account: Account, contact_id: str, arrivals: dict[int, int]) -> tuple[Run, int]:
        asked = 0

        @web.middleware
        async def arrive(request: web.Request, handler: Any) -> Any:
            nonlocal asked
            response = await handler(request)
            if request.path.endswith("/activity_details"):
                asked += 1
                for n in range(arrivals.get(asked, 0)):
                    at = START + timedelta(days=200, seconds=asked * 60 + n)
                    account.add_event(contact_id, "em_opens", at, campaign_activity_id="new")
            return response

        with Sandbox(account, middlewares=[arrive]) as sandbox:
            config = config_for(sandbox, tmp_path, contact_ids=[contact_id])
            return sync(config, streams=(DETAILS,)), asked

    return run


@pytest.mark.parametrize("shift", [1, 3])
@pytest.mark.parametrize("request_number", [1, 2])
def test_rows_that_a_new_event_has_moved_are_read_once(
    read: Any, shift: int, request_number: int
) -> None:
    account, contact_id = busy(250, equal=False)
    before = Counter(map(alike, account.events[contact_id]))
    result, asked = read(account, contact_id, {request_number: shift})
    assert came(result) == before
    assert asked == 4


def test_equal_events_on_both_sides_of_a_page_s_end_are_two(read: Any) -> None:
    account, contact_id = busy(251, equal=True)
    before = Counter(map(alike, account.events[contact_id]))
    result, asked = read(account, contact_id, {})
    assert came(result) == before
    assert asked == 4


def test_equal_events_and_moved_rows_are_told_apart(read: Any) -> None:
    """Pairs of equal events lie across each page's end, and one event arrives after page 1."""
    account, contact_id = busy(251, equal=True)
    before = Counter(map(alike, account.events[contact_id]))
    result, _ = read(account, contact_id, {1: 1})
    found = came(result)
    assert {event: found[event] for event in before} == before


def test_no_row_of_an_event_stream_that_never_rests_is_asked_for_without_end(read: Any) -> None:
    account, contact_id = busy(250, equal=False)
    _, asked = read(account, contact_id, dict.fromkeys(range(1, 100), 1))
    assert asked <= 12


@given(
    rows=st.lists(st.integers(), min_size=4, max_size=30, unique=True),
    arrived=st.integers(0, 1),
    spoilt=st.integers(0, 29),
)
def test_one_spoilt_row_does_not_look_like_a_page_of_new_events(
    rows: list[int], arrived: int, spoilt: int
) -> None:
    before: list[dict[str, Any]] = [{"n": n} for n in rows]
    after = [*[{"n": None}] * arrived, *before][: len(rows)]
    after[spoilt % len(rows)] = {"n": "spoilt"}
    assert moved_by(before, after) == arrived


ROWS = st.lists(st.integers(0, 2).map(lambda n: {"n": n}), min_size=1, max_size=8)


@given(rows=ROWS, arrived=ROWS)
def test_a_page_has_moved_by_no_more_rows_than_arrived(rows: Any, arrived: Any) -> None:
    assert moved_by(rows, rows) == 0
    assert moved_by(rows, [*arrived, *rows][: len(rows)]) <= len(arrived)


@given(rows=st.lists(st.integers(0, 10**6), min_size=4, max_size=30, unique=True), data=st.data())
def test_an_overlap_of_distinct_rows_is_what_has_moved(rows: list[int], data: Any) -> None:
    size = data.draw(st.integers(1, len(rows) // 2))
    moved = data.draw(st.integers(0, size))
    pages = [[{"n": n} for n in rows[:size]], [{"n": n} for n in rows[size - moved :]]]
    assert overlaps(*pages) == [moved] * (moved > 0)
