"""The settings, one by one.

The settings in meltano.yml and the README's table are generated from here, by
`python -m tests.generate`. Where the default of a setting is no value but depends on something, the
last sentence of its description tells it: "Default: all history."
"""

from __future__ import annotations

import re
from typing import Any

from singer_sdk import typing as th

STATUSES = (
    "all",
    "active",
    "deleted",
    "not_set",
    "pending_confirmation",
    "temp_hold",
    "unsubscribed",
)
SUB_RESOURCES = (
    "custom_fields",
    "list_memberships",
    "notes",
    "phone_numbers",
    "street_addresses",
    "taggings",
)
ACTIVITY_TYPES = (
    "em_sends",
    "em_opens",
    "em_clicks",
    "em_bounces",
    "em_optouts",
    "em_forwards",
    "p_contact_open",
    "p_contact_click",
    "p_contact_add",
    "p_contact_update",
)

INSTANTS = ("start_date", "updated_after")
"""Settings that hold a date or a date-time in ISO 8601."""

DAYS = ("report_date", "report_start_date", "report_end_date")
"""Settings that hold a day, YYYY-MM-DD."""

OPTIONS = {
    "on_daily_limit": {
        "stop": "Stop, and go on in the next run",
        "wait": "Wait until 00:00 UTC",
        "fail": "Fail",
    },
}
"""The values of each setting that takes one of several, with the label that Meltano shows."""


def setting(name: str, kind: Any, description: str, **options: Any) -> th.Property[Any]:
    """Return a setting; its title for forms is its name in words."""
    words = name.replace("_", " ").capitalize()
    for plain, proper in (("id", "ID"), ("ids", "IDs"), ("Api", "API"), ("url", "URL")):
        words = re.sub(rf"\b{plain}\b", proper, words)
    return th.Property(name, kind, description=description, title=words, **options)


CREDENTIALS = (
    setting("client_id", th.StringType, "The API key of your application at Constant Contact."),
    setting(
        "client_secret",
        th.StringType,
        "The application's secret; none for a PKCE or device application.",
        secret=True,
    ),
    setting(
        "refresh_token",
        th.StringType,
        "A refresh token to start from; not needed after a sign-in with `tap-constantcontact-"
        "login`.",
        secret=True,
    ),
    setting(
        "access_token", th.StringType, "Use this token as it is and never refresh it.", secret=True
    ),
    setting(
        "token_file",
        th.StringType,
        "The file that keeps rotated tokens and the account they belong to. Default: a file in "
        "the user's state folder, one for each application and refresh token.",
    ),
)

SELECTION = (
    setting(
        "start_date",
        th.StringType,
        "The oldest data wanted on a first incremental run: a date or date-time in ISO 8601. "
        "Default: all history.",
    ),
    setting(
        "contact_ids",
        th.ArrayType(th.StringType),
        "Only these contacts in the two contact reports. Default: all.",
    ),
    setting(
        "contact_status",
        th.ArrayType(th.StringType(allowed_values=list(STATUSES))),
        "Only contacts with one of these statuses. Default: in `contacts` all, deleted ones too; "
        "in the two contact reports all but deleted.",
    ),
    setting(
        "contact_list_ids",
        th.ArrayType(th.StringType),
        "Only members of at least one of these lists.",
    ),
    setting(
        "contact_tag_ids",
        th.ArrayType(th.StringType),
        "Only contacts with at least one of these tags.",
    ),
    setting(
        "segment_id",
        th.StringType,
        "Only contacts in this segment. The API gives a segment's contacts without their sub-"
        "resources and takes no other filter beside it.",
    ),
    setting(
        "contact_includes",
        th.ArrayType(th.StringType(allowed_values=list(SUB_RESOURCES))),
        "The sub-resources that come with each contact; an empty list for none.",
        default=list(SUB_RESOURCES),
    ),
    setting(
        "tracking_activity_types",
        th.ArrayType(th.StringType(allowed_values=list(ACTIVITY_TYPES))),
        "The types of activity in `contact_activity_details`.",
        default=list(ACTIVITY_TYPES),
    ),
)

