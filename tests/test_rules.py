"""Settings that contradict each other or name what does not exist end with one plain line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.processes import run_tap

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no credentials": ({}, "client_id is missing"),
    "no token": ({"client_id": "x"}, "refresh_token is missing"),
    "unknown status": ({"contact_status": ["aktive"]}, "aktive"),
    "unknown type": ({"tracking_activity_types": ["em_reads"]}, "em_reads"),
    "unknown zone": ({"timezone": "Mars/Base"}, "timezone 'Mars/Base'"),
    "no date": ({"report_date": "2026-02-30"}, "report_date '2026-02-30'"),
    "negative": ({"report_days_back": -1}, "report_days_back"),
    "two starts": (
        {"report_start_date": "2026-01-01", "report_start_days_back": 3},
        "report_start_date and report_start_days_back",
    ),
    "two ends": (
        {"report_start_days_back": 9, "report_end_date": "2026-01-01", "report_end_days_back": 3},
        "report_end_date and report_end_days_back",
    ),
    "two windows": ({"report_date": "2026-01-01", "report_days_back": 3}, "report_days_back"),
    "start after end": (
        {"report_start_days_back": 3, "report_end_days_back": 5},
        "report_start_days_back is after report_end_days_back",
    ),
    "end without start": ({"report_end_days_back": 5}, "has no start"),
    "two updates": (
        {"updated_after": "2026-01-01", "updated_days_back": 3},
        "updated_after and updated_days_back",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_end_with_one_line(tmp_path: Path, name: str) -> None:
    settings, said = BAD[name]
    known = {} if name.startswith("no ") and name != "no date" else {"access_token": "t"}
    result = run_tap(tmp_path, config={**known, **settings})
    errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in result.stderr
