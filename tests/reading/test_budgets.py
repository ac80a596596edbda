"""Runs of few requests finish every stream, however large the account is."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.state.bookmarks import Bookmark
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.campaign_reports import (
    EmailCampaignActivityStatsStream,
    EmailLinksStream,
)
from tap_constantcontact.streams.contacts import ContactsStream
from tests.expected import Expected
from tests.parameters import SUMMARY, Stream, named, partly_slow
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20, young=True)

RESERVED = 2
"""Requests of each run that list parents and tell their counts."""

QUICK = [EmailCampaignActivityStatsStream, EmailLinksStream]
SLOW = [stream for stream in STREAMS if stream not in QUICK]

STUCK = 3
"""Runs in a row that change nothing in the state, after which a stream will never finish."""


def in_runs_of(
    budget: int, run: Runner, requests: list[Any], stream: str, **settings: Any
) -> tuple[dict[Any, Any], int]:
    """Read a stream in runs of so many requests; return its rows and the number of requests."""
    state: dict[str, Any] = {}
    rows: dict[Any, Any] = {}
    before = len(requests)
    stuck = 0
    while stuck < STUCK:
        sent = len(requests)
        result = run(state, streams=stream, budget=budget, **settings)
        assert result.exit_code == 0
        rows |= result.by_key(stream)
        if len(requests) < sent + budget or Bookmark(result.state, stream).swept_at:
            return rows, len(requests) - before
        stuck = stuck + 1 if result.state == state else 0
        state = result.state
    pytest.fail(f"{stream} gets no further in runs of {budget} requests")


@pytest.mark.parametrize("stream", partly_slow(QUICK, SLOW), ids=named)
def test_every_stream_is_finished_in_runs_of_ten_requests(
    run: Runner, expected: Expected, requests_seen: list[Any], stream: Stream
) -> None:
    run(streams=stream.name)
    at_once = len(requests_seen)
    rows, requests = in_runs_of(10, run, requests_seen, stream.name)
    assert rows == expected[stream.name]
    assert requests <= at_once * 10 / (10 - RESERVED) + 10


@pytest.mark.parametrize(
    "stream", partly_slow([EmailCampaignActivityStatsStream.name], ["email_opens", "email_sends"])
)
def test_a_report_on_campaigns_is_finished_in_runs_of_three_requests(
    run: Runner, expected: Expected, requests_seen: list[Any], stream: str
) -> None:
    rows, _ = in_runs_of(3, run, requests_seen, stream)
    assert rows == expected[stream]


@pytest.mark.parametrize("budget", partly_slow([3], [7]))
def test_a_list_of_more_pages_than_a_run_may_request_is_read_on(
    run: Runner,
    expected: Expected,
    requests_seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    budget: int,
) -> None:
    """Each run lists no more than the parents that it can read, the newest first."""
    monkeypatch.setattr(ContactsStream, "page_size", 4)
    run(streams=SUMMARY)
    reports = sum("/reports/" in request.path for request in requests_seen)
    pages = len(requests_seen) - reports
    assert pages > budget
    rows, requests = in_runs_of(budget, run, requests_seen, SUMMARY)
    assert rows == expected[SUMMARY]
    assert requests <= reports * budget / (budget - 2) + budget


def test_contacts_of_one_second_are_all_read(
    run: Runner,
    account: Account,
    expected: Expected,
    requests_seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A place within them is none from which the list can be read on."""
    monkeypatch.setattr(ContactsStream, "page_size", 4)
    for contact in [*account.contacts.values()][:12]:
        contact["created_at"] = "2024-02-03T04:05:06Z"
    rows, _ = in_runs_of(8, run, requests_seen, SUMMARY)
    assert rows == expected[SUMMARY]


def test_contacts_without_any_for_the_report_are_passed_over_once(
    run: Runner, requests_seen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few contacts have a number for text messages; a run remembers how far it has searched."""
    monkeypatch.setattr(ContactsStream, "page_size", 4)
    first = run(streams="sms_engagement_history", budget=4)
    sweep = Bookmark(first.state, "sms_engagement_history").sweep
    assert sweep
    assert sweep.place
    requests_seen.clear()
    run(first.state, streams="sms_engagement_history", budget=4)
    assert requests_seen[0].query["created_before"]


def test_the_parts_of_a_campaign_that_are_out_are_not_read_again(
    run: Runner, requests_seen: list[Any]
) -> None:
    in_runs_of(3, run, requests_seen, "email_links")
    asked = [request.path for request in requests_seen if request.path.endswith("/links")]
    assert len(asked) == len(set(asked))
    details = [request.path for request in requests_seen if request.path.count("/") == 3]
    assert len(details) > len(set(details))
