"""The settings, one by one.

The settings in meltano.yml and the README's table are generated from here, by
`python -m tests.generate`. Where a default is not a fixed value, the last sentence of the
setting's description gives it: "Default: all history."
"""

from __future__ import annotations

import re
from typing import Any

from singer_sdk import typing as th

from tap_constantcontact.config.choices import ACTIVITY_TYPES, OPTIONS, STATUSES, SUB_RESOURCES

INSTANTS = ("start_date", "updated_after")
"""Settings that hold a date or a date-time in ISO 8601."""

DAYS = ("report_date", "report_start_date", "report_end_date")
"""Settings that hold a day, YYYY-MM-DD."""


def setting(name: str, kind: Any, description: str, **options: Any) -> th.Property[Any]:
    """Return a setting, with a title for forms made from its name: "Client ID" of `client_id`."""
    words = name.replace("_", " ").capitalize()
    for plain, proper in (("id", "ID"), ("ids", "IDs"), ("Api", "API"), ("url", "URL")):
        words = re.sub(rf"\b{plain}\b", proper, words)
    return th.Property(name, kind, description=description, title=words, **options)


CREDENTIALS = (
    setting("client_id", th.StringType, "The API key of your application at Constant Contact."),
    setting(
        "client_secret",
        th.StringType,
        "The application's secret. Leave it out for a PKCE or device application.",
        secret=True,
    ),
    setting(
        "refresh_token",
        th.StringType,
        "A refresh token to start from. Not needed after signing in with "
        "`tap-constantcontact-login`.",
        secret=True,
    ),
    setting(
        "access_token", th.StringType, "An access token to use as is, without refresh.", secret=True
    ),
    setting(
        "token_file",
        th.StringType,
        "The file that stores the tokens and the account they belong to. Default: a file in the "
        "user's state folder, one per application and refresh token.",
    ),
)

SELECTION = (
    setting(
        "start_date",
        th.StringType,
        "The oldest data to read on a first incremental run: a date or date-time in ISO 8601. "
        "Default: all history.",
    ),
    setting(
        "contact_ids",
        th.ArrayType(th.StringType),
        "Read only these contacts in the two contact reports. Default: all.",
    ),
    setting(
        "contact_status",
        th.ArrayType(th.StringType(allowed_values=list(STATUSES))),
        "Read only contacts with one of these statuses. Default: all in `contacts`, including "
        "deleted; all but deleted in the two contact reports.",
    ),
    setting(
        "contact_list_ids",
        th.ArrayType(th.StringType),
        "Read only contacts on at least one of these lists.",
    ),
    setting(
        "contact_tag_ids",
        th.ArrayType(th.StringType),
        "Read only contacts with at least one of these tags.",
    ),
    setting(
        "segment_id",
        th.StringType,
        "Read only contacts in this segment. The API returns them without their sub-resources. "
        "Cannot be combined with `contact_list_ids` or `contact_tag_ids`.",
    ),
    setting(
        "contact_includes",
        th.ArrayType(th.StringType(allowed_values=list(SUB_RESOURCES))),
        "The sub-resources to read with each contact; an empty list for none.",
        default=list(SUB_RESOURCES),
    ),
    setting(
        "landing_page_activity_ids",
        th.ArrayType(th.StringType),
        "The landing pages to read in the landing page reports, by `campaign_activity_id`. The API "
        "lists them nowhere; `contact_activity_details` contains those that contacts used. "
        "Default: none.",
    ),
    setting(
        "custom_fields_by_name",
        th.BooleanType,
        "Add to each contact an object of its custom fields by name, with the types that the "
        "account defines. Discovery then requests the definitions.",
        default=False,
    ),
    setting(
        "tracking_activity_types",
        th.ArrayType(th.StringType(allowed_values=list(ACTIVITY_TYPES))),
        "The activity types to read in `contact_activity_details`.",
        default=list(ACTIVITY_TYPES),
    ),
)

SOURCE = (
    setting(
        "report_source",
        th.StringType(allowed_values=list(OPTIONS["report_source"])),
        "Where the two contact reports come from: `contacts` takes a request or more per contact; "
        "`campaigns` takes a request per 500 events, and reads only campaigns with new events.",
        default="contacts",
    ),
)

