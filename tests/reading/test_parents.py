"""Parents of a report: listed once, as far back as is needed."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.state.bookmarks import Sweep
from tests.expected import Expected
from tests.parameters import CONTACT_REPORTS, SUMMARY
from tests.runs import Run, Runner


def cut_short(run: Runner, budget: int, **settings: Any) -> Run:
    result = run(streams=CONTACT_REPORTS, budget=budget, **settings)
    assert result.exit_code == 0
    return result


def test_a_resumed_sweep_lists_what_is_left_and_both_reports_list_once(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    first = cut_short(run, budget=25)
    requests_seen.clear()
    second = run(state=first.state, streams=CONTACT_REPORTS)
    listings = [request.query for request in requests_seen if request.path == "/v3/contacts"]
    sweep = Sweep.parse(first.state["bookmarks"][SUMMARY]["sweep"])
    assert sweep.place
    rest, added, missing = listings
    assert 0 < parse(rest["created_before"]).timestamp() - sweep.place.created_at <= 1.001
    assert 0 < sweep.settled - parse(added["created_after"]).timestamp() <= 1.001
    assert 0 < sweep.place.created_at - parse(missing["created_after"]).timestamp() <= 1.001
    assert all(query["limit"] == "500" and "include" not in query for query in listings)
    assert second.state["bookmarks"][SUMMARY]["replication_key_value"]
    requests_seen.clear()
    run(streams=CONTACT_REPORTS)
    assert sum(request.path == "/v3/contacts" for request in requests_seen) == 1


def test_contact_ids(run: Runner, account: Account, expected: Expected) -> None:
    ids = [key for key, c in account.contacts.items() if "deleted_at" not in c][3:6]
    result = run(streams=CONTACT_REPORTS, contact_ids=ids)
    for report in CONTACT_REPORTS:
        wanted = getattr(expected, report)(lambda c: c["contact_id"] in ids)
        assert result.by_key(report) == wanted
