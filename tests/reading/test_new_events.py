"""Which contacts have new events, and the choice of the fewest requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.reading.new_events import MOST_REMEMBERED, NewEvents, cheapest
from tests.sandboxes import PRESENT

OPENS = ("e-mail", "em_opens")


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(st.integers(1, 6), st.none() | st.sets(st.integers(1, 9))),
        min_size=1,
    )
)
def test_the_choice_is_never_dearer_than_one_way_for_all(
    e_mails: dict[str, tuple[int, set[int] | None]],
) -> None:
    pages = {key: size for key, (size, _) in e_mails.items()}
    people = {key: {*map(str, found)} for key, (_, found) in e_mails.items() if found is not None}

    def requests(chosen: set[str]) -> int:
        asked = {who for key in chosen for who in people[key]}
        return len(asked) + sum(size for key, size in pages.items() if key not in chosen)

    chosen = cheapest(pages, people)
    assert chosen <= people.keys()
    assert requests(chosen) <= min(requests(set()), requests({*people}))


def rows(*minutes_ago: int) -> list[dict[str, Any]]:
    return [
        {
            "created_time": f"{PRESENT - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:00Z}",
            "contact_id": str(minutes),
        }
        for minutes in minutes_ago
    ]


def since(minutes_ago: int) -> datetime:
    return PRESENT - timedelta(minutes=minutes_ago)


def contacts(new_events: NewEvents, start: datetime, pages: Any) -> list[str] | None:
    found = new_events.request(OPENS, start, pages)
    return None if found is None else [event.contact_id for event in found]


def test_a_list_is_requested_once_and_no_further_than_its_new_events() -> None:
    new_events, pages = NewEvents(cast("Any", None)), iter([rows(1, 2), rows(3, 40), rows(50)])
    assert contacts(new_events, since(30), pages) == ["1", "2", "3"]
    assert contacts(new_events, since(2), ()) == ["1", "2"]
    assert [*pages] == [rows(50)]
    assert new_events.known(OPENS, since(31)) is None


def test_a_list_that_is_long_or_out_of_order_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_constantcontact.reading.new_events.MOST_REMEMBERED", 1)
    for pages in ([rows(1, 2), rows(3), rows(40)], [rows(2, 1), rows(40)], [[{}], rows(40)]):
        new_events, left = NewEvents(cast("Any", None)), iter(pages)
        assert contacts(new_events, since(30), left) is None
        assert [*left] == pages[1:]
        assert new_events.known(OPENS, since(30)) is None


def test_only_so_many_events_are_kept() -> None:
    new_events = NewEvents(cast("Any", None))
    assert [*new_events.noting(OPENS, since(30), rows(1) * (MOST_REMEMBERED + 1))]
    assert new_events.known(OPENS, since(30)) is None
    assert [*new_events.noting(OPENS, since(30), rows(1) * MOST_REMEMBERED)]
    assert len(new_events.known(OPENS, since(30)) or ()) == MOST_REMEMBERED
