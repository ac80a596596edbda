"""What a run would cost, told before anything is spent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pendulum
from pendulum import DateTime
from tabulate import tabulate

from tap_constantcontact.plan import Plan, added
from tap_constantcontact.records import rfc3339


@dataclass(frozen=True, slots=True)
class Calendar:
    """When requests are done, at a pace and so many a day.

    Attributes:
        now: When the first is sent.
        pace: Requests a second.
        daily_limit: Requests a day.
    """

    now: DateTime
    pace: float
    daily_limit: int

    def done_at(self, requests: int) -> DateTime:
        """Return when so many requests are done, if a run goes on every day from 00:00 UTC."""
        day, left = self.now, requests
        while left > (held := self._held_by(day)):
            left -= held
            day = day.add(days=1).start_of("day")
        return day.add(seconds=math.ceil(left / self.pace))

    def _held_by(self, day: DateTime) -> int:
        seconds = (day.add(days=1).start_of("day") - day).total_seconds()
        return min(self.daily_limit, int(seconds * self.pace))

    def figures(self, requests: int | None, before: int | None) -> dict[str, Any]:
        """Return the cost of requests that are sent after so many others."""
        if requests is None:
            return dict.fromkeys(("requests", "seconds", "quota_days", "done_at"))
        return {
            "requests": requests,
            "seconds": math.ceil(requests / self.pace),
            "quota_days": round(requests / self.daily_limit, 2),
            "done_at": None if before is None else rfc3339(self.done_at(before + requests)),
        }


def estimate(
    plans: Mapping[str, Plan], calendar: Calendar, budget: int | None, spent: int
) -> dict[str, Any]:
    """Return what a run would cost.

    Args:
        plans: What each stream would ask for, in the order they run.
        calendar: When requests are done.
        budget: Requests that a run may send, or None for no such limit.
        spent: Requests that the plans have cost.
    """
    before: int | None = 0
    streams = []
    for name, plan in plans.items():
        figures = calendar.figures(plan.requests, before)
        streams.append({"stream": name, "rows": plan.rows, **figures})
        before = added(before, plan.requests)
    return {
        "requests_per_second": calendar.pace,
        "daily_request_limit": calendar.daily_limit,
        "request_budget": budget,
        "streams": streams,
        "total": calendar.figures(before, 0),
        "spent": spent,
    }


def as_text(figures: Mapping[str, Any]) -> str:
    """Write an estimate as a table for a person."""
    lines = [*figures["streams"], {"stream": "in all", "rows": None, **figures["total"]}]
    table = tabulate(
        [[*_cells(line)] for line in lines],
        headers=("stream", "rows or contacts", "requests", "time", "days of quota", "done, UTC"),
        colalign=("left", "right", "right", "right", "right", "left"),
        disable_numparse=True,
    )
    pace, day = figures["requests_per_second"], figures["daily_request_limit"]
    notes = [
        f"At {pace:,} requests a second and {day:,} a day, from now on.",
        "A contact with a long history costs more than the one request counted; so does a long",
        "list whose size the API does not tell.",
        f"This estimate cost {figures['spent']} requests.",
    ]
    if budget := figures["request_budget"]:
        notes.insert(1, f"A run ends after {budget:,} requests (request_budget).")
    return "\n".join((table, "", *notes))


def _cells(line: Mapping[str, Any]) -> Iterator[str]:
    yield line["stream"]
    yield "" if line["rows"] is None else f"{line['rows']:,}"
    if line["requests"] is None:
        yield from ("not known", "", "")
    else:
        yield f"{line['requests']:,}"
        yield pendulum.duration(seconds=line["seconds"]).in_words() or "none"
        yield f"{line['quota_days']:.2f}"
    yield (line["done_at"] or "").replace("T", " ").removesuffix("Z")


def as_json(figures: Mapping[str, Any]) -> str:
    """Write an estimate for a program."""
    return json.dumps(figures, indent=2)


FORMS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"text": as_text, "json": as_json}
