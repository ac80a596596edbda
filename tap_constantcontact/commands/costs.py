"""What a run of a tap would cost, and what it would cost from the other source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from singer_sdk import Tap

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.commands.estimate import Calendar, estimate
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.reading.from_campaigns import ContactsFromParts
from tap_constantcontact.run import Run
from tap_constantcontact.streams import FROM_CAMPAIGNS


def estimated(tap: Tap, run: Run) -> dict[str, Any]:
    """Return what a run would cost, at one request per collection to learn its size."""
    streams = (cast("ConstantContactStream", stream) for stream in tap.streams.values())
    selected = [stream for stream in streams if stream.selected]
    names = {stream.name for stream in selected}
    source = "contacts"
    others: Iterable[type[ConstantContactStream]] = FROM_CAMPAIGNS
    if tap.config["report_source"] == "contacts":
        source, others = "campaigns", FROM_CAMPAIGNS.values()
    plans = _plans(selected)
    alternative = _plans(stream(tap, run) for stream in others if stream.name in names)
    quota, terms = run.connection.quota, run.connection.permits.terms
    calendar = Calendar(
        run.began.start_of("second"), terms.rate, terms.a_day, run.connection.left_today
    )
    return estimate(plans, (source, alternative), calendar, quota.budget, quota.spent)


def _plans(streams: Iterable[ConstantContactStream]) -> dict[str, Plan]:
    plans = {}
    for stream in streams:
        plans[stream.name] = stream.plan()
        if isinstance(stream, ContactsFromParts):
            days = stream.config["full_sweep_days"]
            plans[f"{stream.name}, every {days} days"] = stream.plan_of_rest()
    return plans
