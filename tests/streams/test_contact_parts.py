"""What contacts have several of, as tables of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.shapes import rows_within
from tap_constantcontact.shapes.rows_within import RowsWithin
from tap_constantcontact.streams import STREAMS
from tests.expected import Expected
from tests.harness import Run, spoil

Runner = Callable[..., Run]

PARTS = tuple(stream.name for stream in STREAMS if issubclass(stream, RowsWithin))
MEMBERSHIPS, TAGGINGS, *_ = PARTS


@pytest.mark.parametrize("in_memory", [0, rows_within.IN_MEMORY], ids=["on disk", "in memory"])
@pytest.mark.parametrize(
    "streams", [("contacts", *PARTS), PARTS, PARTS[3:]], ids=["with contacts", "without", "some"]
)
def test_they_cost_no_request_beside_those_of_contacts(  # noqa: PLR0913, PLR0917
    run: Runner,
    expected: Expected,
    requests_seen: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    streams: tuple[str, ...],
    in_memory: int,
) -> None:
    monkeypatch.setattr(rows_within, "IN_MEMORY", in_memory)
    run(streams="contacts")
    without = len(requests_seen)
    result = run(streams=streams)
    assert len(requests_seen) == 2 * without
    for stream in streams:
        assert len(result.records[stream]) == len(expected[stream])
        assert result.by_key(stream) == expected[stream]
    assert [*result.records] == [*streams]


def test_one_that_is_selected_later_reads_all_contacts_again(
    run: Runner, expected: Expected, account: Account
) -> None:
    first = run(streams=("contacts", TAGGINGS))
    second = run(first.state, streams=("contacts", TAGGINGS))
    assert not second.records[TAGGINGS]
    third = run(second.state, streams=("contacts", TAGGINGS, MEMBERSHIPS))
    assert third.by_key(MEMBERSHIPS) == expected[MEMBERSHIPS]
    assert third.by_key("contacts") == expected["contacts"]
    fourth = run(third.state, streams=(TAGGINGS, MEMBERSHIPS))
    assert not any(fourth.records.values())


def test_a_membership_that_is_gone_is_older_than_its_contact(run: Runner, account: Account) -> None:
    streams = ("contacts", MEMBERSHIPS)
    first = run(streams=streams)
    contact = next(c for c in account.contacts.values() if len(c["list_memberships"]) > 1)
    gone = contact["list_memberships"].pop()
    contact["updated_at"] = (account.now + timedelta(minutes=1)).isoformat()
    second = run(first.state, streams=streams)
    contacts = first.by_key("contacts") | second.by_key("contacts")
    rows = first.by_key(MEMBERSHIPS) | second.by_key(MEMBERSHIPS)
    older = {
        key
        for key, row in rows.items()
        if row["contact_updated_at"] < contacts[key[0]]["updated_at"]
    }
    assert older == {(contact["contact_id"], gone)}


def test_after_any_state_nothing_is_lost(run: Runner, expected: Expected) -> None:
    streams = ("contacts", *PARTS)
    whole = run(streams=streams)
    ends = [n for n, line in enumerate(whole.lines, 1) if line["type"] == "STATE"]
    assert len(ends) >= len(streams)
    for end in ends:
        killed = Run(whole.lines[:end])
        resumed = run(killed.state, streams=streams)
        for stream in streams:
            assert killed.by_key(stream) | resumed.by_key(stream) == expected[stream]


def test_a_row_without_its_key_is_fatal(read: Any) -> None:
    def take_key(body: Any) -> None:
        for contact in body["contacts"]:
            for number in contact["phone_numbers"]:
                del number["phone_number_id"]

    result, (said,) = read(spoil("contacts", take_key), streams=("contact_phone_numbers",))
    assert result.exit_code == 1
    assert "a row of contact_phone_numbers without phone_number_id" in said
