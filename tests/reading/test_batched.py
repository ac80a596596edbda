"""Many parents a request: one that fails them all is found and skipped, at a bounded cost."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.streams.campaign_reports import (
    EmailCampaignActivityStatsStream,
    EmailCampaignStatsStream,
)
from tests.expected import Expected
from tests.faults import changing
from tests.parameters import partly_slow
from tests.runs import FaultyRunner, Runner
from tests.sandboxes import PRESENT, is_request_for

pytestmark = pytest.mark.contacts(3)

STATS = EmailCampaignStatsStream.name
MOST = EmailCampaignStatsStream.ids_a_request
MALFORMED = "malformed"
SPLITS = math.ceil(math.log2(MOST))


@pytest.fixture
def account(account: Account) -> Account:
    """An account that has sent as many campaigns as a request may name, and one more."""
    some = [*account.contacts][:1]
    sent = len(Expected(account)[STATS])
    for minutes in range(MOST + 1 - sent):
        account.send_campaign(PRESENT - timedelta(minutes=minutes + 1), some)
    return account


def asked_in(requests: list[Any]) -> list[list[str]]:
    """Return the ids that each request named."""
    return [
        request.path.rpartition("/")[2].split(",")
        for request in requests
        if is_request_for(EmailCampaignStatsStream, request.path)
    ]


def malform(account: Account, number: int) -> None:
    """Give the n-th of the campaigns that are asked for an id that the API cannot read."""
    sent = [row for row in account.campaigns.rows.values() if row["current_status"] == "Done"]
    sent.sort(key=lambda row: parse(row["created_at"]))
    sent[number]["campaign_id"] = MALFORMED


def test_parts_are_asked_about_ten_at_a_time(
    run: Runner, expected: Expected, requests_seen: list[Any]
) -> None:
    stream = EmailCampaignActivityStatsStream
    result = run(streams=stream.name)
    asked = [
        request.path.rpartition("/")[2].split(",")
        for request in requests_seen
        if is_request_for(stream, request.path)
    ]
    assert max(map(len, asked)) == 10
    assert len(asked) == math.ceil(sum(map(len, asked)) / 10)
    assert result.by_key(stream.name) == expected[stream.name]


def remove_sent(account: Account) -> None:
    for key in [*account.campaigns.rows]:
        if account.campaigns.reported(key):
            account.campaigns.remove(key, PRESENT)


def test_a_request_names_as_many_parents_as_it_may(
    run: Runner, expected: Expected, requests_seen: list[Any]
) -> None:
    result = run(streams=STATS)
    assert [len(ids) for ids in asked_in(requests_seen)] == [MOST, 1]
    assert result.by_key(STATS) == expected[STATS]
    assert len(result.records[STATS]) == MOST + 1


@pytest.mark.parametrize("number", partly_slow([74], [0, 1, 75, 149]))
def test_a_malformed_parent_is_split_off_and_skipped(  # noqa: PLR0913, PLR0917
    run: Runner,
    account: Account,
    expected: Expected,
    requests_seen: list[Any],
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    caplog.set_level("INFO")
    wanted = expected[STATS]
    malform(account, number)
    result = run(streams=STATS)
    asked = asked_in(requests_seen)
    found = result.by_key(STATS)
    assert result.exit_code == 0
    assert len(found) == len(wanted) - 1
    assert found.items() <= wanted.items()
    assert next(len(ids) for ids in asked if MALFORMED in ids) == MOST
    assert [MALFORMED] in asked
    assert len(asked) <= 1 + 2 * SPLITS + 1, "a request, two a split, and the last parent's own"
    assert "skipped 1 unknown" in caplog.text


def test_no_request_is_sent_where_there_are_no_parents(
    run: Runner, account: Account, requests_seen: list[Any]
) -> None:
    remove_sent(account)
    result = run(streams=STATS)
    assert result.exit_code == 0
    assert not asked_in(requests_seen)
    assert not result.records[STATS]


def test_parents_that_went_meanwhile_are_skipped(
    read: FaultyRunner, account: Account, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    gone = [key for key in account.campaigns.rows if account.campaigns.reported(key)][::60]

    @web.middleware
    async def remove_after_listing(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if request.path == "/v3/emails":
            for key in gone:
                account.campaigns.remove(key, PRESENT)
        return response

    wanted = {key: row for key, row in expected[STATS].items() if key not in gone}
    result, errors = read(remove_after_listing, streams=(STATS,))
    assert not errors
    assert result.by_key(STATS) == wanted
    assert f"skipped {len(gone)} unknown" in caplog.text


def test_parents_told_as_errors_beside_the_rows_are_skipped(
    read: FaultyRunner, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    """As the contract has it of campaign activities: unknown ids do not fail the others."""
    caplog.set_level("INFO")
    unknown: list[str] = []

    def tell_as_errors(body: dict[str, Any]) -> None:
        unknown.append(body["results"].pop()["campaign_id"])
        body["errors"] = [{"error_key": "not_found", "error_message": unknown[-1]}]

    result, errors = read(changing(STATS, tell_as_errors), streams=(STATS,))
    assert not errors
    assert len(unknown) == 2
    assert result.by_key(STATS) == {
        key: row for key, row in expected[STATS].items() if key not in unknown
    }
    assert f"skipped {len(unknown)} unknown" in caplog.text
