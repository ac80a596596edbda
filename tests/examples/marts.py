"""What the marts of the dbt package should have, from the sandbox's own data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

from tap_constantcontact.sandbox.account import Account, Row, parse, status
from tests.comparison import is_not_deleted

Mart = dict[Any, dict[str, Any]]
"""The rows of a mart by key."""

KINDS = {"em_sends": "sends", "em_opens": "opens", "em_clicks": "clicks"}


def by_key(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Mart:
    keyed = {tuple(row[key] for key in keys): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


def utc(text: str) -> datetime:
    return parse(text).astimezone(timezone.utc)


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def campaign_performance(account: Account) -> Mart:
    events = [event for events in account.events.values() for event in events]
    rows = []
    for campaign_id, campaign in account.campaigns.rows.items():
        emails = account.campaigns.reported(campaign_id)
        if not emails:
            continue
        about = [event for event in events if event["campaign_activity_id"] in emails]
        times = Counter(event["tracking_activity_type"] for event in about)
        pairs = {(event["tracking_activity_type"], event["contact_id"]) for event in about}
        people = Counter(kind for kind, _ in pairs)
        delivered = people["em_sends"] - people["em_bounces"]
        subject = account.campaigns.activities[emails[0]]["subject"]
        last = account.campaigns.send_history[emails[-1]][-1]["run_date"]
        rows.append(
            {
                "campaign_id": campaign_id,
                "campaign_name": campaign["name"],
                "campaign_type": "NEWSLETTER",
                "subject": subject,
                "last_sent_at": utc(last),
                "sends": people["em_sends"],
                "bounces": people["em_bounces"],
                "delivered": delivered,
                "opens": times["em_opens"],
                "unique_opens": people["em_opens"],
                "clicks": times["em_clicks"],
                "unique_clicks": people["em_clicks"],
                "forwards": people["em_forwards"],
                "opt_outs": people["em_optouts"],
                "spam_reports": 0,
                "open_rate": share(people["em_opens"], delivered),
                "click_rate": share(people["em_clicks"], delivered),
                "click_to_open_rate": share(people["em_clicks"], people["em_opens"]),
                "bounce_rate": share(people["em_bounces"], people["em_sends"]),
                "opt_out_rate": share(people["em_optouts"], delivered),
            }
        )
    return by_key(rows, ["campaign_id"])


def contact_engagement(account: Account, now: datetime) -> Mart:
    rows = [engagement(account, contact, now) for contact in account.contacts.values()]
    return by_key(rows, ["contact_id"])


def engagement(account: Account, contact: Row, now: datetime) -> dict[str, Any]:
    # The tap reads no events of deleted contacts.
    seen = account.events[contact["contact_id"]] if is_not_deleted(contact) else []
    events = [
        (event["tracking_activity_type"], utc(event["created_time"]), event["campaign_activity_id"])
        for event in seen
        if utc(event["created_time"]) <= now
    ]
    emails = {kind: {email for k, _, email in events if k == kind} for kind in KINDS}
    bounced = Counter(email for kind, _, email in events if kind == "em_bounces")
    sent = Counter(email for kind, _, email in events if kind == "em_sends")
    reached = {email for email in sent if sent[email] > bounced[email]}
    reached |= emails["em_opens"] | emails["em_clicks"]
    last = {kind: max((at for k, at, _ in events if k == kind), default=None) for kind in KINDS}
    counts = {
        f"{name}_{days}_days": sum(
            k == kind and at > now - timedelta(days=days) for k, at, _ in events
        )
        for kind, name in KINDS.items()
        for days in (30, 90)
    }
    return {
        "contact_id": contact["contact_id"],
        "email_address": contact.get("email_address", {}).get("address"),
        "first_name": contact.get("first_name"),
        "last_name": contact.get("last_name"),
        "status": status(contact),
        "created_at": utc(contact["created_at"]),
        "last_sent_at": last["em_sends"],
        "last_opened_at": last["em_opens"],
        "last_clicked_at": last["em_clicks"],
        **counts,
        "emails_sent": len(emails["em_sends"]),
        "emails_reached": len(reached),
        "emails_opened": len(emails["em_opens"]),
        "emails_clicked": len(emails["em_clicks"]),
        "open_rate": share(len(emails["em_opens"]), len(reached)),
        "click_rate": share(len(emails["em_clicks"]), len(reached)),
        "engagement_tier": tier(last["em_opens"], last["em_clicks"], len(reached), now),
    }


def tier(opened: datetime | None, clicked: datetime | None, reached: int, now: datetime) -> str:
    reactions = [at for at in (opened, clicked) if at]
    if not reactions:
        return "unresponsive" if reached >= 3 else "new"
    age = now - max(reactions)
    if age < timedelta(days=90):
        return "engaged"
    return "lapsing" if age < timedelta(days=180) else "lapsed"


def list_memberships(account: Account) -> Mart:
    """The stays on lists that the account's present state tells of."""
    rows = []
    for contact in account.contacts.values():
        address = contact.get("email_address", {})
        for list_id in contact["list_memberships"]:
            has_left = "opt_out_date" in address and list_id not in account.sms_lists
            dates = contact["created_at"], account.lists[list_id]["created_at"]
            rows.append(
                {
                    "contact_id": contact["contact_id"],
                    "list_id": list_id,
                    "joined_at": max(map(utc, dates)),
                    "is_join_seen": False,
                    "left_at": utc(address["opt_out_date"]) if has_left else None,
                }
            )
    return by_key(rows, ["contact_id", "list_id"])


def list_growth(account: Account, stays: Mapping[Any, Mapping[str, Any]], last: date) -> Mart:
    rows = []
    for list_id in {stay["list_id"] for stay in stays.values()}:
        on_list = [stay for stay in stays.values() if stay["list_id"] == list_id]
        joins = Counter(month_of(stay["joined_at"]) for stay in on_list)
        leaves = Counter(month_of(stay["left_at"]) for stay in on_list if stay["left_at"])
        month, members = min(joins), 0
        while month <= last:
            members += joins[month] - leaves[month]
            rows.append(
                {
                    "list_id": list_id,
                    "list_name": account.lists[list_id]["name"],
                    "month": month,
                    "joins": joins[month],
                    "leaves": leaves[month],
                    "members": members,
                }
            )
            month = month_of(month + timedelta(days=31))
    return by_key(rows, ["list_id", "month"])


def month_of(day: date) -> date:
    return date(day.year, day.month, 1)


def unsubscribes(account: Account) -> Mart:
    addresses = [contact.get("email_address", {}) for contact in account.contacts.values()]
    counts = Counter(
        (
            month_of(utc(address["opt_out_date"])),
            address["opt_out_source"],
            address.get("opt_out_reason", "None given"),
        )
        for address in addresses
        if "opt_out_date" in address
    )
    columns = ("month", "opt_out_source", "opt_out_reason")
    rows = [
        dict(zip(columns, key, strict=True)) | {"unsubscribes": count}
        for key, count in counts.items()
    ]
    return by_key(rows, columns)
