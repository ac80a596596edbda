"""The settings: what each one is called, holds by default and is for.

The settings in meltano.yml and the table in docs/settings.md are generated from here, by
`python -m tests.generate`. Where a default is not a fixed value, the last sentence of the
setting's description gives it: "Default: all history." What contradicts what is checked in
`validation`; a setting that decides which dates are read has a field in `windows` as well.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG

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
EMAIL_EVENTS = ("em_sends", "em_opens", "em_clicks", "em_bounces", "em_optouts", "em_forwards")
PAGE_EVENTS = ("p_contact_open", "p_contact_click", "p_contact_add", "p_contact_update")
ACTIVITY_TYPES = (*EMAIL_EVENTS, *PAGE_EVENTS)

CHOICES = {
    "report_source": {"contacts": "Contact by contact", "campaigns": "By campaign"},
    "on_daily_limit": {
        "stop": "Stop, and resume in the next run",
        "wait": "Wait until 00:00 UTC",
        "fail": "Fail",
    },
}
"""The allowed values of each setting with a fixed choice, with the labels that Meltano shows."""


def setting(kind: Any, name: str, description: str, **options: Any) -> th.Property[Any]:
    """Return a setting, with a title for forms made from its name: "Client ID" of `client_id`."""
    words = name.replace("_", " ").capitalize()
    for plain, proper in (("id", "ID"), ("ids", "IDs"), ("Api", "API"), ("url", "URL")):
        words = re.sub(rf"\b{plain}\b", proper, words)
    return th.Property(name, kind, description=description, title=words, **options)


INSTANT, DAY = th.StringType(), th.StringType()
_text = partial(setting, th.StringType)
_secret = partial(setting, th.StringType, secret=True)
_texts = partial(setting, th.ArrayType(th.StringType))
_instant = partial(setting, INSTANT)
_day = partial(setting, DAY)
_days = partial(setting, th.IntegerType(minimum=0))
_count = partial(setting, th.IntegerType(minimum=1))
_switch = partial(setting, th.BooleanType)

PROPERTIES = th.PropertiesList(
    # Credentials
    _text("client_id", "The API key of your application at Constant Contact."),
    _secret(
        "client_secret", "The application's secret. Leave it out for a PKCE or device application."
    ),
    _secret(
        "refresh_token",
        "A refresh token to start from. Not needed after signing in with "
        "`tap-constantcontact-login`.",
    ),
    _secret("access_token", "An access token to use as is, without refresh."),
    _text(
        "token_file",
        "The file that stores the tokens and the account they belong to. Default: a file in the "
        "user's state folder, one per application and refresh token.",
    ),
    # What is read
    _texts(
        "streams",
        "Read only these streams: names, or patterns such as `email_*`. A catalog can narrow them "
        "further. Default: those that a catalog selects, or that cost little.",
    ),
    _instant(
        "start_date",
        "The oldest data to read on a first incremental run: a date or date-time in ISO 8601. "
        "Default: all history.",
    ),
    _texts("contact_ids", "Read only these contacts in the two contact reports. Default: all."),
    setting(
        th.ArrayType(th.StringType(allowed_values=[*STATUSES])),
        "contact_status",
        "Read only contacts with one of these statuses. Default: all in `contacts`, including "
        "deleted; all but deleted in the two contact reports.",
    ),
    _texts("contact_list_ids", "Read only contacts on at least one of these lists."),
    _texts("contact_tag_ids", "Read only contacts with at least one of these tags."),
    _text(
        "segment_id",
        "Read only contacts in this segment. The API returns them without their sub-resources. "
        "Cannot be combined with `contact_list_ids` or `contact_tag_ids`.",
    ),
    setting(
        th.ArrayType(th.StringType(allowed_values=[*SUB_RESOURCES])),
        "contact_includes",
        "The sub-resources to read with each contact; an empty list for none.",
        default=[*SUB_RESOURCES],
    ),
    _texts(
        "landing_page_activity_ids",
        "The landing pages to read in the landing page reports, by `campaign_activity_id`. The API "
        "lists them nowhere; `contact_activity_details` contains those that contacts used. "
        "Default: none.",
    ),
    _switch(
        "custom_fields_by_name",
        "Add to each contact an object of its custom fields by name, with the types that the "
        "account defines. Discovery then requests the definitions.",
        default=False,
    ),
    setting(
        th.ArrayType(th.StringType(allowed_values=[*ACTIVITY_TYPES])),
        "tracking_activity_types",
        "The activity types to read in `contact_activity_details`.",
        default=[*ACTIVITY_TYPES],
    ),
    setting(
        th.StringType(allowed_values=[*CHOICES["report_source"]]),
        "report_source",
        "Where the two contact reports come from: `contacts` takes a request or more per contact; "
        "`campaigns` takes a request per 500 events, and reads only campaigns with new events.",
        default="contacts",
    ),
    # Dates
    _instant(
        "updated_after",
        "Read only contacts changed since this date or date-time (ISO 8601), on every run. The "
        "bookmark of `contacts` is neither read nor moved.",
    ),
    _days(
        "updated_days_back",
        "Read only contacts changed since the start of the day this many days ago, on every run. "
        "The bookmark of `contacts` is neither read nor moved.",
    ),
    _day("report_date", "Read this day (YYYY-MM-DD) of the two contact reports, on every run."),
    _days(
        "report_days_back",
        "Read this many whole days of the two contact reports, plus today so far, on every run.",
    ),
    _day(
        "report_start_date",
        "The first day (YYYY-MM-DD) of a range of days to read of the two contact reports, on "
        "every run.",
    ),
    _days("report_start_days_back", "The first day of that range, as a number of days ago."),
    _day(
        "report_end_date",
        "The last day (YYYY-MM-DD) of that range, inclusive. Default: today so far.",
    ),
    _days(
        "report_end_days_back", "The last day of that range, inclusive, as a number of days ago."
    ),
    _days(
        "contacts_refresh_days",
        "Read all contacts again when the last full read is more than this many days ago, to "
        "catch changes that the API cannot filter by; 0 for never.",
        default=7,
    ),
    _days(
        "full_sweep_days",
        "Number of days after which the e-mail event streams read every campaign again, and not "
        "only those whose counts moved. With `report_source: campaigns`, the two contact reports "
        "do so too, and ask the contacts for what campaigns do not show. 0 for never.",
        default=30,
    ),
    _text(
        "timezone",
        "The IANA time zone in which days begin and end, such as `America/New_York`.",
        default="UTC",
    ),
    _days(
        "lookback_days",
        "Number of days before its bookmark that an incremental contact report reads again, to "
        "catch late events and counts that still grow. Default: 1 for "
        "`contact_activity_details`, 30 for `contact_action_summary`.",
    ),
    # Limits
    setting(
        th.NumberType(exclusive_minimum=0),
        "requests_per_second",
        "Maximum number of requests in any second, of all runs that use the key; 0.5 is one "
        "request every two seconds. A key's limit is 4, a partner's 10: set less if other programs "
        "share the key.",
        default=4,
    ),
    _count(
        "daily_request_limit",
        "Maximum number of requests per day, which starts at 00:00 UTC, of all runs that use the "
        "key. A key's limit is 10,000, a partner's 250,000: set less if other programs share the "
        "key.",
        default=10000,
    ),
    setting(
        th.NumberType(exclusive_minimum=0, maximum=1),
        "daily_share",
        "The account's part of `daily_request_limit`, from 0 to 1, if several accounts are read "
        "with one key. Default: as much as the other accounts leave.",
    ),
    _secret(
        "limits_store",
        "Where all runs of a key count their requests: a file, or for runs on several machines a "
        "URL such as `redis://HOST` or `postgresql://USER:PASSWORD@HOST/DATABASE`. Default: a file "
        "in the user's state folder.",
    ),
    _switch(
        "limits_store_required",
        "End the run if `limits_store` cannot be used; otherwise it goes on alone, with a warning, "
        "as if no other run used the key.",
        default=True,
    ),
    _count(
        "request_budget",
        "End a run after this many requests; the next run resumes from there. Default: none.",
    ),
    setting(
        th.StringType(allowed_values=[*CHOICES["on_daily_limit"]]),
        "on_daily_limit",
        "What to do when the daily quota is used up: `stop` ends the run with exit code 0, and "
        "the next run resumes from there; `wait` waits until 00:00 UTC, then continues; `fail` "
        "ends the run with exit code 1.",
        default="stop",
    ),
    _count(
        "max_concurrent_requests",
        "Maximum number of requests in flight. Default: as many as the pace needs at the "
        "observed latency, up to 64.",
    ),
    # The connection
    _text("api_url", "Base URL of the API.", default="https://api.cc.email/v3"),
    _text(
        "auth_url",
        "Base URL of the authorization server.",
        default="https://authz.constantcontact.com/oauth2/default/v1",
    ),
    setting(
        th.NumberType(exclusive_minimum=0, maximum=86_400),
        "request_timeout",
        "Seconds without receiving a byte before a request is retried. A whole response may take "
        "five times as long.",
        default=60,
    ),
    _text("user_agent", "The User-Agent of requests. Default: `tap-constantcontact/VERSION`."),
    _switch(
        "skip_forbidden_streams",
        "Skip a stream that the token or its user may not read, with a warning that names the "
        "scope and the privilege, and read the others.",
        default=False,
    ),
    _switch("sandbox", "Read the built-in sandbox, which needs no credentials.", default=False),
)
"""The tap's own settings, in the order of the table in docs/settings.md."""

