"""What the tap and the sandbox make of the API's recorded answers.

Set CONSTANT_CONTACT_RECORDINGS to the path of a folder of answers, in the form of `tests.replay`.
"""

from __future__ import annotations

import json
import math
import os
import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from aiohttp import web

from tap_constantcontact.auth.permissions import ask_privileges
from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse
from tap_constantcontact.sandbox.api import ENDPOINTS
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams.campaigns import SentTo
from tap_constantcontact.streams.contacts import ContactsStream
from tests.clocks import PatientClock
from tests.comparison import instants, without
from tests.faults import rows_in
from tests.parameters import NAMES, Stream, primary_keys, stream_of
from tests.replay import Recorded, answered_by, answers_in, pattern, replaying
from tests.runs import config_for, sync
from tests.sandbox.conftest import Client
from tests.sandboxes import PRESENT, account_of

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
            others = [
                one for one in answers if "cursor" in one["query"] or one["path"] != answer["path"]
            ]
            for stream in answered_by(answer):
                yield pytest.param(
                    stream.name, [answer, *others], id=f"{file}-{number}-{stream.name}"
                )


def rows_of(stream: Stream, body: Any) -> list[dict[str, Any]]:
    """Return the rows that a recorded body holds for a stream, each once."""
    if issubclass(stream, SentTo):
        key = primary_keys(stream)[-1]
        ids = {name: body[name] for name in ("campaign_id", "campaign_activity_id")}
        rows = [{**ids, key: one} for one in body[stream.listed_in]]
    elif not issubclass(stream, RowsWithin):
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
    assert len(records) == len(rows)
    made = {*MADE_BY_THE_TAP, *primary_keys(stream)}
    for record, row in zip(records, rows, strict=True):
        assert instants({field: record.get(field) for field in row}) == instants(row)
        assert record.keys() - row <= made


def test_recorded_privileges_are_read() -> None:
    path = "/v3/account/user/privileges"
    told = [answer for answer in with_path() if answer["path"] == path]
    for answer in told:
        with replaying([answer]) as settings, requests.Session() as session:
            privileges = ask_privileges(session, settings["api_url"], 5)
        assert privileges == frozenset(row["privilege_name"] for row in answer["body"])
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


def template_of(path: str) -> str:
    """Return the path that the contract has for one with ids."""
    templates = [endpoint.path for endpoint in ENDPOINTS]
    return next(
        (one for one in templates if f"/v3{one}" == path),
        next((one for one in templates if pattern(f"/v3{one}").fullmatch(path)), ""),
    )


def recorded_forms(files: Collection[str] = FILES) -> dict[str, Forms]:
    """Return what was recorded of each endpoint, by the path that the contract gives it."""
    forms: defaultdict[str, Forms] = defaultdict(Forms)
    for file in files:
        for answer in FILES[file]:
            if answer["status"] == 200 and "method" not in answer:
                forms[template_of(answer["path"])].note(answer["body"])
    forms.pop("", None)
    return forms


FURTHER = (
    "/account/user/privileges",
    "/activities?limit=5",
    "/contact_lists?include_count=true",
)
"""What is recorded, and no run asks for."""


