"""Automations and the e-mails that they send."""

from __future__ import annotations

from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import Row, Seed

FLOWS = ("Welcome series", "Birthday greetings", "Win back")


def mail_of(seed: Seed, number: int) -> Row:
    """Return what contacts' events tell of the e-mail of the n-th automation in turn."""
    number %= 2
    return {
        "campaign_activity_id": seed.key("automation", number),
        "campaign_activity_name": FLOWS[number],
    }


def workflows(seed: Seed, opened: datetime) -> list[Row]:
    """Return the automations, the newest first; the newest was never started."""
    rows = []
    for number, name in enumerate(FLOWS):
        made = opened + timedelta(days=50 * number)
        is_active = number < 2
        row: Row = {
            "id": seed.key("flow", number),
            "name": name,
            "description": f"{name}, made by marketing",
            "status": "ACTIVE" if is_active else "DRAFT",
            "draft_state": "PROMOTED" if is_active else "DRAFT",
            "created_by_id": "123456789",
            "created_date": made.isoformat(timespec="milliseconds"),
            "update_date": (made + timedelta(days=number)).isoformat(timespec="milliseconds"),
            "structured_tags": [
                {"key": "GOAL", "value": f"goal_{number}", "display_value": f"Goal {number}"},
                {
                    "key": "SOURCE",
                    "value": "TEMPLATE" if number else "SCRATCH",
                    "display_value": "From a template" if number else "From scratch",
                },
            ],
        }
        if number:
            row["template_id"] = seed.key("template", number)
        if is_active:
            row |= {
                "active_state": "ACTIVE",
                "promoted_by_id": "123456789",
                "promoted_date": (made + timedelta(hours=1)).isoformat(timespec="milliseconds"),
            }
        rows.append(row)
    return rows[::-1]