INSTANTS = tuple(name for name, one in PROPERTIES.items() if one.wrapped is INSTANT)
"""Settings that hold a date or a date-time in ISO 8601."""

DAYS = tuple(name for name, one in PROPERTIES.items() if one.wrapped is DAY)
"""Settings that hold a day, YYYY-MM-DD."""


def with_sdk_settings(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of some settings and the SDK's.

    In singer-sdk 0.54 and 0.55, one of the choices for `__else__` is no valid schema, so that a
    validator which reaches it fails: it is removed. `emit_activate_version_messages` is missing,
    which their streams read. Their Parquet files have the columns of the first record alone.
    """
    schema = copy.deepcopy(dict(own))
    Tap.append_builtin_config(schema)
    properties = schema["properties"]
    properties |= EMIT_ACTIVATE_VERSION_CONFIG["properties"]
    properties["batch_config"]["properties"]["encoding"]["properties"]["format"]["enum"] = ["jsonl"]
    stream_maps = properties["stream_maps"]
    for part in (stream_maps, *stream_maps["additionalProperties"]["anyOf"]):
        if option := part.get("properties", {}).get("__else__"):
            option["anyOf"] = [choice for choice in option["anyOf"] if isinstance(choice, dict)]
    return schema


SETTINGS = with_sdk_settings(PROPERTIES.to_dict())
"""JSON schema of the tap's configuration."""
