"""The values among which some settings choose."""

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

OPTIONS = {
    "report_source": {
        "contacts": "Contact by contact",
        "campaigns": "By campaign",
    },
    "on_daily_limit": {
        "stop": "Stop, and resume in the next run",
        "wait": "Wait until 00:00 UTC",
        "fail": "Fail",
    },
}
"""The allowed values of each setting with a fixed choice, with the labels that Meltano shows."""
