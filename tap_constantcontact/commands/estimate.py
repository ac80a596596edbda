"""The estimate of what a run would cost, printed by `--estimate`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pendulum
from pendulum import DateTime
from tabulate import tabulate

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import rfc3339
from tap_constantcontact.limits.plan import Plan, added
from tap_constantcontact.streams import FROM_CAMPAIGNS
from tap_constantcontact.streams.reports_from_campaigns import ReportFromCampaigns
from tap_constantcontact.tap import TapConstantContact


@dataclass(frozen=True, slots=True)
class Calendar:
    """Computes when requests are done, from a pace a second and a daily limit.

    Example:
        >>> noon = pendulum.datetime(2026, 1, 31, 12)
        >>> calendar = Calendar(noon, pace=4, daily_limit=10_000, left_today=3_000)
        >>> str(calendar.done_at(3_004))
        '2026-02-01 00:00:01+00:00'
    """

    now: DateTime
    pace: float
    daily_limit: int
    left_today: int

    def done_at(self, requests: int) -> DateTime:
        """Return when `requests` requests are done, if a run resumes every day at 00:00 UTC."""
        at, left, allowed = self.now, requests, self.left_today
        while True:
            midnight = at.add(days=1).start_of("day")
            capacity = min(allowed, int((midnight - at).total_seconds() * self.pace))
            if left <= capacity:
                return at.add(seconds=math.ceil(left / self.pace))
            left -= capacity
            at, allowed = midnight, self.daily_limit

    def figures(self, requests: int | None, before: int | None) -> dict[str, Any]:
        """Return the cost of `requests` requests that are sent after `before` others."""
        if requests is None:
            return dict.fromkeys(("requests", "seconds", "quota_days", "done_at"))
        return {
            "requests": requests,
            "seconds": math.ceil(requests / self.pace),
            "quota_days": round(requests / self.daily_limit, 2),
            "done_at": None if before is None else rfc3339(self.done_at(before + requests)),
        }


def estimated(tap: TapConstantContact) -> dict[str, Any]:
    """Return what a run would cost, at one request per collection to learn its size."""
    connection = tap.run.connection
    selected = tap.selected_streams
    names = {stream.name for stream in selected}
    source = "contacts" if tap.config["report_source"] == "campaigns" else "campaigns"
    others = FROM_CAMPAIGNS.values() if source == "campaigns" else [*FROM_CAMPAIGNS]
    plans = _plans(selected)
    alternative = _plans(tap.run.once(stream) for stream in others if stream.name in names)
    quota, terms = connection.quota, connection.permits.limits
    calendar = Calendar(
        tap.run.began.start_of("second"), terms.rate, terms.a_day, connection.left_today
    )
    return {
        "requests_per_second": calendar.pace,
        "daily_request_limit": calendar.daily_limit,
        "left_today": calendar.left_today,
        "request_budget": quota.budget,
        **_costs(plans, calendar),
        "other_source": {"report_source": source, **_costs(alternative, calendar)},
        "spent": quota.spent,
    }


def _plans(streams: Iterable[ConstantContactStream]) -> dict[str, Plan]:
    plans = {}
    for stream in streams:
        plans[stream.name] = stream.plan()
        if isinstance(stream, ReportFromCampaigns):
            days = stream.config["full_sweep_days"]
            plans[f"{stream.name}, every {days} days"] = stream.plan_of_completion()
    return plans


def _costs(plans: Mapping[str, Plan], calendar: Calendar) -> dict[str, Any]:
    before: int | None = 0
    streams = []
    for name, plan in plans.items():
        figures = calendar.figures(plan.requests, before)
        streams.append({"stream": name, "rows": plan.rows, **figures})
        before = added(before, plan.requests)
    return {"streams": streams, "total": calendar.figures(before, 0)}


def as_text(figures: Mapping[str, Any]) -> str:
    """Format an estimate as tables for people."""
    pace, day = figures["requests_per_second"], figures["daily_request_limit"]
    left = figures["left_today"]
    notes = [
        f"Assuming {pace:,} requests a second and {day:,} a day, of which {left:,} are left today,",
        "starting now.",
        "A contact with a long history costs more than the one request counted here; so does a",
        "long list whose size the API does not tell.",
        f"This estimate cost {figures['spent']} requests.",
    ]
    if budget := figures["request_budget"]:
        notes.insert(2, f"A run ends after {budget:,} requests (request_budget).")
    tables = [_table(figures)]
    if (other := figures["other_source"])["streams"]:
        tables += [
            f"With report_source {other['report_source']}, the contact reports would cost:",
            _table(other),
        ]
    return "\n\n".join((*tables, "\n".join(notes)))


def _table(costs: Mapping[str, Any]) -> str:
    lines = [*costs["streams"], {"stream": "total", "rows": None, **costs["total"]}]
    return tabulate(
        [[*_cells(line)] for line in lines],
        headers=("stream", "rows or parents", "requests", "time", "days of quota", "done at (UTC)"),
        colalign=("left", "right", "right", "right", "right", "left"),
        disable_numparse=True,
    )


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


FORMS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "text": as_text,
    "json": partial(json.dumps, indent=2),
}
"""How an estimate is formatted: for people, or for programs."""
