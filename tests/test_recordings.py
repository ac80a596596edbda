"""What the tap and the sandbox make of the API's recorded answers.

Set CONSTANT_CONTACT_RECORDINGS to the path of a folder of answers, in the form of `tests.replay`.
"""

from __future__ import annotations

import os
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from tap_constantcontact.auth.permissions import ask_privileges
from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams.contacts import ContactsStream
from tests.clocks import PatientClock
from tests.comparison import instants, without
from tests.faults import rows_in
from tests.parameters import Stream, primary_keys, stream_of
from tests.replay import Recorded, answered_by, answers_in, replaying
from tests.runs import sync

RECORDINGS = os.environ.get("CONSTANT_CONTACT_RECORDINGS")
FILES = answers_in(Path(RECORDINGS)) if RECORDINGS else {}

CAMPAIGN = "00000000-0000-4000-8000-000000000000"
MADE_BY_THE_TAP = ("activity_id", "channel_type", "contact_updated_at", "counted_at", "updated_at")
"""Fields of records that the API's rows do not have, beside keys."""

COUNTS = ("em_sends", "em_opens_all", "em_clicks_all", "em_bounces", "em_optouts", "em_forwards")


def campaign_of(activity: str) -> list[Recorded]:
    """Answers that lead to an e-mail of which only a report was recorded."""
    mail = {"campaign_activity_id": activity, "role": "primary_email"}
    row = {"campaign_id": CAMPAIGN, "current_status": "Done"}
    stats = {"campaign_id": CAMPAIGN, "stats": dict.fromkeys(COUNTS, 1)}
    bodies = {
        "emails": {"campaigns": [row]},
        f"emails/{CAMPAIGN}": {**row, "campaign_activities": [mail]},
        f"reports/stats/email_campaigns/{CAMPAIGN}": {"results": [stats]},
    }
    return [
        {"path": f"/v3/{path}", "query": "", "status": 200, "body": body}
        for path, body in bodies.items()
    ]


def as_list(answer: Recorded) -> Recorded:
    """Return an answer with one row, which no stream reads, as an answer with a list of it."""
    path = answer.get("path", "")
    if answer["status"] in (200, 201):
        for template, rows in (("/v3/contacts", "contacts"), ("/v3/emails", "campaigns")):
            is_one = re.fullmatch(rf"{template}/[0-9a-f-]{{36}}", path)
            if is_one or (path == template and answer.get("method") == "POST"):
                row = without(answer["body"], "campaign_activities")
                return {"path": template, "query": "", "status": 200, "body": {rows: [row]}}
    return answer


def cases() -> Iterator[Any]:
    """Yield each answer that brings rows of a stream, with those of its file that lead there."""
    for file, all_of_it in FILES.items():
        answers = [answer for answer in all_of_it if "query" in answer]
        for number, recorded in enumerate(answers):
            answer = {**as_list(recorded), "query": ""}
            others = [one for one in answers if "cursor" in one["query"] or one["path"] != answer["path"]]
            for stream in answered_by(answer):
                yield pytest.param(
                    stream.name, [answer, *others], id=f"{file}-{number}-{stream.name}"
                )


def rows_of(stream: Stream, body: Any) -> list[dict[str, Any]]:
    """Return the rows that a recorded body holds for a stream, each once."""
    if not issubclass(stream, RowsWithin):
        rows = rows_in(stream, body)
    else:
        key = primary_keys(stream)[-1]
        rows = [
            {"contact_id": row["contact_id"], **(part if isinstance(part, dict) else {key: part})}
            for row in rows_in(ContactsStream, body)
            for part in row.get(stream.part, ())
        ]
    told = [without(row, *stream.left_out) for row in rows]
    return [row for number, row in enumerate(told) if row not in told[:number]]


