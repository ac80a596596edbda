"""A tally shows which counts have moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.state.tally import BUCKETS, Tally, joined, parsed

keys = st.text("abcdef0123456789-", min_size=1, max_size=36)
counts = st.dictionaries(keys, st.integers(0, 100_000), min_size=1, max_size=400)


@given(counts, st.integers(1, 255), st.data())
def test_a_tally_notices_a_count_that_moves(
    before: dict[str, int], growth: int, data: st.DataObject
) -> None:
    moved = data.draw(st.sampled_from(sorted(before)))
    earlier = Tally.of(before)
    later = Tally.of({**before, moved: before[moved] + growth})
    assert later.growth_of(moved, earlier)
    others = [key for key in before if later.growth_of(key, earlier)]
    assert len(others) <= max(1, len(before))
    assert not any(Tally.of(dict(reversed(before.items()))).growth_of(k, earlier) for k in before)


@given(st.dictionaries(st.sampled_from(("opens", "clicks", "others")), counts, min_size=1))
def test_tallies_survive_being_written_and_read(groups: dict[str, dict[str, int]]) -> None:
    tallies = {name: Tally.of(of_group) for name, of_group in groups.items()}
    text = joined(tallies)
    assert parsed(text) == tallies
    assert len(text) <= len(groups) * (BUCKETS * 4 // 3 + 8)


@given(counts, counts, counts, keys)
def test_a_growth_adds_up_over_the_runs_of_a_sweep(
    first: dict[str, int], second: dict[str, int], third: dict[str, int], key: str
) -> None:
    before, begun, now = map(Tally.of, (first, second, third))
    kept = begun.since(before)
    assert Tally.parse(str(kept)) == kept
    assert now.growth_of(key, kept) == now.growth_of(key, before)
    assert Tally(kept.sums) == begun
    flags = kept.flagged()
    assert Tally.parse(str(flags)) == flags
    assert len(str(flags)) == len(str(begun)) + 17
    is_moved = kept.growth_of(key, kept) != 0
    assert now.growth_of(key, flags) == (None if is_moved else now.growth_of(key, begun))


def test_a_growth_since_counts_that_were_not_kept_is_unknown() -> None:
    kept = Tally.of({"a": 1}).since(None)
    assert Tally.parse(str(kept)) == kept
    assert Tally.of({"a": 1}).growth_of("a", kept) is None


def test_the_tallies_in_a_state_are_those_of_the_version_that_wrote_it() -> None:
    opens = "AAAALAAAAAAAAAAAAAAAAQ" + "A" * 97 + "BAAAAAAAA"
    tallies = {"opens": Tally.of({"a": 300, "b": 1, "c": 1}), "clicks": Tally.of({})}
    assert joined(tallies) == f"opens={opens} clicks={'A' * 128}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "opens", "opens=", "opens=AAAA", "opens=?!", "a=b=c", "  "),
        "opens=" + "AAAA" * (BUCKETS // 3 + 1),
        "opens=" + "AAAA" * (BUCKETS // 3) + "!",
    ],
)
def test_a_malformed_text_of_tallies_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(text)