@pytest.fixture(scope="module")
def of_the_sandbox(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Forms]:
    """What the sandbox answers to a run of all streams, as the recorded answers are read."""
    forms: defaultdict[str, Forms] = defaultdict(Forms)

    @web.middleware
    async def note(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if response.status in (200, 209):
            forms[template_of(request.path)].note(json.loads(response.body))
        return response

    with time_machine.travel(PRESENT), Sandbox(account_of(40), middlewares=[note]) as sandbox:
        sandbox.api.partner = True
        config = config_for(sandbox, tmp_path_factory.mktemp("tokens"))
        assert sync(config, streams=NAMES).exit_code == 0
        with requests.Session() as session:
            client = Client(sandbox, session)
            assert len(client.rows("/contacts", "contacts", limit=20)) > 20
            for path in FURTHER:
                client.body(path)
    for seed in range(8):
        forms["/account/summary"].note(Account(seed, 0, FIRST_NEWSLETTER).profile())
    return forms


EXAMPLES = (".link_click_counts[].list_id", ".tracking_activities[].contact_id")
"""Ids that the guide made up."""

ASKED_FOR = re.compile(
    r"custom_fields|list_memberships|phone_numbers|street_addresses|taggings|notes|new_subscriber|"
    r"(membership|contacts)_count|permalink_url"
)
"""Fields that are sent if a parameter asks for them."""


@pytest.mark.parametrize("template", sorted(recorded_forms()))
def test_the_sandbox_has_the_recorded_fields_in_their_forms(
    of_the_sandbox: dict[str, Forms], template: str
) -> None:
    recorded, ours = recorded_forms()[template], of_the_sandbox[template]
    assert recorded.seen.keys() - ours.seen.keys() == set()
    for path, forms in recorded.seen.items():
        if any("id of" in each or "0000-" in each for each in forms):
            assert ours.seen[path] <= forms or path in EXAMPLES, path
        else:
            assert ours.seen[path] & forms, path


WHOLE = [file for file in FILES if file not in CUT]


@pytest.mark.parametrize("template", sorted(recorded_forms(WHOLE)))
def test_the_sandbox_can_leave_out_what_recorded_answers_do(
    of_the_sandbox: dict[str, Forms], template: str
) -> None:
    recorded, ours = recorded_forms(WHOLE)[template], of_the_sandbox[template]
    for path, always in recorded.always.items():
        needed = {name for name in ours.always.get(path, ()) if not ASKED_FOR.fullmatch(name)}
        assert needed <= always, path


OWN_IDS = ("contact", "list", "tag", "activity", "phone_number", "street_address")


def made_and_told(value: Any) -> Iterator[tuple[str, datetime]]:
    """Yield the id and the date of each object that has both, wherever it stands."""
    if isinstance(value, dict):
        keys = [f"{name}_id" for name in OWN_IDS] + ["custom_field_id"] * ("label" in value)
        for key in keys:
            if key in value and "created_at" in value:
                yield value[key], parse(value["created_at"])
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            yield from made_and_told(part)


def second_of(key: str) -> datetime:
    """Return the second that an id of version 1 tells."""
    return GREGORIAN + timedelta(seconds=uuid.UUID(key).time // 10_000_000)


@pytest.mark.parametrize("file", WHOLE)
def test_recorded_ids_tell_when_a_thing_was_made(file: str) -> None:
    for answer in FILES[file]:
        for key, made in made_and_told(answer["body"]):
            assert second_of(key) == made


def test_ids_of_the_sandbox_tell_when_a_thing_was_made() -> None:
    account = account_of(40)
    kinds = (account.contacts, account.lists, account.tag_rows, account.custom_fields)
    rows = [row for kind in kinds for row in kind.values()]
    told = [*made_and_told([*rows, *account.contact_jobs()])]
    assert len(told) > 70
    for key, made in told:
        assert second_of(key) == made


# How the sandbox refuses

REFUSED = {
    (401, "unauthorized"): ("/contacts", "no-token"),
    (429, "throttled"): ("/contacts", "throttled"),
    (429, "quota_exceeded"): ("/contacts", "no-quota"),
    (403, "access_denied"): ("/contacts", "no-privilege"),
    (400, "contacts.api.validation.error"): ("/contacts?limit=0", ""),
    (404, "contacts.api.not_found"): (f"/contacts/sms_engagement_history/{CAMPAIGN}", ""),
    (404, "reportingsvc.not_found.invalid_path_param.campaign_ids."): (
        f"/reports/stats/email_campaigns/{CAMPAIGN}",
        "",
    ),
}
"""What the sandbox answers like a recorded error, and what it lacks then."""

LIMITS = {"throttled": Limits(per_second=0), "no-quota": Limits(per_day=0)}


@pytest.mark.parametrize("answer", [*errors()])
def test_the_sandbox_refuses_as_was_recorded(answer: Recorded) -> None:
    case = REFUSED.get((answer["status"], text_of(answer, "error_key")))
    if case is None:
        assert answer["status"] == 409  # of an address that is to be added
        return
    path, lacks = case
    with Sandbox(account_of(3), limits=LIMITS.get(lacks)) as sandbox, requests.Session() as session:
        if lacks == "no-privilege":
            sandbox.api.privileges.clear()
        if lacks == "no-token":
            sandbox.authorization.clock = lambda: math.inf
        refusal = Client(sandbox, session).get(path)
    assert refusal.status_code == answer["status"]
    assert type(refusal.json()) is type(answer["body"])
    assert text_of({"body": refusal.json()}, "error_key") == text_of(answer, "error_key")
    for name, value in answer.get("headers", {}).items():
        assert refusal.headers[name] == value


def form_of_header(name: str, value: str) -> str:
    """Return a header's value; of those that are new in each answer, the first part's form."""
    return re.sub(r"\w{4,}", "x", value.partition(";")[0]) if name.endswith("id") else value


def test_the_sandbox_sends_the_recorded_headers() -> None:
    heads = [
        json.loads(file.read_text("utf-8")) for file in Path(RECORDINGS or "").glob("na*.json")
    ]
    with Sandbox(account_of(3)) as sandbox, requests.Session() as session:
        ours = Client(sandbox, session).get("/contact_tags").headers
    for name, value in (pair for head in heads for pair in head["headers_seen"].items()):
        assert form_of_header(name, ours[name]) == form_of_header(name, value)
