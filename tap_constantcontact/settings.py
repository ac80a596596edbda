"""The settings, one by one, and the rules between them.

The settings in meltano.yml and the README's table are generated from here, by
`python -m tests.generate`. Where the default of a setting is no value but depends on something, the
last sentence of its description tells it: "Default: all history."
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping
from typing import Any

from dotenv import find_dotenv, load_dotenv
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

CREDENTIALS = (
    th.Property(
        "client_id",
        th.StringType,
        title="Client ID",
        description="The API key of your application at Constant Contact.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="Client secret",
        description="The application's secret; none for a PKCE or device application.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description=(
            "A refresh token to start from; not needed after a sign-in with "
            "`tap-constantcontact-login`."
        ),
    ),
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="Use this token as it is and never refresh it.",
    ),
    th.Property(
        "token_file",
        th.StringType,
        title="Token file",
        description=(
            "The file that keeps rotated tokens and the account they belong to. Default: a file in "
            "the user's state folder, one for each application and refresh token."
        ),
    ),
)

SELECTION = (
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description=(
            "The oldest data wanted on a first incremental run: a date or date-time in ISO 8601. "
            "Default: all history."
        ),
    ),
    th.Property(
        "contact_ids",
        th.ArrayType(th.StringType),
        title="Contact IDs",
        description="Only these contacts in the two contact reports. Default: all.",
    ),
    th.Property(
        "contact_status",
        th.ArrayType(th.StringType(allowed_values=list(STATUSES))),
        title="Contact status",
        description=(
            "Only contacts with one of these statuses. Default: in `contacts` all, deleted ones "
            "too; in the two contact reports all but deleted."
        ),
    ),
    th.Property(
        "contact_list_ids",
        th.ArrayType(th.StringType),
        title="Contact list IDs",
        description="Only members of at least one of these lists.",
    ),
    th.Property(
        "contact_tag_ids",
        th.ArrayType(th.StringType),
        title="Contact tag IDs",
        description="Only contacts with at least one of these tags.",
    ),
    th.Property(
        "segment_id",
        th.StringType,
        title="Segment ID",
        description=(
            "Only contacts in this segment. The API gives a segment's contacts without their "
            "sub-resources and takes no other filter beside it."
        ),
    ),
    th.Property(
        "contact_includes",
        th.ArrayType(th.StringType(allowed_values=list(SUB_RESOURCES))),
        default=list(SUB_RESOURCES),
        title="Contact sub-resources",
        description="The sub-resources that come with each contact; an empty list for none.",
    ),
    th.Property(
        "tracking_activity_types",
        th.ArrayType(th.StringType(allowed_values=list(ACTIVITY_TYPES))),
        default=list(ACTIVITY_TYPES),
        title="Tracking activity types",
        description="The types of activity in `contact_activity_details`.",
    ),
)

DATES = (
    th.Property(
        "updated_after",
        th.StringType,
        title="Updated after",
        description=(
            "Contacts changed since this date or date-time in ISO 8601, on every run: no bookmark "
            "is read or moved."
        ),
    ),
    th.Property(
        "updated_days_back",
        th.IntegerType(minimum=0),
        title="Updated days back",
        description="Contacts changed since the start of the day this many days ago, on every run.",
    ),
    th.Property(
        "report_date",
        th.StringType,
        title="Report date",
        description="One day (YYYY-MM-DD) of the two contact reports, on every run.",
    ),
    th.Property(
        "report_days_back",
        th.IntegerType(minimum=0),
        title="Report days back",
        description=(
            "This many whole days of the two contact reports, and today up to now, on every run."
        ),
    ),
    th.Property(
        "report_start_date",
        th.StringType,
        title="Report start date",
        description=(
            "The first day (YYYY-MM-DD) of a range of whole days of the two contact reports, on "
            "every run."
        ),
    ),
    th.Property(
        "report_start_days_back",
        th.IntegerType(minimum=0),
        title="Report days back to start from",
        description="The first day of such a range, as a number of days ago.",
    ),
    th.Property(
        "report_end_date",
        th.StringType,
        title="Report end date",
        description=(
            "The last day (YYYY-MM-DD) of such a range, included. Default: today up to now."
        ),
    ),
    th.Property(
        "report_end_days_back",
        th.IntegerType(minimum=0),
        title="Report days back to end at",
        description="The last day of such a range, included, as a number of days ago.",
    ),
    th.Property(
        "contacts_refresh_days",
        th.IntegerType(minimum=0),
        default=7,
        title="Contacts refresh days",
        description=(
            "Read all contacts again when the last full read is older than this many days, to "
            "see the changes that the API cannot filter by; 0 for never."
        ),
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="UTC",
        title="Time zone",
        description="The IANA time zone in which a day is meant, such as `America/New_York`.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0),
        title="Lookback days",
        description=(
            "How many days before its bookmark an incremental report reads again, for late "
            "events and counts that still grow. Default: 1 for `contact_activity_details`, 30 for "
            "`contact_action_summary`."
        ),
    ),
)

LIMITS = (
    th.Property(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        default=4,
        title="Requests per second",
        description=(
            "The most requests in any second; 0.5 is one in two seconds. The key's limit is 4: "
            "set less where other programs share the key."
        ),
    ),
    th.Property(
        "daily_request_limit",
        th.IntegerType(minimum=1),
        default=10000,
        title="Daily request limit",
        description=(
            "The most requests in a day, from 00:00 to 00:00 UTC. The key's limit is 10000: set "
            "less where other programs share the key."
        ),
    ),
    th.Property(
        "request_budget",
        th.IntegerType(minimum=1),
        title="Request budget",
        description=(
            "End this run after this many requests; the next run goes on from there. Default: none."
        ),
    ),
    th.Property(
        "on_daily_limit",
        th.StringType(allowed_values=list(OPTIONS["on_daily_limit"])),
        default="stop",
        title="On daily limit",
        description=(
            "When the day's requests are spent: `stop` ends the run with exit code 0, and the next "
            "run goes on from there; `wait` goes on at 00:00 UTC; `fail` ends it with exit code 1."
        ),
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1),
        title="Max concurrent requests",
        description=(
            "The most requests in flight at once. Default: as many as the pace needs at the "
            "latency seen, at most 64."
        ),
    ),
)

CONNECTION = (
    th.Property(
        "api_url",
        th.StringType,
        default="https://api.cc.email/v3",
        title="API URL",
        description="Base URL of the API.",
    ),
    th.Property(
        "auth_url",
        th.StringType,
        default="https://authz.constantcontact.com/oauth2/default/v1",
        title="Authorization URL",
        description="Base URL of the authorization server.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        default=60,
        title="Request timeout",
        description=(
            "Number of seconds without a byte after which a request is retried. A whole response "
            "may take five times as long."
        ),
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="The User-Agent header of requests. Default: `tap-constantcontact/VERSION`.",
    ),
    th.Property(
        "sandbox",
        th.BooleanType,
        default=False,
        title="Sandbox",
        description="Read the built-in sandbox account, which needs no credentials.",
    ),
)

PROPERTIES = th.PropertiesList(*CREDENTIALS, *SELECTION, *DATES, *LIMITS, *CONNECTION)
"""The tap's own settings."""