DATES = (
    setting(
        "updated_after",
        th.StringType,
        "Contacts changed since this date or date-time in ISO 8601, on every run: no bookmark is "
        "read or moved.",
    ),
    setting(
        "updated_days_back",
        th.IntegerType(minimum=0),
        "Contacts changed since the start of the day this many days ago, on every run.",
    ),
    setting(
        "report_date",
        th.StringType,
        "One day (YYYY-MM-DD) of the two contact reports, on every run.",
    ),
    setting(
        "report_days_back",
        th.IntegerType(minimum=0),
        "This many whole days of the two contact reports, and today up to now, on every run.",
    ),
    setting(
        "report_start_date",
        th.StringType,
        "The first day (YYYY-MM-DD) of a range of whole days of the two contact reports, on every"
        " run.",
    ),
    setting(
        "report_start_days_back",
        th.IntegerType(minimum=0),
        "The first day of such a range, as a number of days ago.",
    ),
    setting(
        "report_end_date",
        th.StringType,
        "The last day (YYYY-MM-DD) of such a range, included. Default: today up to now.",
    ),
    setting(
        "report_end_days_back",
        th.IntegerType(minimum=0),
        "The last day of such a range, included, as a number of days ago.",
    ),
    setting(
        "contacts_refresh_days",
        th.IntegerType(minimum=0),
        "Read all contacts again when the last full read is older than this many days, to see the"
        " changes that the API cannot filter by; 0 for never.",
        default=7,
    ),
    setting(
        "timezone",
        th.StringType,
        "The IANA time zone in which a day is meant, such as `America/New_York`.",
        default="UTC",
    ),
    setting(
        "lookback_days",
        th.IntegerType(minimum=0),
        "How many days before its bookmark an incremental report reads again, for late events and"
        " counts that still grow. Default: 1 for `contact_activity_details`, 30 for "
        "`contact_action_summary`.",
    ),
)

LIMITS = (
    setting(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        "The most requests in any second; 0.5 is one in two seconds. The key's limit is 4: set "
        "less where other programs share the key.",
        default=4,
    ),
    setting(
        "daily_request_limit",
        th.IntegerType(minimum=1),
        "The most requests in a day, from 00:00 to 00:00 UTC. The key's limit is 10000: set less "
        "where other programs share the key.",
        default=10000,
    ),
    setting(
        "request_budget",
        th.IntegerType(minimum=1),
        "End this run after this many requests; the next run goes on from there. Default: none.",
    ),
    setting(
        "on_daily_limit",
        th.StringType(allowed_values=list(OPTIONS["on_daily_limit"])),
        "When the day's requests are spent: `stop` ends the run with exit code 0, and the next "
        "run goes on from there; `wait` goes on at 00:00 UTC; `fail` ends it with exit code 1.",
        default="stop",
    ),
    setting(
        "max_concurrent_requests",
        th.IntegerType(minimum=1),
        "The most requests in flight at once. Default: as many as the pace needs at the latency "
        "seen, at most 64.",
    ),
)

CONNECTION = (
    setting("api_url", th.StringType, "Base URL of the API.", default="https://api.cc.email/v3"),
    setting(
        "auth_url",
        th.StringType,
        "Base URL of the authorization server.",
        default="https://authz.constantcontact.com/oauth2/default/v1",
    ),
    setting(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        "Number of seconds without a byte after which a request is retried. A whole response may "
        "take five times as long.",
        default=60,
    ),
    setting(
        "user_agent",
        th.StringType,
        "The User-Agent header of requests. Default: `tap-constantcontact/VERSION`.",
    ),
    setting(
        "sandbox",
        th.BooleanType,
        "Read the built-in sandbox account, which needs no credentials.",
        default=False,
    ),
)

PROPERTIES = th.PropertiesList(*CREDENTIALS, *SELECTION, *DATES, *LIMITS, *CONNECTION)
"""The tap's own settings."""

SETTINGS: dict[str, Any] = PROPERTIES.to_dict()
"""JSON schema of the tap's configuration. The SDK adds its own settings to it when a tap starts."""
