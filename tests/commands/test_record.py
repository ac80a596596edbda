"""The recording: nothing of a person is left in it, and a replay reads as much from it."""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.commands.record.recording import RECORDING_BUDGET, ROWS, recording
from tap_constantcontact.commands.record.replacement import Replacement, traces
from tap_constantcontact.commands.record.vocabulary import KNOWN_NAMES, SIZES, WORDS
from tap_constantcontact.commands.record.writing import record
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.faults import answering, on_every
from tests.generate import ROOT
from tests.processes import Command
from tests.replay import replaying
from tests.runs import config_for, sync
from tests.sandboxes import account_of, record_requests

DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?(\.\d+)?( ?(Z|[+-]\d\d:?\d\d))?")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LINK = re.compile(r"/v3/[^\s#]*")
SHARED = {trace for word in WORDS for trace in traces(word)}


def pieces(value: Any) -> Iterator[str]:
    """Yield what is in a value: texts, numbers, the parts of links; of dates, the year."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from () if name in KNOWN_NAMES else pieces(name)
            yield from pieces(part)
    elif isinstance(value, list):
        for part in value:
            yield from pieces(part)
    elif isinstance(value, str) and LINK.fullmatch(value):
        path, _, query = value.partition("?")
        words = [part for word in path.split("/") for part in unquote(word).split(",")]
        values = [part for name, text in parse_qsl(query) if name not in SIZES for part in [text]]
        yield from (
            part for word in words for part in word.split("-" if ID.fullmatch(word) else "\0")
        )
        yield from (part for text in values for part in text.split(",") for part in pieces(part))
    elif isinstance(value, str):
        yield from (
            [value[:4]]
            if DATE.fullmatch(value)
            else value.split("-" if ID.fullmatch(value) else "\0")
        )
    elif not isinstance(value, bool) and value is not None:
        yield str(abs(value))  # the sign stays


def all_traces(answers: list[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for answer in answers:
        link = f"{answer['path']}?{answer['query']}"
        for piece in pieces([link, answer["body"], [*answer["headers"].values()]]):
            found |= traces(piece)
    return found - SHARED


TEXTS = st.one_of(
    st.text(max_size=30),
    st.emails(),
    st.uuids().map(str),
    st.uuids(version=4).map(str),
    st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(
        lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
    ),
    st.dates().map(str),
    st.from_regex(r"\+1-\d{3}-\d{4}", fullmatch=True),
    st.from_regex(r"https?://[a-z]{3,9}\.example/[a-z0-9]{4,9}", fullmatch=True),
    st.from_regex(r"/v3/contacts\?cursor=[A-Za-z0-9]{8,20}==", fullmatch=True),
    st.sampled_from(["----", "    ", "0000", "000001", "unsubscribed", "Ada Lovelace"]),
)
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.integers(),
        st.floats(-1e12, 1e12).map(lambda value: round(value, 3) or 0),
        st.booleans(),
        st.none(),
    ),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(
            st.sampled_from(sorted(KNOWN_NAMES)) | st.text(max_size=12), part, max_size=4
        )
    ),
    max_leaves=12,
)
ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "path": st.uuids().map(lambda key: f"/v3/emails/{key}"),
            "query": st.uuids().map(lambda key: f"limit=500&segment_id={key}"),
            "status": st.just(200),
            "headers": st.dictionaries(st.sampled_from(["Content-Type", "Set-Cookie"]), TEXTS),
            "body": VALUES,
        }
    ),
    min_size=1,
    max_size=3,
)


@given(ANSWERS, st.randoms(use_true_random=True))
def test_no_four_characters_of_a_value_are_left(
    answers: list[dict[str, Any]], chance: random.Random
) -> None:
    replacement = Replacement(answers, chance)
    replaced = [replacement.of(answer) for answer in answers]
    kept = {trace for name in replacement.unknown_names for trace in traces(name)}
    assert all_traces(answers) & all_traces(json.loads(json.dumps(replaced))) <= kept


def answer_of(body: Any) -> dict[str, Any]:
    return {"path": "/v3/x", "query": "", "status": 200, "headers": {}, "body": body}


def replaced(body: Any) -> Any:
    answer = answer_of(body)
    return Replacement([answer]).of(answer)["body"]


def test_a_number_stays_a_number() -> None:
    numbers = [*map(float, range(100, 400)), 0.25, -3]
    assert [*map(type, replaced(numbers))] == [*map(type, numbers)]


@given(st.lists(TEXTS | st.integers(), max_size=12))
def test_what_is_equal_stays_equal_and_what_differs_differs(values: list[Any]) -> None:
    others = replaced(values)
    for value, other in zip(values, others, strict=True):
        assert len(str(value)) == len(str(other)) or LINK.fullmatch(str(value))
        for one, its_other in zip(values, others, strict=True):
            if one == value:
                assert its_other == other
            elif len(str(value)) > 3:
                assert its_other != other


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=6))
def test_times_keep_their_order_and_their_gaps(seconds: list[int]) -> None:
    first = datetime(1999, 1, 1, tzinfo=timezone.utc)
    times = [first + timedelta(seconds=number) for number in seconds]
    others = [
        datetime.fromisoformat(one)
        for one in replaced([f"{at:%Y-%m-%dT%H:%M:%S}+00:00" for at in times])
    ]
    for one, other in zip(times, others, strict=True):
        assert one - times[0] == other - others[0]
        assert one.second == other.second


@pytest.mark.parametrize(
    "value",
    [
        "2026-09-29T14:33:39Z",
        "2026-09-29T14:37:13.521+0000",
        "2026-09-29 06:09:23 -0800",
        "2026-09-29",
        "c36c8dda-bc12-11f1-aa3a-02420a320002",
        "20f8c15d-2d60-4fed-b6a0-9e320cbf1c7a",
        "Chloé.Brandão@example.com",
        "https://shop.example.com/sale?id=77",
        "+1 (555) 010-0123",
    ],
)
def test_a_value_keeps_its_form(value: str) -> None:
    other = replaced(value)
    assert other != value
    kinds = [
        re.sub(r"[a-f](?=[0-9a-f-]*-[0-9a-f]*$)" if ID.fullmatch(value) else "\0", "0", text)
        for text in (value, other)
    ]
    if ID.fullmatch(value):
        assert ID.fullmatch(other)
        assert (other[14], other[19]) == (value[14], value[19])
        return
    for character, its_other in zip(*kinds, strict=True):
        for kind in (str.isdigit, str.isalpha, str.isupper, str.islower, str.isascii):
            assert kind(character) == kind(its_other)


def test_what_the_api_fixes_stays_where_it_stands() -> None:
    body = {"permission_to_send": "unsubscribed", "first_name": "unsubscribed", "format_type": 5}
    other = replaced(body)
    assert other["permission_to_send"] == "unsubscribed"
    assert other["first_name"] != "unsubscribed"
    assert other["format_type"] == 5
    assert replaced({"permission_to_send": "a secret"})["permission_to_send"] != "a secret"


def test_ids_in_paths_and_links_are_those_in_bodies() -> None:
    key, cursor = "c36c8dda-bc12-11f1-aa3a-02420a320002", "bGltaXQ9MSZuZXh0PTI="
    first = answer_of([{"contact_id": key}, {"href": f"/v3/contacts?cursor={cursor}"}])
    second = {**answer_of([]), "path": f"/v3/reports/contact_reports/{key}/activity_details"}
    third = {**answer_of([]), "path": "/v3/contacts", "query": f"cursor={cursor}"}
    replacement = Replacement([first, second, third])
    (row, link), path, query = (
        replacement.of(first)["body"],
        replacement.of(second)["path"],
        replacement.of(third)["query"],
    )
    assert path == f"/v3/reports/contact_reports/{row['contact_id']}/activity_details"
    assert link["href"] == f"/v3/contacts?{query}"
    assert key not in path
    assert cursor not in query


def test_a_field_whose_name_is_not_known_keeps_it_unless_it_looks_like_a_value() -> None:
    body = {"source_details": 1, "ada@example.com": 2, "lovelace": 3, "name": "Ada Lovelace"}
    answer = answer_of(body)
    replacement = Replacement([answer])
    names = {*replacement.of(answer)["body"]}
    assert replacement.unknown_names == {"source_details"}
    assert {"source_details", "name"} < names
    assert not names & {"ada@example.com", "lovelace"}


# A recorded account


@pytest.fixture(scope="module")
def large() -> Account:
    return account_of(300)


def config_of(sandbox: Sandbox, folder: Path) -> Any:
    settings = config_for(sandbox, folder)
    return TapConstantContact(config=settings, validate_config=False, setup_mapper=False).config


def structure(value: Any) -> Any:
    """Return the names of a record's fields, at any depth."""
    if isinstance(value, dict):
        return {name: structure(part) for name, part in value.items()}
    return [*map(structure, value)] if isinstance(value, list) else type(value).__name__


@pytest.mark.slow
def test_a_recorded_account_is_replayed_and_nothing_of_it_is_left(
    large: Account, present: None, tmp_path: Path
) -> None:
    sent: list[dict[str, Any]] = []

    @web.middleware
    async def note(request: web.Request, handler: Any) -> Any:
        answer = {"path": request.path, "query": request.query_string, "headers": {}}
        try:
            response = await handler(request)
        except web.HTTPException as refusal:
            sent.append({**answer, "body": json.loads(str(refusal.text))})
            raise
        if request.path.startswith("/v3/"):
            sent.append({**answer, "body": json.loads(response.body)})
        return response

    with Sandbox(large, middlewares=[note]) as sandbox:
        made = recording(config_of(sandbox, tmp_path))
        assert made.requests == len(sent) <= RECORDING_BUDGET
        recorded = all_traces(sent)  # before the comparison reads rows that were not recorded
        live = config_for(sandbox, tmp_path)
        with replaying(made.answers) as replay:
            for name, number in made.rows.items():
                limit = max(number, 1)
                again = sync(replay, streams=(name,), limit=limit).records[name]
                assert len(again) == number or not number, name
                if number:
                    original = sync(live, streams=(name,), limit=limit).records[name]
                    assert structure(again) == structure(original), name
    assert len([name for name, number in made.rows.items() if number]) > 40
    names = {trace for name in made.unknown_names for trace in traces(name)}
    assert recorded & all_traces(made.answers) <= names


# The command

DOCTOR = "tap_constantcontact.commands.doctor"


@pytest.fixture
def living() -> Iterator[Sandbox]:
    """A sandbox of this moment, as a process has no other clock."""
    with Sandbox(account_of(12, young=True)) as sandbox:
        yield sandbox


def doctor(
    sandbox: Sandbox, folder: Path, *options: str, **given: str
) -> subprocess.CompletedProcess[str]:
    settings = config_for(sandbox, folder, daily_request_limit=500, **given)
    (folder / "config.json").write_text(json.dumps(settings))
    return Command(DOCTOR, "--config=config.json", *options, folder=folder).run()


@pytest.mark.slow
def test_the_command_writes_a_folder_that_can_be_replayed(living: Sandbox, tmp_path: Path) -> None:
    seen = record_requests(living)
    ended = doctor(living, tmp_path, "--json", "--record=out", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["well"]
    assert 30 < len(seen) <= RECORDING_BUDGET + 3
    assert "source_details" in ended.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"README.md", "responses.json"}
    assert f"--limit {ROWS}" in (tmp_path / "out" / "README.md").read_text()
    counted = doctor(living, tmp_path).stdout
    assert f"{500 - len(seen):,} of 500 requests are left today" in counted
    replayed = subprocess.run(
        [sys.executable, "-m", "tests.replay", "out", f"--limit={ROWS}", "--select=contacts"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in replayed.stdout.splitlines()]
    assert [line["type"] for line in lines].count("RECORD") == ROWS


@pytest.mark.parametrize(
    ("options", "is_empty", "said"),
    [
        (("--record=out",), True, "nobody can be asked whether to write the recording: add --yes"),
        (("--record=out", "--yes"), False, "out is not an empty folder"),
    ],
)
def test_what_could_not_be_written_is_refused_before_any_request(
    living: Sandbox, tmp_path: Path, options: tuple[str, ...], is_empty: bool, said: str
) -> None:
    seen = record_requests(living)
    if not is_empty:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes").touch()
    ended = doctor(living, tmp_path, *options)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not seen


@pytest.mark.parametrize("lacking", ["token", "privileges", "settings"])
def test_where_nothing_can_be_read_nothing_is_written(
    living: Sandbox, tmp_path: Path, lacking: str
) -> None:
    seen = record_requests(living)
    settings = {"token": {"access_token": "revoked"}, "settings": {"timezone": "Mars"}}
    if lacking == "privileges":
        living.api.privileges.clear()
    ended = doctor(living, tmp_path, "--record=out", "--yes", **settings.get(lacking, {}))
    assert ended.returncode == 1
    assert len(seen) < 6
    assert len(ended.stderr.splitlines()) < 4
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_of_a_user_with_few_rights_the_rest_is_recorded(living: Sandbox, tmp_path: Path) -> None:
    living.api.privileges.remove("campaign:read")
    ended = doctor(living, tmp_path, "--record=out", "--yes")
    assert ended.returncode == 1  # as the doctor says what is lacking
    assert json.loads((tmp_path / "out" / "responses.json").read_text())["rows"]["contacts"] == ROWS


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_after_a_preview(
    living: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    record(config_of(living, tmp_path), tmp_path / "out", agreed=False)
    shown = capsys.readouterr().err
    assert " 2 x 200 /v3/contacts\n" in shown
    assert (tmp_path / "out").exists() == (answer == "y")
    assert ("Nothing was written." in shown) == (answer == "n")


def test_a_stream_that_fails_leaves_the_others_recorded(tmp_path: Path, present: None) -> None:
    fault = on_every(1, answering(400, "[]"), "/v3/contact_tags")
    with Sandbox(account_of(3, young=True), middlewares=[fault]) as sandbox:
        made = recording(config_of(sandbox, tmp_path))
    assert "contact_tags" in made.failures
    assert made.rows["contact_lists"] == ROWS
    assert 400 in {answer["status"] for answer in made.answers}


def test_a_smaller_budget_is_kept(tmp_path: Path, present: None) -> None:
    with Sandbox(account_of(3, young=True)) as sandbox:
        made = recording({**config_of(sandbox, tmp_path), "request_budget": 10})
    assert made.requests == 10
    assert made.failures["contact_activity_details"].startswith("the 10 requests")
