"""Text messages: the campaigns, and what contacts consented to."""

from __future__ import annotations

from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.basics import EASTERN, Row, Seed, parse, write

INTERVAL = timedelta(days=7)
INTERVALS = {"monthly": "M", "weekly": "W"}


def campaigns(seed: Seed, first: datetime, now: datetime) -> list[Row]:
    """Return a campaign for each week from the first one up to the present, the newest first."""
    rows = []
    number, sent_at = 0, first
    while sent_at < now:
        rng = seed.chance("text message", number)
        sends = rng.randrange(40, 100)
        rows.append(
            {
                "campaign_id": seed.key("text message", number),
                "campaign_name": f"Text alert {number + 1}",
                "campaign_type": "SMS",
                "last_sent_date": write(sent_at, number % 2),
                "unique_counts": {
                    "sends": sends,
                    "delivers": sends - rng.randrange(3),
                    "opens": rng.randrange(sends // 2),
                    "clicks": rng.randrange(sends // 4),
                    "optouts": rng.randrange(2),
                },
            }
        )
        number += 1
        sent_at += INTERVAL
    return rows[::-1]


def engagement(seed: Seed, contact: Row) -> list[Row]:
    """Return what a contact with a phone number consented to, the oldest first."""
    if "sms_channel" not in contact:
        return []
    channel = contact["sms_channel"]
    consent = channel["sms_channel_consents"][0]
    rows = []
    for number, (state, action) in enumerate((("O", "opt_out"), ("E", "opt_in"))):
        at = parse(consent["opt_in_date"]) + timedelta(minutes=number)
        rows.append(
            {
                "contact_id": contact["contact_id"],
                "sms_channel_id": channel["sms_channel_id"],
                "sms_channel_history_id": seed.key("sms history", contact["contact_id"], number),
                "insert_time": f"{at.astimezone(EASTERN):%Y-%m-%d %H:%M:%S %z}",
                "history_details": {
                    "state": state,
                    "source": "A",
                    "consent_type": consent["consent_type"],
                    "consent_action_time": f"{at.astimezone(EASTERN):%Y-%m-%d %H:%M:%S %z}",
                    "consent_action_type": action,
                    "consent_medium_type": "LF",
                    "source_consent_timestamp": write(at, 2),
                    "source_sms_number": channel["sms_address"],
                    "advertised_frequency": int(consent["advertised_frequency"]),
                    "advertised_interval": INTERVALS[consent["advertised_interval"]],
                },
            }
        )
    return rows
