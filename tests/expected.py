"""The sandbox's own data, in the shape that a run's records take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from aiohttp.test_utils import make_mocked_request

from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.endpoints import campaign_reports, email_reports
from tap_constantcontact.sandbox.endpoints.endpoint import Service
from tap_constantcontact.shapes.queries import at_path
from tap_constantcontact.streams.campaigns import SENT
from tests.harness import Stream, instants, is_not_deleted, key_of, without

Wanted = Callable[[dict[str, Any]], bool]


class Expected:
    """The sandbox's own data, in the shape that a run's records take.

    Each stream has a method of its name, which tells all rows that a first run reads.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    def __getitem__(self, stream: str) -> dict[Any, Any]:
        """The rows of a stream by key."""
        rows: dict[Any, Any] = getattr(self, stream)()
        return rows

    def since(self, stream: Stream, start: datetime) -> dict[Any, Any]:
        """The rows of an incremental stream that changed at an instant or later."""
        changes = getattr(stream, "changes", ())
        paths = [change.path for change in changes] or [str(vars(stream)["replication_key"])]
        return {
            key: row
            for key, row in self[stream.name].items()
            if any(date and date >= start for date in (at_path(row, path) for path in paths))
        }

    def _keyed(self, stream: str, rows: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
        return {key_of(stream, dict(row)): instants(dict(row)) for row in rows}

    def account_summary(self) -> dict[Any, Any]:
        profile = self.account.profile(("physical_address", "company_logo"))
        return self._keyed("account_summary", [profile])

    def account_emails(self) -> dict[Any, Any]:
        return self._keyed("account_emails", self.account.addresses())

    def contact_lists(self) -> dict[Any, Any]:
        sms = self.account.sms_lists
        rows = (
            {
                **without(row, "counts"),
                "membership_count": row["counts"]["all"],
                "channel_type": "sms" if row["list_id"] in sms else "email",
            }
            for row in self.account.list_rows()
        )
        return self._keyed("contact_lists", rows)

    def contact_tags(self) -> dict[Any, Any]:
        tagged = [tag for contact in self.account.contacts.values() for tag in contact["taggings"]]
        rows = (
            {**row, "contacts_count": tagged.count(row["tag_id"])}
            for row in self.account.tag_rows.values()
        )
        return self._keyed("contact_tags", rows)

    def contact_custom_fields(self) -> dict[Any, Any]:
        return self._keyed("contact_custom_fields", self.account.custom_fields.values())

    def segments(self) -> dict[Any, Any]:
        rows = (without(row, "segment_criteria") for row in self.account.segment_rows.values())
        return self._keyed("segments", rows)

    def segment_details(self) -> dict[Any, Any]:
        return self._keyed("segment_details", self.account.segment_rows.values())

    def email_campaigns(self) -> dict[Any, Any]:
        rows = (without(row, "campaign_activities") for row in self.account.campaigns.rows.values())
        return self._keyed("email_campaigns", rows)

    def email_campaign_stats(self) -> dict[Any, Any]:
        rows = [
            row
            for key in self._sent()
            for row in self._told(campaign_reports, "campaign_stats", campaign_ids=key)["results"]
        ]
        return self._keyed("email_campaign_stats", rows)

    def _sent(self) -> list[str]:
        campaigns = self.account.campaigns
        return [
            key
            for key, row in campaigns.rows.items()
            if row["current_status"].lower() in SENT and campaigns.reported(key)
        ]

    def _told(self, module: Any, name: str, **path: str) -> Any:
        """What an endpoint of the sandbox answers, without its pages."""
        endpoint = next(one for one in module.ENDPOINTS if one.answer is getattr(module, name))
        request = make_mocked_request("GET", "/", match_info=path)
        response = endpoint.respond(Service(self.account), request)
        return json.loads(cast("bytes", response.body))

    def _reported_activities(self) -> list[str]:
        return [key for sent in self._sent() for key in self.account.campaigns.reported(sent)]

    def _events(self, stream: str, kind: str) -> dict[Any, Any]:
        rows = (
            email_reports.row_of(self.account, event, kind)
            for activity in self._reported_activities()
            for event in self.account.index.rows(activity, kind)
        )
        return self._keyed(stream, rows)

    def email_sends(self) -> dict[Any, Any]:
        return self._events("email_sends", "em_sends")

    def email_opens(self) -> dict[Any, Any]:
        return self._events("email_opens", "em_opens")

    def email_clicks(self) -> dict[Any, Any]:
        return self._events("email_clicks", "em_clicks")

    def email_bounces(self) -> dict[Any, Any]:
        return self._events("email_bounces", "em_bounces")

    def email_optouts(self) -> dict[Any, Any]:
        return self._events("email_optouts", "em_optouts")

    def email_forwards(self) -> dict[Any, Any]:
        return self._events("email_forwards", "em_forwards")

    def _derived(self, stream: str, name: str) -> dict[Any, Any]:
        rows = (
            row
            for activity in self._reported_activities()
            for row in self._told(email_reports, name, campaign_activity_id=activity)[
                "tracking_activities"
            ]
        )
        return self._keyed(stream, rows)

    def email_unique_opens(self) -> dict[Any, Any]:
        return self._derived("email_unique_opens", "unique_opens")

    def email_did_not_opens(self) -> dict[Any, Any]:
        return self._derived("email_did_not_opens", "did_not_opens")

    def contacts(self, wanted: Wanted = lambda _: True) -> dict[Any, Any]:
        rows = (contact for contact in self.account.contacts.values() if wanted(contact))
        shown = (row if is_not_deleted(row) else without(row, "list_memberships") for row in rows)
        return self._keyed("contacts", shown)

    def _reported(self, wanted: Wanted) -> list[str]:
        return [key for key, contact in self.account.contacts.items() if wanted(contact)]

    def contact_action_summary(
        self,
        wanted: Wanted = is_not_deleted,
        window: Callable[[datetime], bool] = lambda _: True,
    ) -> dict[Any, Any]:
        rows = (
            {"contact_id": key, **row}
            for key in self._reported(wanted)
            for row in self.account.summary(key)
            if window(parse(row["start_on"]))
        )
        return self._keyed("contact_action_summary", rows)

    def contact_activity_details(
        self,
        wanted: Wanted = is_not_deleted,
        window: Callable[[datetime], bool] = lambda _: True,
    ) -> dict[Any, Any]:
        rows = (
            row
            for key in self._reported(wanted)
            for row in self.account.events[key]
            if window(parse(row["created_time"]))
        )
        return self._keyed("contact_activity_details", rows)
