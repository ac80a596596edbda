"""Rows that wait are the same in memory and in a file, which nobody else sees and that may fill."""

from __future__ import annotations

import stat
import sys
from itertools import groupby
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_constantcontact.reading import spool
from tap_constantcontact.reading.spool import Spool
from tests.benchmarks.extract import of_mailing
from tests.benchmarks.mailing import STREAMS
from tests.parameters import DETAILS, SUMMARY, partly_slow
from tests.runs import Runner

EVENTS = ("email_unique_opens", SUMMARY, DETAILS, "email_sends", "email_opens", "email_clicks")


@given(items=st.lists(st.tuples(st.text("aAé\U0001f600|", max_size=2), st.integers(0, 9))))
@pytest.mark.parametrize("in_memory", [0, 2, 99])
def test_items_are_the_same_in_memory_and_in_a_file(
    in_memory: int, items: list[tuple[str, int]]
) -> None:
    with mock.patch.object(spool, "IN_MEMORY", in_memory):
        found: Spool[tuple[str, int]] = Spool(key=lambda item: item[0])
        found.add(items[:3])
        assert [tuple(item) for item in found] == items[:3]
        found.add(items[3:])
        by_key = sorted(items, key=lambda item: item[0])
        wanted = [[*group] for _, group in groupby(by_key, lambda item: item[0])]
        groups = [[tuple(item) for item in group] for group in found.grouped()]
        assert sorted(groups) == wanted
        assert len(groups) == len({key for key, _ in items})
        assert [tuple(item) for item in found] == items
        assert all(key in found for key, _ in items)
        assert "b" not in found


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_the_file_has_no_name_and_only_its_owner_can_read_it() -> None:
    kept: Spool[str] = Spool()

    def files() -> list[Path]:
        opened = Path("/proc/self/fd").iterdir()
        return [one for one in opened if one.is_symlink() and "etilqs_" in str(one.readlink())]

    kept.add(str(number) * 100 for number in range(20_000))
    (file,) = files()
    assert file.stat().st_size > 2**20
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert str(file.readlink()).endswith(" (deleted)")
    del kept
    assert not files()


@pytest.mark.contacts(20)
@pytest.mark.parametrize("stream", partly_slow([*EVENTS[:2]], [*EVENTS[2:]]))
def test_a_report_has_the_same_rows_from_a_file(
    stream: str, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = run(streams=stream, report_source="campaigns").by_key(stream)
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    assert run(streams=stream, report_source="campaigns").by_key(stream) == in_memory
    assert in_memory


@pytest.mark.slow
@pytest.mark.contacts(20)
def test_a_full_disk_ends_the_run_with_one_plain_line(
    run: Runner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    monkeypatch.setattr(spool, "TABLE", f"{spool.TABLE}; PRAGMA max_page_count = 3")
    assert run(streams="email_sends").exit_code == 1
    (error,) = (
        one.getMessage() for one in caplog.records if one.levelname in {"ERROR", "CRITICAL"}
    )
    assert error == (
        "A temporary file cannot be written (database or disk is full). Make room, or name another "
        "folder in the environment variable TMPDIR, and run again with the last state."
    )


@pytest.mark.slow
@pytest.mark.parametrize("stream", STREAMS)
def test_memory_does_not_grow_with_an_email(stream: str) -> None:
    small, large = (of_mailing(stream, contacts).peak for contacts in (10_000, 30_000))
    assert large < small + 4
