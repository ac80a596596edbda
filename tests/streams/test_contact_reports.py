"""The two reports on contacts: their windows, their filters, the events' keys."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account, parse
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, DETAILS, SUMMARY, partly_slow
from tests.runs import Runner
from tests.sandboxes import PRESENT

pytestmark = pytest.mark.contacts(20)


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


@pytest.mark.parametrize("name", partly_slow([*WINDOWS][:2], [*WINDOWS][2:]))
def test_a_fixed_window(run: Runner, expected: Expected, account: Account, name: str) -> None:
    settings, start, end = WINDOWS[name]
    heavy = max(account.events, key=lambda key: len(account.events[key]))
    for edge in (start - timedelta(milliseconds=1), start, end - timedelta(milliseconds=1), end):
        if edge < datetime.now(timezone.utc):
            account.add_event(heavy, "em_sends", edge, campaign_activity_id=f"edge-{edge}", form=0)
    state = {
        "bookmarks": {
            report: {"replication_key": key, "replication_key_value": "2026-11-01T00:00:00Z"}
            for report, key in zip(CONTACT_REPORTS, ("start_on", "created_time"), strict=True)
        }
    }
    result = run(state=state, streams=CONTACT_REPORTS, **settings)
    for report in CONTACT_REPORTS:
        wanted = getattr(expected, report)(window=lambda at: start <= at < end)
        assert wanted
        assert result.by_key(report) == wanted
        bookmark = result.state["bookmarks"][report]
        assert bookmark["replication_key_value"] == "2026-11-01T00:00:00Z"


def test_tracking_activity_types(run: Runner, account: Account, expected: Expected) -> None:
    types = ["em_clicks", "p_contact_open"]
    result = run(streams=DETAILS, tracking_activity_types=types)
    everything = expected.contact_activity_details()
    assert result.by_key(DETAILS) == {
        key: row for key, row in everything.items() if row["tracking_activity_type"] in types
    }


def test_an_event_has_the_same_id_in_every_run_and_form(run: Runner, account: Account) -> None:
    def ids() -> set[str]:
        return {record["activity_id"] for record in run(streams=DETAILS).records[DETAILS]}

    before = ids()
    for events in account.events.values():
        for event in events:
            at = parse(event["created_time"]).astimezone(timezone(timedelta(hours=9)))
            event["created_time"] = at.isoformat()
    assert ids() == before


def test_a_sweep_that_takes_more_than_a_day_is_told_before_it_begins(
    run: Runner, account: Account, requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run(streams=SUMMARY, daily_request_limit=9)
    assert len(requests_seen) == 9
    lists = sum("/reports/" not in request.path for request in requests_seen)
    contacts = sum("deleted_at" not in contact for contact in account.contacts.values())
    assert (
        f"{SUMMARY} takes {contacts} requests or more, and {9 - lists} are left today: it cannot "
        "be finished today. With report_source campaigns, it takes a request per 500 events "
        "instead: --estimate tells how many"
    ) in caplog.messages


@pytest.mark.parametrize(
    "settings", [{}, {"report_source": "campaigns", "daily_request_limit": 20}], ids=str
)
def test_no_other_source_is_named_where_it_would_not_help(
    run: Runner, caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    caplog.set_level("INFO")
    run(streams=SUMMARY, **settings)
    told = [line for line in caplog.messages if "cannot be finished today" in line]
    assert len(told) == len(settings) // 2
    assert "--estimate" not in "".join(told)
