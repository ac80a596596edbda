"""The account's contact lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.estimate import Plan

QUERY = {"limit": 500, "status": "all", "include_membership_count": "all"}
"""All lists; the API's text allows 500 rows a page, its schema 1000."""


class ContactListsStream(ConstantContactStream):
    """Contact lists, deleted ones too, with the number of their members."""

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
    ).to_dict()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield every list."""
        return self.collect(QUERY, key="list_id", shrinks=False)

    def plan(self) -> Plan:
        """Return what a run would ask for."""
        return self.plan_of(QUERY, shrinks=False)
