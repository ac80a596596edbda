"""The words of a recording that stay as they are, because they belong to the API and to nobody.

They are the names of fields, parameters and paths, and for fields with fixed values these. Where a
field has a value that is not listed here, it is replaced like any other. (Contract, and recorded.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tap_constantcontact.auth.permissions import PRIVILEGES_PATH
from tap_constantcontact.streams import STREAMS

_STATUSES = "Draft|Scheduled|Executing|Done|Error|Removed"
_SOURCES = "Contact|Account"
_ROLES = "CONTACT|BILLING|JOURNALING|REPLY_TO|OTHER|DEFAULT_FROM"
_TYPES = (
    "em_sends|em_opens|em_clicks|em_bounces|em_optouts|em_forwards|em_didnotopens|"
    "p_contact_open|p_contact_click|p_contact_add|p_contact_update|p_contact_opens|"
    "p_contact_clicks|p_contact_adds|p_contact_updates|p_contact_sms_optins"
)
_JSON = "application/json"

FIXED: Mapping[str, frozenset[str]] = {
    name: frozenset(values.split("|"))
    for name, values in {
        # The account
        "billing_status": "Trial|Open|Canceled|Trial End",
        "confirm_source_type": "SITE_OWNER|SUPPORT|FORCEVERIFY|PARTNER",
        "confirm_status": "CONFIRMED|UNCONFIRMED|confirmed|pending|off",
        "pending_roles": _ROLES,
        "privilege_name": "|".join(sorted({one.privilege for one in STREAMS if one.privilege})),
        "roles": _ROLES,
        # Contacts
        "advertised_interval": "daily|weekly|monthly|yearly|D|W|M|Y",
        "channel_type": "email|sms",
        "consent_action_type": "opt_in|opt_out",
        "consent_medium_type": "MD|LF|CD|FI|SY",
        "consent_type": "promotional_sms",
        "create_source": _SOURCES,
        "display_format": "YYYY-MM-DD|MM/DD/YYYY|DD/MM/YYYY",
        "display_type": "checkbox|radio|dropdown",
        "kind": "home|work|mobile|other",
        "opt_in_source": _SOURCES,
        "opt_out_source": _SOURCES,
        "permission_to_send": "explicit|implicit|not_set|pending_confirmation|temp_hold|"
        "unsubscribed",
        "sms_consent_permission": "explicit|implicit|not_set|pending_confirmation|unsubscribed",
        "source": "A|C|S",
        "state": "processing|completed|cancelled|failed|timed_out|D|E|I|N|O|P|T",
        "tag_source": _SOURCES,
        "type": "string|date|datetime|currency|text_area|number|boolean|single_select|multi_select|"
        "NEWSLETTER|CUSTOM_CODE_EMAIL",
        "update_source": _SOURCES,
        # Campaigns and their reports
        "bounce_code": "B|D|F|S|V|X|Z",
        "campaign_type": "Newsletter|SMS",
        "current_status": f"{_STATUSES}|{_STATUSES.upper()}",
        "device_type": "computer|mobile|tablet|other|none",
        "list_action": "add",
        "resend_status": _STATUSES.upper(),
        "role": "primary_email|permalink|resend",
        "send_status": "COMPLETED|ERRORED",
        "tracking_activity_type": _TYPES,
        # Events and automations
        "active_state": "ACTIVE|DRAFT|PROMOTED",
        "address_type": "EVENT",
        "checkin_status": "CHECKED_IN|NOT_CHECKED_IN",
        "discount_code_scope": "ORDER_TOTAL",
        "discount_code_type": "PERCENT",
        "draft_state": "ACTIVE|DRAFT|PROMOTED",
        "event_type": "FAIRS_FESTIVALS|PERFORMING_ARTS",
        "key": "GOAL|SOURCE",
        "location_type": "PHYSICAL|VIRTUAL",
        "media_type": "BNR",
        "payment_status": "PENDING|PAID|REFUNDED|CANCELLED|FAILED|CHARGED_BACK",
        "platform_fee_scope_type": "OWNER",
        "registration_status": "PENDING|REGISTERED|CANCELED|EXPIRED|IN_PROGRESS|FAILED",
        "registration_type": "TICKET",
        "status": "ACTIVE|DRAFT|COMPLETE|DELETED|CANCELLED|ERROR|processing|all|active|deleted|"
        "not_set|pending_confirmation|temp_hold|unsubscribed",
        "ticket_type": "PAID",
        # Numbers that stand for something
        "format_type": "1|2|3|4|5",
        "type_code": "10|26",
        "version": "1|2",
        # Errors, and headers of a response
        "error_key": "unauthorized|throttled|quota_exceeded|access_denied|not_found|"
        "contacts.api.validation.error|contacts.api.not_found|contacts.api.conflict|"
        "reportingsvc.not_found.invalid_path_param.campaign_ids.|"
        "reportingsvc.not_found.invalid_path_param.campaign_activity_ids",
        "error_message": "Unauthorized|Too Many Requests|Limit Exceeded|"
        "Request forbidden due to insufficient user privileges.",
        "message": "Forbidden|Endpoint request timed out",
        "content-type": f"{_JSON}|{_JSON}; charset=utf-8|{_JSON};charset=utf-8|text/html",
        "www-authenticate": "Bearer realm=api.cc.email",
        "x-amzn-errortype": "UnauthorizedException",
        "x-cache": "Miss from cloudfront|Error from cloudfront",
        # Parameters of a request
        "include": "custom_fields|list_memberships|phone_numbers|street_addresses|taggings|notes|"
        "new_subscriber|permalink_url",
        "include_count": "true",
        "include_membership_count": "all",
        "include_sms_membership_count": "true",
        "extra_fields": "physical_address|company_logo",
        "tracking_activities_list": _TYPES,
    }.items()
}
"""The values that stay, by the name of the field, the header or the parameter that has them."""

RECORDED_HEADERS = (
    "content-type",
    "retry-after",
    "www-authenticate",
    "x-amz-apigw-id",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-cache",
    "x-eig-tracking-id",
)
"""The headers of a response that are recorded; their values are replaced like those of fields."""

SIZES = ("limit", "offset")
"""The parameters whose numbers stay: they say how much was asked for."""

_BESIDE_ROWS = """
    _links aggregate_percents channel cursor deliver errors first href last lists_count message next
    next_cursor prev prev_cursor privilege_id self total_records v3
    after_date before_date created_after created_before end end_at lists optout_after optout_before
    segment_id start start_at tags updated_after updated_before
    active_time assoc_activity_sub_type cancelled_time currency_type default deleted_time
    display_contact_flag display_end_time_flag display_on_calendar_flag display_time_zone_flag
    enabled_flag event_calendar_url event_code event_end event_metadata event_promotions event_start
    event_widget_url failed_campaign_activities items_enabled notify_owner_on_reg online_meeting
    paid_event promo_codes_enabled provider_type time_zone time_zone_abbreviation
"""
"""Names of fields and parameters that are in no stream's schema."""


def _names_in(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from _names_in(part)
    if "items" in schema:
        yield from _names_in(schema["items"])


def _names() -> Iterator[str]:
    yield from _BESIDE_ROWS.split()
    yield from (*FIXED, *SIZES)
    for stream in STREAMS:
        yield from _names_in(stream.row_schema or stream.schema)
        yield from _names_in(stream.schema)
        yield from filter(None, (stream.records_key, stream.row_key))
        yield from (name for path in stream.left_out for name in path.split("."))


KNOWN_NAMES = frozenset(_names())
"""The names of fields and parameters that this version knows."""

PATHS = frozenset(
    word
    for path in (*(stream.path for stream in STREAMS), PRIVILEGES_PATH, "/v3")
    for word in path.split("/")
    if re.fullmatch(r"\w*", word)
)
"""The words of paths."""

WORDS = KNOWN_NAMES | PATHS | frozenset().union(*FIXED.values()) | {"http://", "https://"}
"""All of it."""