DATES = (
    setting(
        "updated_after",
        th.StringType,
        "Read only contacts changed since this date or date-time (ISO 8601), on every run. The "
        "bookmark of `contacts` is neither read nor moved.",
    ),
    setting(
        "updated_days_back",
        th.IntegerType(minimum=0),
        "Read only contacts changed since the start of the day this many days ago, on every run. "
        "The bookmark of `contacts` is neither read nor moved.",
    ),
    setting(
        "report_date",
        th.StringType,
        "Read this day (YYYY-MM-DD) of the two contact reports, on every run.",
    ),
    setting(
        "report_days_back",
        th.IntegerType(minimum=0),
        "Read this many whole days of the two contact reports, plus today so far, on every run.",
    ),
    setting(
        "report_start_date",
        th.StringType,
        "The first day (YYYY-MM-DD) of a range of days to read of the two contact reports, on "
        "every run.",
    ),
    setting(
        "report_start_days_back",
        th.IntegerType(minimum=0),
        "The first day of that range, as a number of days ago.",
    ),
    setting(
        "report_end_date",
        th.StringType,
        "The last day (YYYY-MM-DD) of that range, inclusive. Default: today so far.",
    ),
    setting(
        "report_end_days_back",
        th.IntegerType(minimum=0),
        "The last day of that range, inclusive, as a number of days ago.",
    ),
    setting(
        "contacts_refresh_days",
        th.IntegerType(minimum=0),
        "Read all contacts again when the last full read is more than this many days ago, to "
        "catch changes that the API cannot filter by; 0 for never.",
        default=7,
    ),
    setting(
        "full_sweep_days",
        th.IntegerType(minimum=0),
        "Number of days after which the e-mail event streams read every campaign again, and not "
        "only those whose counts moved. With `report_source: campaigns`, the two contact reports "
        "do so too, and ask the contacts for what campaigns do not show. 0 for never.",
        default=30,
    ),
    setting(
        "timezone",
        th.StringType,
        "The IANA time zone in which days begin and end, such as `America/New_York`.",
        default="UTC",
    ),
    setting(
        "lookback_days",
        th.IntegerType(minimum=0),
        "Number of days before its bookmark that an incremental contact report reads again, to "
        "catch late events and counts that still grow. Default: 1 for "
        "`contact_activity_details`, 30 for `contact_action_summary`.",
    ),
)

LIMITS = (
    setting(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        "Maximum number of requests in any second, of all runs that use the key; 0.5 is one "
        "request every two seconds. A key's limit is 4, a partner's 10: set less if other programs "
        "share the key.",
        default=4,
    ),
    setting(
        "daily_request_limit",
        th.IntegerType(minimum=1),
        "Maximum number of requests per day, which starts at 00:00 UTC, of all runs that use the "
        "key. A key's limit is 10,000, a partner's 250,000: set less if other programs share the "
        "key.",
        default=10000,
    ),
    setting(
        "daily_share",
        th.NumberType(exclusive_minimum=0, maximum=1),
        "The account's part of `daily_request_limit`, from 0 to 1, if several accounts are read "
        "with one key. Default: as much as the other accounts leave.",
    ),
    setting(
        "limits_store",
        th.StringType,
        "Where all runs of a key count their requests: a file, or for runs on several machines a "
        "URL such as `redis://HOST` or `postgresql://USER:PASSWORD@HOST/DATABASE`. Default: a file "
        "in the user's state folder.",
        secret=True,
    ),
    setting(
        "limits_store_required",
        th.BooleanType,
        "End the run if `limits_store` cannot be used; otherwise it goes on alone, with a warning, "
        "as if no other run used the key.",
        default=True,
    ),
    setting(
        "request_budget",
        th.IntegerType(minimum=1),
        "End a run after this many requests; the next run resumes from there. Default: none.",
    ),
    setting(
        "on_daily_limit",
        th.StringType(allowed_values=list(OPTIONS["on_daily_limit"])),
        "What to do when the daily quota is used up: `stop` ends the run with exit code 0, and "
        "the next run resumes from there; `wait` waits until 00:00 UTC, then continues; `fail` "
        "ends the run with exit code 1.",
        default="stop",
    ),
    setting(
        "max_concurrent_requests",
        th.IntegerType(minimum=1),
        "Maximum number of requests in flight. Default: as many as the pace needs at the "
        "observed latency, up to 64.",
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
        th.NumberType(exclusive_minimum=0, maximum=86_400),
        "Seconds without receiving a byte before a request is retried. A whole response may take "
        "five times as long.",
        default=60,
    ),
    setting(
        "user_agent",
        th.StringType,
        "The User-Agent header of requests. Default: `tap-constantcontact/VERSION`.",
    ),
    setting(
        "skip_forbidden_streams",
        th.BooleanType,
        "Skip a stream that the token or its user may not read, with a warning that names the "
        "scope and the privilege, and read the others.",
        default=False,
    ),
    setting(
        "sandbox",
        th.BooleanType,
        "Read the built-in sandbox account, which needs no credentials.",
        default=False,
    ),
)

PROPERTIES = th.PropertiesList(*CREDENTIALS, *SELECTION, *SOURCE, *DATES, *LIMITS, *CONNECTION)
"""The tap's own settings, in the order of the README's table."""

SETTINGS: dict[str, Any] = PROPERTIES.to_dict()
"""JSON schema of the tap's configuration. The SDK adds its own settings when a tap starts."""