SETTINGS: dict[str, Any] = PROPERTIES.to_dict()
"""JSON schema of the tap's configuration. The SDK adds its own settings to it when a tap starts."""

ENVIRONMENT = "TAP_CONSTANTCONTACT_"
"""What the environment variable of a setting begins with."""

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def from_environment(names: Collection[str]) -> dict[str, str]:
    """Return those of the named settings that the environment holds.

    A file `.env` in the working directory, or in the nearest folder above it that has one, is part
    of the environment; a variable of the same name that is set already wins over it.
    """
    load_dotenv(find_dotenv(usecwd=True))
    variables = {name: f"{ENVIRONMENT}{name.upper()}" for name in names}
    return {
        name: os.environ[variable] for name, variable in variables.items() if variable in os.environ
    }


def typed(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with each text read as the type that the schema wants.

    The environment holds nothing but text, and runners such as Meltano hand it on. A text that
    spells no value of its type stays as it is, for the schema to refuse.

    Args:
        config: The settings as they were given; one that is null or empty counts as not given.
        schema: The JSON schema of the configuration.
    """
    types = {
        name: setting.get("type", "string")
        for name, setting in schema.get("properties", {}).items()
    }
    values = {name: _read(value, types.get(name, "string")) for name, value in config.items()}
    return {name: value for name, value in values.items() if value is not None}


def _read(value: Any, kinds: Collection[str]) -> Any:
    if isinstance(value, str):
        return _spelt(value, kinds) if value.strip() else None
    return str(value) if type(value) is int and "string" in kinds else value


def _spelt(text: str, kinds: Collection[str]) -> Any:
    """Return the value of one of these JSON types that a text spells, or the text itself."""
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text.strip().lower(), text)
    if "array" in kinds and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        return json.loads(text) if {"array", "object"} & {*kinds} else _number(text)
    except ValueError:
        return text


def batches(config: Mapping[str, Any]) -> bool:
    """Return whether the records are to go out in batch files, which takes an encoding.

    A runner may send the rest of a `batch_config`, as defaults, to those who want no batches.
    (Source: singer-sdk 0.55, which reads it so; 0.54 ends in an error.)
    """
    batch_config = config.get("batch_config")
    return not isinstance(batch_config, dict) or bool(batch_config.get("encoding"))


def _number(text: str) -> float:
    """Return the number that a text spells, an integer where it is whole.

    Raises:
        ValueError: It spells none.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number
