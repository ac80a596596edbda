"""A tap of the plain SDK, as its template for a REST API would have it.

Run as `sdk_tap.py URL STREAM`, where URL has no path and the working directory has the schemas of
the streams in `schemas.json`; the messages are written to the standard output.
"""

import decimal
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult, parse_qsl

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import BaseHATEOASPaginator

SCHEMAS = json.loads(Path("schemas.json").read_text())


class NextLinkPaginator(BaseHATEOASPaginator):
    """Follows the links from page to page."""

    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the link to the next page."""
        return next(extract_jsonpath("$._links.next.href", response.json()), None)


class PlainStream(RESTStream[ParseResult | None]):
    """A stream of the API."""

    page_size: int

    @property
    def url_base(self) -> str:
        """The address of the API."""
        return f"{self.config['url']}/v3"

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """What signs the requests."""
        return BearerTokenAuthenticator(token=self.config["auth_token"])

    def get_new_paginator(self) -> NextLinkPaginator:
        """Return what follows the links of one list."""
        return NextLinkPaginator()

    def get_url_params(
        self,
        context: Mapping[str, Any] | None,  # noqa: ARG002
        next_page_token: ParseResult | None,
    ) -> dict[str, Any]:
        """Return the query of a page."""
        if next_page_token:
            return dict(parse_qsl(next_page_token.query))
        return {"limit": self.page_size}

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the rows of a page."""
        yield from extract_jsonpath(
            self.records_jsonpath,
            input=response.json(parse_float=decimal.Decimal),
        )


class ContactsStream(PlainStream):
    """The contacts."""

    name = "contacts"
    path = "/contacts"
    records_jsonpath = "$.contacts[*]"
    primary_keys = ("contact_id",)
    page_size = 500
    schema = SCHEMAS["contacts"]

    def get_url_params(self, *args: Any) -> dict[str, Any]:
        """Return the query of a page, for contacts of each status."""
        return {"status": "all", **super().get_url_params(*args)}

    def get_child_context(
        self,
        record: dict[str, Any],
        context: Mapping[str, Any] | None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return what the streams below need of a contact."""
        return {"contact_id": record["contact_id"]}


class DetailsStream(PlainStream):
    """The events of each contact.

    The state is one for all contacts: with one for each, the SDK would write all of them after
    every contact.
    """

    name = "contact_activity_details"
    path = "/reports/contact_reports/{contact_id}/activity_details"
    records_jsonpath = "$.tracking_activities[*]"
    primary_keys = ("contact_id", "campaign_activity_id", "tracking_activity_type", "created_time")
    page_size = 100
    parent_stream_type = ContactsStream
    state_partitioning_keys = ()
    schema = SCHEMAS["contact_activity_details"]


class PlainTap(Tap):
    """The tap."""

    name = "tap-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("auth_token", th.StringType, required=True),
        th.Property("stream", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[PlainStream]:
        """Return the stream to read, and the one above it."""
        if self.config["stream"] == ContactsStream.name:
            return [ContactsStream(self)]
        return [ContactsStream(self), DetailsStream(self)]


def main() -> None:
    """Read one stream."""
    url, stream = sys.argv[1:]
    config = {"url": url, "auth_token": "token", "stream": stream}
    catalog = PlainTap(config=config).catalog_dict
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["stream"] == stream
    PlainTap(config=config, catalog=catalog).sync_all()


if __name__ == "__main__":
    main()