@pytest.mark.parametrize(("name", "answers"), [*cases()])
def test_a_recorded_answer_gives_records_equal_to_it(name: str, answers: list[Recorded]) -> None:
    stream, path = stream_of(name), answers[0]["path"]
    rows = rows_of(stream, answers[0]["body"])
    if "/email_reports/" in path:
        answers = [*answers, *campaign_of(path.split("/")[4].strip("{}"))]
    with replaying(answers) as settings:
        result = sync(settings, streams=(name,), limit=max(1, len(rows)))
    records = result.records[name]
    assert result.exit_code == 0
    shown = [instants({field: record.get(field) for field in row}) for record, row in zip(records, rows)]
    assert shown == [instants(row) for row in rows]
    made = {*MADE_BY_THE_TAP, *primary_keys(stream)}
    assert {field for record, row in zip(records, rows) for field in record.keys() - row} <= made
    assert len(records) == len(rows)


def test_recorded_privileges_are_read() -> None:
    path = "/v3/account/user/privileges"
    told = [answer for answer in with_path() if answer["path"] == path]
    for answer in told:
        with replaying([answer]) as settings, requests.Session() as session:
            privileges = ask_privileges(session, settings["api_url"], 5)
        assert privileges == {row["privilege_name"] for row in answer["body"]}
    assert bool(told) == bool(FILES)


# Errors


def with_path() -> list[Recorded]:
    return [answer for file in FILES.values() for answer in file if "query" in answer]


def errors() -> Iterator[Any]:
    for answer in FILES.get("errors", ()):
        if answer.get("endpoint") != "token":
            yield pytest.param(answer, id=f"{answer['status']}-{text_of(answer, 'error_key')}")


def text_of(answer: Recorded, name: str) -> str:
    body = answer["body"]
    return str((body[0] if isinstance(body, list) else body)[name])


@pytest.mark.parametrize("answer", [*errors()])
def test_a_recorded_error_is_told_in_its_own_words(
    answer: Recorded, clock: PatientClock, caplog: pytest.LogCaptureFixture
) -> None:
    with replaying([{**answer, "path": "/v3/contact_tags", "query": ""}]) as settings:
        result = sync(settings, streams=("contact_tags",), clock=clock)
    told = "".join(record.getMessage() for record in caplog.records)
    is_over = text_of(answer, "error_key") == "quota_exceeded"
    assert result.exit_code == (0 if is_over else 1)
    if is_over:
        assert "The daily request quota is used up" in told
    else:
        assert f"HTTP {answer['status']}" in told
        assert text_of(answer, "error_key") in told
        assert text_of(answer, "error_message") in told


# The sandbox

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GREGORIAN = datetime(1582, 10, 15, tzinfo=timezone.utc)
"""From when on the ids of version 1 count the time."""

CUT = ("maton-2026-04-28", "contacts-elsewhere")
"""Files of answers that their authors cut: what they lack may have been there."""


def form(value: Any) -> str:
    """Return what form a value has: of a date-time with which digits, an id of which version."""
    if isinstance(value, str) and UUID.fullmatch(value):
        return f"id of version {uuid.UUID(value).version}"
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value):
        return re.sub(r"\d", "0", value)
    return type(value).__name__


class Forms:
    """What fields the rows of an endpoint have, and in which forms.

    Attributes:
        seen: The forms of each field that was seen, by path.
        always: The fields that every object at their place has.
    """

    def __init__(self) -> None:
        self.seen: defaultdict[str, set[str]] = defaultdict(set)
        self.always: dict[str, set[str]] = {}

    def note(self, value: Any, path: str = "") -> None:
        if isinstance(value, dict):
            self.always[path] = self.always.get(path, {*value}) & {*value}
            for name, part in value.items():
                self.note(part, f"{path}.{name}")
        elif isinstance(value, list):
            for part in value:
                self.note(part, f"{path}[]")
        self.seen[path].add(form(value))


PRESENT = datetime(2026, 11, 10, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def of_the_sandbox() -> dict[str, Forms]:
    """The forms of each endpoint of some sandboxes, by the path that the contract gives it."""
    return {}
