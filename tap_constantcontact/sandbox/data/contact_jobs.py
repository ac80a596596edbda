"""Bulk jobs: imports, exports and changes of many contacts at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import Row, Seed, write

STATES = ("processing", "completed", "failed", "completed", "cancelled", "timed_out")
KEPT = timedelta(days=10)


def jobs(seed: Seed, now: datetime) -> list[Row]:
    """Return the jobs of the last twelve days, two a day, the newest first."""
    rows = []
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(24):
        at = midnight - timedelta(hours=12 * number)
        state = STATES[number % len(STATES)]
        row: Row = {
            "activity_id": seed.dated_key(at, "job", at),
            "state": state,
            "created_at": write(at, 1),
            "started_at": write(at + timedelta(seconds=5), 1),
            "updated_at": write(at + timedelta(minutes=1), 1),
            "percent_done": 75 if state == "processing" else 100,
            "activity_errors": ["The file could not be read."] if state == "failed" else [],
            "status": {"items_total_count": 200} if number else {"items_total_count": 0},
        }
        if number:
            row["status"]["items_completed_count"] = 150 if state == "processing" else 200
        if state == "failed":
            row["status"] |= {"error_count": 1, "list_count": 1}
        if state != "processing":
            row["completed_at"] = write(at + timedelta(minutes=1), 1)
        if number % 2:
            row["source_file_name"] = f"{at:%Y-%m-%d}-contact_import.csv"
        rows.append(row)
    return rows
