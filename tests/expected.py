"""The sandbox's own data, in the shape that a run's records take."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from aiohttp.test_utils import make_mocked_request

from tap_constantcontact.config.dates import instant_of, rfc3339
from tap_constantcontact.reading.events import ACTIVITIES
from tap_constantcontact.reading.query import at_path
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.data.contacts import UNDOCUMENTED
from tap_constantcontact.sandbox.endpoints import (
    campaign_reports,
    campaigns,
    contact_jobs,
    contact_reports,
    contacts,
    email_reports,
    events,
    landing_pages,
)
from tap_constantcontact.sandbox.endpoints.endpoint import Endpoint, Service
from tap_constantcontact.streams.campaigns import SENT
from tap_constantcontact.streams.contacts import ContactsStream
from tests.comparison import instants, is_not_deleted, key_of, without
from tests.parameters import Stream, has_events, stream_of

Wanted = Callable[[dict[str, Any]], bool]


def identified(events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield events, of which the oldest of each contact comes first, with the keys to expect."""
    numbers: Counter[str] = Counter()
    for event in events:
        alike = "|".join(
            (
                event["contact_id"],
                event["campaign_activity_id"],
                event["tracking_activity_type"],
                rfc3339(cast("datetime", instant_of(event["created_time"]))),
            )
        )
        key = uuid.uuid5(ACTIVITIES, f"{alike}|{numbers[alike]}")
        numbers[alike] += 1
        yield {**event, "activity_id": str(key)}


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
        if hasattr(stream, "part"):
            changed = self.since(ContactsStream, start)
            rows = self[stream.name].items()
            return {key: row for key, row in rows if row["contact_id"] in changed}
        changes = getattr(stream, "changes", ())
        paths = [change.path for change in changes] or [str(stream.replication_key)]
        return {
            key: row
            for key, row in self[stream.name].items()
            if any(date and date >= start for date in (at_path(row, path) for path in paths))
        }

    def _keyed(self, stream: str, rows: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
        if has_events(stream_of(stream)):
            rows = identified(rows)
        shown = (without(row, *stream_of(stream).left_out) for row in rows)
        return {key_of(stream, row): instants(row) for row in shown}

    def account_summary(self) -> dict[Any, Any]:
        profile = self.account.profile(("physical_address", "company_logo"))
        return self._keyed("account_summary", [profile])

    def account_emails(self) -> dict[Any, Any]:
        return self._keyed("account_emails", self.account.addresses())

    def contact_list_memberships(self) -> dict[Any, Any]:
        return self._within("contact_list_memberships", "list_memberships")

    def contact_taggings(self) -> dict[Any, Any]:
        return self._within("contact_taggings", "taggings")

    def contact_custom_field_values(self) -> dict[Any, Any]:
        return self._within("contact_custom_field_values", "custom_fields")

    def contact_phone_numbers(self) -> dict[Any, Any]:
        return self._within("contact_phone_numbers", "phone_numbers")

    def contact_street_addresses(self) -> dict[Any, Any]:
        return self._within("contact_street_addresses", "street_addresses")

    def contact_notes(self) -> dict[Any, Any]:
        return self._within("contact_notes", "notes")

    def contact_sms_consents(self) -> dict[Any, Any]:
        rows = (
            {
                "contact_id": contact["contact_id"],
                "contact_updated_at": contact["updated_at"],
                **without(contact["sms_channel"], "sms_channel_consents"),
                **consent,
            }
            for contact in self.account.contacts.values()
            if "sms_channel" in contact
            for consent in contact["sms_channel"]["sms_channel_consents"]
        )
        return self._keyed("contact_sms_consents", rows)

    def _within(self, stream: str, part: str) -> dict[Any, Any]:
        """The rows within the contacts; where the contact has but keys, they are the rows."""
        key = {"contact_list_memberships": "list_id", "contact_taggings": "tag_id"}.get(stream)
        rows = [
            {
                "contact_id": contact["contact_id"],
                "contact_updated_at": contact["updated_at"],
                **({key: row} if key else row),
            }
            for contact in self.account.contacts.values()
            for row in contact[part]
        ]
        for row in rows:
            if "choice_ids" in row:
                row["choice_ids"] = ",".join(row["choice_ids"])
        return self._keyed(stream, rows)

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

    def _told(self, module: Any, name: str, query: str = "", **path: str) -> Any:
        """What an endpoint of the sandbox answers, without its pages."""
        answer = getattr(module, name)
        endpoint = next(one for one in module.ENDPOINTS if one.answer is answer)
        return self._answered(endpoint, query, **path)

    def _answered(self, endpoint: Endpoint, query: str, **path: str) -> Any:
        request = make_mocked_request("GET", f"/?{query}", match_info=path)
        response = endpoint.respond(Service(self.account), request)
        return json.loads(cast("bytes", response.body))

    def _reported_activities(self) -> list[str]:
        return [key for sent in self._sent() for key in self.account.campaigns.reported(sent)]

    def _events(self, stream: str, kind: str) -> dict[Any, Any]:
        rows = (
            email_reports.row_of(self.account, event, kind)
            for activity in self._reported_activities()
            for event in reversed(self.account.index.rows(activity, kind))
        )
        return self._keyed(stream, rows)

    def email_campaign_summaries(self) -> dict[Any, Any]:
        rows = self._told(campaign_reports, "summaries", "limit=500")
        return self._keyed("email_campaign_summaries", rows["bulk_email_campaign_summaries"])

    def email_campaign_activity_stats(self) -> dict[Any, Any]:
        rows = [
            row
            for key in self._reported_activities()
            for row in self._told(campaign_reports, "activity_stats", campaign_activity_ids=key)[
                "results"
            ]
        ]
        return self._keyed("email_campaign_activity_stats", rows)

    def _activities(self) -> list[dict[str, Any]]:
        campaigns = self.account.campaigns
        return [
            row
            for row in campaigns.activities.values()
            if not campaigns.is_removed(row["campaign_id"])
        ]

    def _of_campaign(self, activity: Mapping[str, Any]) -> dict[str, Any]:
        """What a row of an activity tells of its campaign."""
        key = activity["campaign_id"]
        return {"campaign_id": key, "updated_at": self.account.campaigns.rows[key]["updated_at"]}

    def email_campaign_activities(self) -> dict[Any, Any]:
        rows = (row | self._of_campaign(row) for row in self._activities())
        return self._keyed("email_campaign_activities", rows)

    def _sent_to(self, stream: str, listed_in: str, key: str) -> dict[Any, Any]:
        rows = (
            {
                "campaign_activity_id": activity["campaign_activity_id"],
                **self._of_campaign(activity),
                key: one,
            }
            for activity in self._activities()
            for one in activity[listed_in]
        )
        return self._keyed(stream, rows)

    def email_campaign_activity_lists(self) -> dict[Any, Any]:
        return self._sent_to("email_campaign_activity_lists", "contact_list_ids", "list_id")

    def email_campaign_activity_segments(self) -> dict[Any, Any]:
        return self._sent_to("email_campaign_activity_segments", "segment_ids", "segment_id")

    def email_previews(self) -> dict[Any, Any]:
        rows = (
            self._told(campaigns, "preview", campaign_activity_id=row["campaign_activity_id"])
            | self._of_campaign(row)
            for row in self._activities()
            if row["role"] != "permalink"
        )
        return self._keyed("email_previews", rows)

    def _of_activities(
        self, stream: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> dict[Any, Any]:
        keys = [row["campaign_activity_id"] for row in self._activities()]
        return self._keyed(
            stream,
            ({"campaign_activity_id": key, **row} for key in keys for row in rows.get(key, ())),
        )

    def email_send_history(self) -> dict[Any, Any]:
        return self._of_activities("email_send_history", self.account.campaigns.send_history)

    def email_schedules(self) -> dict[Any, Any]:
        campaigns = self.account.campaigns
        rows = {
            key: [{**row, "campaign_id": campaigns.activities[key]["campaign_id"]} for row in rows]
            for key, rows in campaigns.schedules.items()
        }
        return self._of_activities("email_schedules", rows)

    def email_non_opener_resends(self) -> dict[Any, Any]:
        return self._of_activities("email_non_opener_resends", self.account.campaigns.resends)

    def email_ab_tests(self) -> dict[Any, Any]:
        tests = {key: [test] for key, test in self.account.campaigns.ab_tests.items()}
        return self._of_activities("email_ab_tests", tests)

    def email_links(self) -> dict[Any, Any]:
        links = {
            key: self._told(email_reports, "links", campaign_activity_id=key)["link_click_counts"]
            for key in self._reported_activities()
        }
        return self._of_activities("email_links", links)

    def _landing_pages(self, report: str, activity_type: str) -> dict[Any, Any]:
        """The rows of a report, with the type that the contacts' events have."""
        endpoint = next(
            one for one in landing_pages.ENDPOINTS if one.answer is landing_pages.REPORTS[report]
        )
        stream = report.replace("p_", "landing_page_", 1).replace("contact_", "")
        rows = (
            {**row, "tracking_activity_type": activity_type}
            for page in self.account.landing_pages
            for row in self._answered(endpoint, "limit=500", campaign_activity_id=page)[
                "tracking_activities"
            ][::-1]
        )
        return self._keyed(stream, rows)

    def landing_page_opens(self) -> dict[Any, Any]:
        return self._landing_pages("p_contact_opens", "p_contact_open")

    def landing_page_unique_opens(self) -> dict[Any, Any]:
        return self._landing_pages("p_unique_contact_opens", "p_contact_open")

    def landing_page_unique_clicks(self) -> dict[Any, Any]:
        return self._landing_pages("p_unique_contact_clicks", "p_contact_click")

    def landing_page_unique_adds(self) -> dict[Any, Any]:
        return self._landing_pages("p_unique_contact_adds", "p_contact_add")

    def landing_page_unique_updates(self) -> dict[Any, Any]:
        return self._landing_pages("p_unique_contact_updates", "p_contact_update")

    def landing_page_unique_sms_optins(self) -> dict[Any, Any]:
        return self._landing_pages("p_unique_contact_sms_optins", "p_contact_sms_optins")

    def events(self) -> dict[Any, Any]:
        return self._keyed("events", self._told(events, "events")["records"])

    def event_tracks(self) -> dict[Any, Any]:
        rows = (
            {"event_id": key, **event["default_track"]}
            for key, event in self.account.marketing_events.items()
        )
        return self._keyed("event_tracks", rows)

    def event_registrations(self) -> dict[Any, Any]:
        rows = (
            {"event_id": key, "track_id": event["default_track"]["track_id"], **row}
            for key, event in self.account.marketing_events.items()
            for row in self.account.registrations(key)
        )
        return self._keyed("event_registrations", rows)

    def automations(self) -> dict[Any, Any]:
        return self._keyed("automations", self.account.workflows())

    def bulk_activities(self) -> dict[Any, Any]:
        rows = self._told(contact_jobs, "activities", "limit=500")["activities"]
        return self._keyed("bulk_activities", rows)

    def partner_accounts(self) -> dict[Any, Any]:
        return self._keyed("partner_accounts", self.account.partner_accounts())

    def sms_campaign_summaries(self) -> dict[Any, Any]:
        return self._keyed("sms_campaign_summaries", self.account.sms_campaigns())

    def sms_engagement_history(self, wanted: Wanted = is_not_deleted) -> dict[Any, Any]:
        rows = (row for key in self._reported(wanted) for row in self.account.sms_engagement(key))
        return self._keyed("sms_engagement_history", rows)

    def contact_counts(self) -> dict[Any, Any]:
        row = self._told(contacts, "counts", "include=new_subscriber")
        return self._keyed("contact_counts", [row])

    def contact_open_and_click_rates(self, wanted: Wanted = is_not_deleted) -> dict[Any, Any]:
        span = "start=2021-11-11T12:00:00Z&end=2026-11-10T12:00:00Z"
        rows = (
            self._told(contact_reports, "open_and_click_rates", span, contact_id=key)
            for key in self._reported(wanted)
        )
        return self._keyed("contact_open_and_click_rates", rows)

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
        shown = (
            without(row, UNDOCUMENTED, *(() if is_not_deleted(row) else ("list_memberships",)))
            for row in rows
        )
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
