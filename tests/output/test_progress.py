"""How far a run is, told now and then."""

from __future__ import annotations

import time

import pytest

from tests.parameters import DETAILS
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20, young=True)


@pytest.mark.slow
def test_progress_is_told_now_and_then(
    run: Runner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("tap_constantcontact.output.progress.Progress.interval", 0.2)
    began = time.monotonic()
    run(streams=DETAILS, requests_per_second=20)
    lines = [line for line in caplog.messages if "; sent " in line]
    assert 1 <= len(lines) <= (time.monotonic() - began) / 0.2
    assert all(" a second" in line for line in lines)
    of_the_report = [line for line in lines if f" for {DETAILS}; " in line]
    assert of_the_report
    assert all("left" in line and "microsecond" not in line for line in of_the_report)
