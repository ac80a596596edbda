"""Figures of e-mail campaigns."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone

from aiohttp import web

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.basics import Row, parse, write
from tap_constantcontact.sandbox.endpoints.endpoint import CAMPAIGN_REPORTS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import Parameters, Refused, whole

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
COUNTED = ("sends", "opens", "clicks", "bounces", "forwards", "optouts")
DEVICES = ("computer", "mobile", "tablet", "other", "none")
BOUNCES = {
    "B": "nonexistent_address",
    "D": "undeliverable",
    "F": "mailbox_full",
    "S": "suspended",
    "V": "vacation",
    "X": "other",
    "Z": "blocked",
}
"""What each `bounce_code` is counted as."""


def people(account: Account, activities: list[str]) -> dict[str, int]:
    """Return how many contacts did something with any of these activities, by what they did."""
    figures = {name: account.index.figures(activities, f"em_{name}") for name in COUNTED}
    counts = {name: of.people for name, of in figures.items()}
    rest = counts["sends"] - counts["opens"] - counts["bounces"]
    return {**counts, "not_opened": max(0, rest)}


def _stats(account: Account, activities: list[str], counts: dict[str, int]) -> Row:
    stats = {f"em_{name}": count for name, count in counts.items()}
    for kind in ("em_opens", "em_clicks"):
        devices = account.index.figures(activities, kind).devices
        stats[f"{kind}_all"] = devices.total()
        stats |= {f"{kind}_all_{device}": devices[device] for device in DEVICES}
    return stats


def percent(part: int, whole: int) -> float:
    """Return a part as a percentage with one decimal; of nothing it is 0."""
    return round(100 * part / whole, 1) if whole else 0.0


def percents(counts: Mapping[str, int]) -> Row:
    """Return the percentages that all reports on campaigns share."""
    received = counts["sends"] - counts["bounces"]
    return {
        "bounce": percent(counts["bounces"], counts["sends"]),
        "click": percent(counts["clicks"], counts["opens"]),
        "did_not_open": percent(counts["not_opened"], received),
        "open": percent(counts["opens"], received),
        "unsubscribe": percent(counts["optouts"], received),
    }


def _asked(call: Call, name: str, most: int) -> list[str]:
    """Return the keys of the path; a malformed one answers 404 for all."""
    keys = call.path(name).split(",")
    if len(keys) > most:
        raise Refused(f"Give up to {most} {name}.")
    if malformed := [key for key in keys if not UUID.fullmatch(key)]:
        raise _unknown(name, f"Malformed {name}: {', '.join(malformed)}.")
    return keys


def _unknown(name: str, message: str) -> web.HTTPNotFound:
    """Return an answer 404 of the statistics, a bare object (contract)."""
    error = {"error_key": f"reportingsvc.not_found.invalid_path_param.{name}."}
    body = json.dumps({**error, "error_message": message})
    return web.HTTPNotFound(text=body, content_type="application/json")


def _refreshed() -> str:
    return write(datetime.now(timezone.utc))


def campaign_stats(call: Call) -> Answer:
    """GET /reports/stats/email_campaigns/{campaign_ids}; one without figures fails all."""
    account = call.account
    results = []
    for key in _asked(call, "campaign_ids", 150):
        activities = account.campaigns.reported(key) if key in account.campaigns.rows else []
        if not activities:
            text = "Could not find any campaign stats for all requested campaigns."
            raise _unknown("campaign_ids", text)
        counts = people(account, activities)
        stats = _stats(account, activities, counts)
        shares = {
            f"{place}_{act}": percent(count, stats[f"em_{act}s_all"])
            for act in ("click", "open")
            for place, count in (
                ("desktop", stats[f"em_{act}s_all_computer"]),
                ("mobile", stats[f"em_{act}s_all_mobile"] + stats[f"em_{act}s_all_tablet"]),
            )
        }
        results.append(
            {
                "campaign_id": key,
                "stats": stats,
                "percents": {**percents(counts), **shares},
                "last_refresh_time": _refreshed(),
            }
        )
    return {"errors": [], "results": results}


def activity_stats(call: Call) -> Answer:
    """GET /reports/stats/email_campaign_activities/{campaign_activity_ids}."""
    account = call.account
    results, errors = [], []
    for key in _asked(call, "campaign_activity_ids", 10):
        campaign_id = account.campaigns.activities.get(key, {}).get("campaign_id")
        if not campaign_id or key not in account.campaigns.reported(campaign_id):
            errors.append(
                {
                    "error_key": "reportingsvc.not_found.invalid_path_param.campaign_activity_ids",
                    "error_message": f"Could not find any stats for the campaign activity {key}.",
                }
            )
            continue
        bounces = account.index.rows(key, "em_bounces")
        bounced = {code: len(bounces.where("bounce_code", code).last_of_each()) for code in BOUNCES}
        stats = _stats(account, [key], people(account, [key])) | {"em_abuse": 0}
        stats |= {f"em_bounces_{name}": bounced[code] for code, name in BOUNCES.items()}
        results.append(
            {
                "campaign_id": campaign_id,
                "campaign_activity_id": key,
                "stats": stats,
                "last_refresh_time": _refreshed(),
            }
        )
    return {"errors": errors, "results": results}


def summaries(call: Call) -> Answer:
    """GET /reports/summary_reports/email_campaign_summaries: the last sent first."""
    account = call.account
    rows: list[Row] = []
    for key in account.campaigns.rows:
        activities = account.campaigns.reported(key)
        sends = [
            send for activity in activities for send in account.campaigns.send_history[activity]
        ]
        if sends:
            last = max((send["run_date"] for send in sends), key=parse)
            row = {"campaign_id": key, "campaign_type": "Newsletter", "last_sent_date": last}
            rows.append(row)
    rows.sort(key=lambda row: parse(row["last_sent_date"]), reverse=True)
    page, links = call.page(rows)
    sums: Counter[str] = Counter()
    for row in page:
        activities = account.campaigns.reported(row["campaign_id"])
        row["unique_counts"] = {**people(account, activities), "abuse": 0}
        sums.update(row["unique_counts"])
    return {
        "bulk_email_campaign_summaries": page,
        "aggregate_percents": percents(sums),
        **links,
    }


ENDPOINTS = (
    Endpoint(
        "/reports/summary_reports/email_campaign_summaries",
        CAMPAIGN_REPORTS,
        summaries,
        Parameters({"limit": whole(1, 500)}),
    ),
    Endpoint("/reports/stats/email_campaigns/{campaign_ids}", CAMPAIGN_REPORTS, campaign_stats),
    Endpoint(
        "/reports/stats/email_campaign_activities/{campaign_activity_ids}",
        CAMPAIGN_REPORTS,
        activity_stats,
    ),
)
