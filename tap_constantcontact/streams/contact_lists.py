"""The account's contact lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.estimate import Plan, in_all

QUERY = {"limit": 500, "status": "all", "include_membership_count": "all"}
"""All lists; the API's text allows 500 rows a page, its schema 1000."""

CHANNELS = {
    "email": QUERY,
    "sms": {**QUERY, "channel_type": "sms", "include_sms_membership_count": "true"},
}
"""What to ask for: without `channel_type` the API gives lists for e-mail alone. (Contract.)"""


class ContactListsStream(ConstantContactStream):
    """Contact lists for e-mail and for SMS, deleted ones too, with the number of their members."""

    name = "contact_lists"
    path = "/contact_lists"
    records_key = "lists"
    privilege = "contacts:read"
    primary_keys = ("list_id",)
    schema = th.PropertiesList(
        th.Property("list_id", th.StringType, required=True, description="Key of the list."),
        th.Property("name", th.StringType, description="What the account calls the list."),
        th.Property("description", th.StringType, description="What the list is for."),
        th.Property("favorite", th.BooleanType, description="Marked as a favourite."),
        th.Property("created_at", th.DateTimeType, description="When the list was made."),
        th.Property("updated_at", th.DateTimeType, description="When the list last changed."),
        th.Property("deleted_at", th.DateTimeType, description="When the list was deleted."),
        th.Property(
            "membership_count",
            th.IntegerType,
            description="Number of contacts on the list, mailable or not.",
        ),
        th.Property("channel_type", th.StringType, description="Whether it is for email or sms."),
    ).to_dict()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield every list once."""
        seen: set[str] = set()
        for channel, query in CHANNELS.items():
            for row in self.collect(query, key="list_id", shrinks=False):
                if row["list_id"] not in seen:
                    seen.add(row["list_id"])
                    yield {**row, "channel_type": channel}

    def plan(self) -> Plan:
        """Return what a run would ask for."""
        return in_all(self.plan_of(query, shrinks=False) for query in CHANNELS.values())
