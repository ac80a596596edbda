"""The state that a run is given: the forms in which it comes, and what in it cannot be true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.exceptions import ConfigValidationError, FatalAPIError
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.state.loading import CLOCK_MARGIN, unwrapped, validated
from tests.expected import Expected
from tests.parameters import DETAILS, NAMES
from tests.runs import Runner, config_for, tap_with
from tests.sandboxes import PRESENT

PAST = "2026-11-01T00:00:00Z"
FULL = "2026-10-01T00:00:00Z"
STATE = {"account": "0123456789abcdef", "bookmarks": {"contacts": {"replication_key_value": PAST}}}


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def warnings_of(state: Any, streams: tuple[str, ...] = NAMES) -> tuple[dict[str, Any], list[str]]:
    """Return what is kept of a state, and what is told of the rest."""
    told: list[str] = []
    kept = validated(state, streams, PRESENT, lambda what, so: told.append(f"{what}: {so}"))
    assert all(map(str.isprintable, told))
    return kept, told


# The forms in which a state comes


WRAPPINGS: tuple[Callable[[Any], Any], ...] = (
    lambda state: {"type": "STATE", "value": state},
    lambda state: {"singer_state": state},
    lambda state: {"completed": state, "partial": {}},
    lambda state: {"completed": {}, "partial": state},
    lambda state: {"partial": state},
)


@given(st.lists(st.sampled_from(WRAPPINGS), max_size=6))
def test_a_state_is_found_in_any_wrapping(wrappings: list[Callable[[Any], Any]]) -> None:
    wrapped: Any = STATE
    for wrap in wrappings:
        wrapped = wrap(wrapped)
    assert unwrapped(wrapped) == STATE
    assert warnings_of(unwrapped(wrapped)) == ({"bookmarks": STATE["bookmarks"]}, [])


def test_an_unfinished_state_is_merged_onto_the_finished_one() -> None:
    partial = {"bookmarks": {"contacts": {"full_read_at": FULL}, "events": {"sweep": PAST}}}
    assert unwrapped({"completed": {"singer_state": STATE}, "partial": partial}) == {
        "account": "0123456789abcdef",
        "bookmarks": {
            "contacts": {"replication_key_value": PAST, "full_read_at": FULL},
            "events": {"sweep": PAST},
        },
    }


@pytest.mark.parametrize(
    "state",
    [
        {"client_id": "c", "access_token": "s3cret"},
        {"type": "RECORD", "stream": "contacts", "record": {}},
        {"type": "STATE", "value": None},
        {"type": "STATE", "value": [STATE]},
        {"value": STATE},
        {"singer_state": "none"},
        {"completed": {"client_id": "c"}, "partial": {}},
        {"completed": "x"},
        {"prod:tap-to-target": {"completed": STATE}},
        {"contacts": {"replication_key_value": PAST}},
        {"bookmarks": None},
        {"bookmarks": [STATE]},
        {"Bookmarks": {}},
    ],
)
def test_a_state_without_bookmarks_key_is_refused(state: Any) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        warnings_of(unwrapped(state))
    (fault,) = refusal.value.errors
    assert fault == "the state has no bookmarks: give the value of the last STATE message"


@pytest.mark.parametrize("state", [{}, {"bookmarks": {}}, {"account": "0123456789abcdef"}])
def test_a_state_with_empty_bookmarks_is_taken(state: Any) -> None:
    assert warnings_of(unwrapped({"type": "STATE", "value": state})) == ({"bookmarks": {}}, [])


def test_a_wrapped_state_of_a_run_resumes_it(run: Runner, requests_seen: list[Any]) -> None:
    last = run(streams="contacts").lines[-1]
    requests_seen.clear()
    assert last["type"] == "STATE"
    again = run(state={"completed": {"singer_state": last}}, streams="contacts")
    assert not again.records["contacts"]
    assert all("updated_after" in r.query or "optout_after" in r.query for r in requests_seen)


def test_a_wrapped_state_of_another_account_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    tap = tap_with(config_for(sandbox, tmp_path), {"singer_state": STATE})
    with pytest.raises(FatalAPIError, match="The state was written for another account"):
        tap.check_account()


def test_an_account_that_is_no_fingerprint_is_told() -> None:
    _, (told,) = warnings_of({**STATE, "account": 7})
    assert told == "account is damaged: it is not checked whether the state belongs to this account"


# What is not known


@pytest.mark.parametrize("name", ["Contacts", "contact", "CONTACTS"])
def test_a_bookmark_of_no_stream_is_told_with_the_nearest(name: str) -> None:
    kept, told = warnings_of({"bookmarks": {name: {"replication_key_value": PAST}}})
    assert kept == {"bookmarks": {}}
    (said,) = told
    assert said.startswith(
        f"bookmark of {name} belongs to no stream of this tap (did you mean contacts?)"
    )


def test_a_key_beside_the_bookmarks_that_is_not_known_is_told() -> None:
    state: dict[str, Any] = {"bookmarks": {}, "acount": "x", "currently_syncing": None, "a\nb": 1}
    _, (of_two_lines, told) = warnings_of(state)
    assert told == "acount is not known (did you mean account?): it is dropped"
    assert of_two_lines == "a?b is not known: it is dropped"


# What is later than now


def sweep(began: datetime = PRESENT, created_at: datetime = PRESENT) -> str:
    return f"{at(began)} f00d {at(created_at)} 7"


LATER: dict[str, Callable[[datetime], Any]] = {
    "replication_key_value": at,
    "full_read_at": at,
    "sweep": at,
    "sweep  ": lambda moment: sweep(began=moment),
    "sweep ": lambda moment: sweep(created_at=moment),
}
"""A value for each key that has an instant, given that instant."""


@given(
    st.sampled_from([*LATER]),
    st.timedeltas(timedelta(seconds=1), timedelta(days=365 * 5000)),
)
def test_no_instant_later_than_now_is_kept(key: str, by: timedelta) -> None:
    for moment, is_kept in ((PRESENT + CLOCK_MARGIN, True), (PRESENT + CLOCK_MARGIN + by, False)):
        bookmark = {key.strip(): LATER[key](moment)}
        kept, told = warnings_of({"bookmarks": {"contacts": bookmark}})
        assert kept == {"bookmarks": {"contacts": bookmark} if is_kept else {}}
        said = [] if is_kept else [f"{key.strip()} of contacts is later than now"]
        assert [one.partition(":")[0] for one in told] == said


def test_a_later_bookmark_gives_way_to_the_last_full_reading() -> None:
    later = at(PRESENT + timedelta(days=1))
    bookmark = {"replication_key_value": later, "full_read_at": FULL}
    kept, (told,) = warnings_of({"bookmarks": {"contacts": bookmark}})
    assert kept["bookmarks"]["contacts"] == {"replication_key_value": FULL, "full_read_at": FULL}
    assert told.endswith(f"later than now: the stream is read from its last full reading, {FULL}")


def test_a_state_of_a_later_day_loses_nothing(
    run: Runner, expected: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    later = at(PRESENT + timedelta(days=400))
    bookmark = {
        "replication_key": "created_time",
        "replication_key_value": later,
        "sweep": sweep(began=PRESENT + timedelta(days=400)),
    }
    result = run(streams=DETAILS, state={"bookmarks": {DETAILS: bookmark}})
    assert result.by_key(DETAILS) == expected.contact_activity_details()
    assert result.state["bookmarks"][DETAILS]["replication_key_value"] < later
    told = [r.getMessage() for r in caplog.records if "is later than now" in r.getMessage()]
    assert len(told) == 2


def test_clocks_that_differ_by_minutes_change_nothing(run: Runner) -> None:
    soon = at(datetime.now(timezone.utc) + timedelta(minutes=5))
    state = {"bookmarks": {"contacts": {"replication_key_value": soon, "full_read_at": soon}}}
    assert not run(streams="contacts", state=state).records["contacts"]
