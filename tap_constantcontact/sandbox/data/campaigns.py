"""E-mail campaigns: what was written, scheduled, sent, sent again and removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from tap_constantcontact.sandbox.data.audience import list_key
from tap_constantcontact.sandbox.data.basics import Row, Seed, write

SENDER = "news@example.com"
FORMAT_TYPES = (5, 4, 2)
"""How e-mails are made, in turn: as custom code, in the newest editor, in an old one."""


class Campaigns:
    """The e-mail campaigns and their activities.

    Attributes:
        rows: Campaigns by `campaign_id`, each with its `campaign_activities`, the oldest first.
        activities: The activities' details by `campaign_activity_id`.
        send_history: When each activity was sent, and to how many.
        schedules: When each activity is to be sent.
        resends: The resend to non-openers of each primary activity that has one.
        ab_tests: The test of subjects of each primary activity that has one.
    """

    def __init__(self, seed: Seed, sender_name: str) -> None:
        self._seed = seed
        self._sender_name = sender_name
        self.rows: dict[str, Row] = {}
        self.activities: dict[str, Row] = {}
        self.send_history: dict[str, list[Row]] = {}
        self.schedules: dict[str, list[Row]] = {}
        self.resends: dict[str, list[Row]] = {}
        self.ab_tests: dict[str, Row] = {}

    def draft(self, number: int, name: str, at: datetime) -> str:
        """Write a campaign; returns its `campaign_id`."""
        campaign_id = self._seed.key("campaign", number)
        self.rows[campaign_id] = {
            "campaign_id": campaign_id,
            "name": name,
            "type": "NEWSLETTER",
            "type_code": 10,
            "current_status": "Draft",
            "created_at": write(at),
            "updated_at": write(at),
            "campaign_activities": [],
        }
        form = FORMAT_TYPES[number % len(FORMAT_TYPES)]
        to_segment = form >= 4 and number % 2 == 1
        lists = [list_key(self._seed, of) for of in range(1 + number % 3)]
        settings = {
            "contact_list_ids": [] if to_segment else lists,
            "segment_ids": [1 + number % 3] if to_segment else [],
            "format_type": form,
        }
        for role, kind in (("primary_email", "activity"), ("permalink", "permalink")):
            self._add_activity(campaign_id, role, self._seed.key(kind, number), settings)
        return campaign_id

    def _add_activity(self, campaign_id: str, role: str, key: str, settings: Row) -> str:
        campaign = self.rows[campaign_id]
        has_document = settings["format_type"] == 4
        document = {"document_id": self._seed.key("document", key)} if has_document else {}
        campaign["campaign_activities"].append({"campaign_activity_id": key, "role": role})
        self.activities[key] = {
            "campaign_activity_id": key,
            "campaign_id": campaign_id,
            "role": role,
            "current_status": campaign["current_status"].upper(),
            **settings,
            **document,
            "from_email": SENDER,
            "from_name": self._sender_name,
            "reply_to_email": SENDER,
            "subject": f"{campaign['name']}: what is new",
            "preheader": "You will like this.",
            "permalink_url": f"https://conta.example.com/{key[:8]}",
        }
        self.send_history[key] = []
        self.schedules[key] = []
        return key

    def activity(self, campaign_id: str, role: str = "primary_email") -> str:
        """Return the `campaign_activity_id` of a campaign's activity in a role."""
        return next(
            str(activity["campaign_activity_id"])
            for activity in self.rows[campaign_id]["campaign_activities"]
            if activity["role"] == role
        )

    def _move_to(self, campaign_id: str, current_status: str, at: datetime) -> None:
        campaign = self.rows[campaign_id]
        campaign |= {"current_status": current_status, "updated_at": write(at)}
        for activity in campaign["campaign_activities"]:
            key = activity["campaign_activity_id"]
            self.activities[key]["current_status"] = current_status.upper()

    def schedule(self, campaign_id: str, at: datetime, send_at: datetime) -> None:
        """Decide when a draft is to be sent."""
        self._move_to(campaign_id, "Scheduled", at)
        self.schedules[self.activity(campaign_id)] = [{"scheduled_date": write(send_at)}]

    def test_subjects(self, campaign_id: str) -> None:
        """Let a tenth of the contacts get another subject first."""
        self.ab_tests[self.activity(campaign_id)] = {
            "alternative_subject": f"{self.rows[campaign_id]['name']}: just for you",
            "test_size": 10,
            "winner_wait_duration": 6,
        }

    def send(self, campaign_id: str, at: datetime, count: int) -> Row:
        """Send a campaign.

        Args:
            campaign_id: The campaign.
            at: When it is sent.
            count: How many contacts get it.

        Returns:
            What the contacts' events tell of the e-mail.
        """
        self._move_to(campaign_id, "Done", at)
        return self._send(self.activity(campaign_id), at, count)

    def _send(self, key: str, at: datetime, count: int) -> Row:
        activity = self.activities[key]
        self.schedules[key] = []
        self.send_history[key].append(
            {
                "send_id": len(self.send_history[key]) + 1,
                "contact_list_ids": activity["contact_list_ids"],
                "segment_ids": activity["segment_ids"],
                "count": count,
                "run_date": write(at),
                "send_status": "COMPLETED",
                "reason_code": 0,
            }
        )
        name = self.rows[activity["campaign_id"]]["name"]
        return {"campaign_activity_id": key, "campaign_activity_name": name}

    def resend(self, campaign_id: str, at: datetime, delay: timedelta, count: int) -> Row:
        """Send a campaign again to those who did not open it; arguments as for `send`."""
        primary = self.activity(campaign_id)
        names = ("contact_list_ids", "segment_ids", "format_type")
        settings = {name: self.activities[primary][name] for name in names}
        again = self._seed.key("resend", campaign_id)
        key = self._add_activity(campaign_id, "resend", again, settings)
        self.activities[key]["subject"] = f"Again: {self.activities[primary]['subject']}"
        minutes = delay // timedelta(minutes=1)
        whole_days = minutes % 1440 == 0
        self.resends[primary] = [
            {
                "resend_subject": self.activities[key]["subject"],
                **({"delay_days": minutes // 1440} if whole_days else {"delay_minutes": minutes}),
                "resend_date": write(at),
                "resend_request_id": self._seed.key("resend request", campaign_id),
                "resend_status": "DONE",
            }
        ]
        self.rows[campaign_id]["updated_at"] = write(at)
        return self._send(key, at, count)

    def remove(self, campaign_id: str, at: datetime) -> None:
        """Remove a campaign; it stays in the list, and its events stay with the contacts."""
        self._move_to(campaign_id, "Removed", at)

    def is_removed(self, campaign_id: str) -> bool:
        """Tell whether a campaign was removed."""
        return bool(self.rows[campaign_id]["current_status"] == "Removed")

    def reported(self, campaign_id: str) -> list[str]:
        """Return the activities of a campaign that have reports: those sent, none if removed."""
        if self.is_removed(campaign_id):
            return []
        activities = self.rows[campaign_id]["campaign_activities"]
        keys = (activity["campaign_activity_id"] for activity in activities)
        return [key for key in keys if self.send_history[key]]
