"""Streams that the token or its user may not read are skipped, if a setting says so."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.parameters import DETAILS, INCREMENTAL, NAMES, SUMMARY, Stream, named, partly_slow
from tests.runs import Run, Runner

pytestmark = pytest.mark.contacts(12, young=True)


METRICS = {stream.name for stream in STREAMS if stream.privilege == "ui:campaign:metrics"}

FORBIDDEN = tuple(stream for stream in INCREMENTAL if stream.privilege)
SELECTIONS = partly_slow([FORBIDDEN], [((stream,),) for stream in FORBIDDEN])
"""Incremental streams in one run and, with `-m slow`, in a run of each."""


def forbid(sandbox: Sandbox, *privileges: str) -> None:
    for privilege in privileges:
        sandbox.api.privileges.remove(privilege)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING and record.getMessage().startswith("Skipping ")
    ]


def activated(result: Run) -> set[str]:
    return {line["stream"] for line in result.lines if line["type"] == "ACTIVATE_VERSION"}


def test_a_forbidden_stream_ends_the_run_unless_it_may_be_skipped(
    run: Runner, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    forbid(sandbox, "contacts:lists:read")
    assert run(streams=("contact_lists", "contact_tags")).exit_code == 1
    assert not warnings(caplog)


@pytest.mark.parametrize("streams", [("contact_lists",), ("contact_lists", "contact_tags")])
def test_a_run_of_forbidden_streams_alone_fails_with_one_line(
    run: Runner, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, streams: tuple[str, ...]
) -> None:
    forbid(sandbox, "contacts:lists:read", "contacts:read")
    result = run(streams=streams, skip_forbidden_streams=True)
    assert result.exit_code == 1
    assert len(warnings(caplog)) == len(streams)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"Every selected stream is forbidden ({', '.join(streams)})")


def test_a_stream_that_asks_for_nothing_does_not_count_as_allowed(
    run: Runner, sandbox: Sandbox
) -> None:
    forbid(sandbox, "contacts:read")
    result = run(
        streams=("contact_tags", "landing_page_opens"),
        skip_forbidden_streams=True,
        landing_page_activity_ids=[],
    )
    assert result.exit_code == 1


def test_contacts_that_are_forbidden_are_asked_for_once(
    run: Runner, sandbox: Sandbox, requests_seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    forbid(sandbox, "contacts:read")
    streams = ("contacts", "contact_list_memberships", "contact_taggings")
    result = run(streams=streams, skip_forbidden_streams=True)
    assert result.exit_code == 1
    assert [request.path for request in requests_seen] == ["/v3/contacts"]
    assert len(warnings(caplog)) == len(streams)


def test_a_forbidden_stream_leaves_the_other_streams_whole(
    run: Runner, sandbox: Sandbox, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    forbid(sandbox, "ui:campaign:metrics")
    result = run(streams=NAMES, skip_forbidden_streams=True)
    assert result.exit_code == 0
    for name in {*NAMES} - METRICS:
        assert result.by_key(name) == expected[name], name
    assert not {*result.records} & METRICS
    assert not activated(result) & METRICS
    said = warnings(caplog)
    assert {warning.split()[1].rstrip(":") for warning in said} == METRICS
    assert len(said) == len(METRICS)
    for warning in said:
        assert "the scope" in warning
        assert "the privilege ui:campaign:metrics" in warning


def test_a_token_without_a_scope_skips_the_streams_of_that_scope(
    run: Runner, sandbox: Sandbox, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    token = sandbox.authorization.issue("contact_data")
    names = ("account_summary", "contact_tags", "email_campaigns")
    result = run(streams=names, access_token=token, skip_forbidden_streams=True)
    assert result.exit_code == 0
    assert {*result.records} == {"contact_tags"}
    account, campaigns = warnings(caplog)
    assert "the scope account_read" in account
    assert "the scope campaign_data" in campaigns


@pytest.mark.parametrize("streams", SELECTIONS, ids=lambda streams: " ".join(map(named, streams)))
def test_the_bookmark_of_a_skipped_stream_stays(
    run: Runner, sandbox: Sandbox, streams: tuple[Stream, ...]
) -> None:
    names = [*map(named, streams)]
    before = run(streams=names).state
    forbid(sandbox, *dict.fromkeys(stream.privilege for stream in streams if stream.privilege))
    result = run(before, streams=(*names, "account_emails"), skip_forbidden_streams=True)
    assert result.exit_code == 0
    assert result.records["account_emails"]
    for name in names:
        assert not result.records[name]
        assert result.state["bookmarks"][name] == before["bookmarks"][name]


def test_a_sweep_goes_on_when_its_stream_is_allowed_again(
    run: Runner, sandbox: Sandbox, expected: Expected
) -> None:
    reports = (SUMMARY, DETAILS)
    first = run(streams=reports, budget=20)
    forbid(sandbox, "ui:campaign:metrics")
    second = run(first.state, streams=reports, skip_forbidden_streams=True)
    assert second.exit_code == 1
    sandbox.api.privileges.append("ui:campaign:metrics")
    third = run(second.state, streams=reports)
    for report in reports:
        assert first.by_key(report) | third.by_key(report) == expected[report]
    assert len(third.records[SUMMARY]) < len(expected[SUMMARY])


def test_forbidden_custom_fields_leave_the_other_streams(
    run: Runner, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    forbid(sandbox, "contacts:read")
    settings: dict[str, Any] = {"custom_fields_by_name": True, "skip_forbidden_streams": True}
    result = run(streams=("contact_lists", "contacts"), **settings)
    assert result.exit_code == 0
    assert {*result.records} == {"contact_lists"}
    assert "Leaving out custom_fields_by_name" in caplog.text
