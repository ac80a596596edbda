"""Automations: https://v3.developer.constantcontact.com/api_reference/#tag-Automations."""

from __future__ import annotations

from tap_constantcontact.reading.single_response import SingleResponse
from tap_constantcontact.streams.fields import instant, key, schema, structures, text


class AutomationsStream(SingleResponse):
    """Automations, which send e-mails when contacts do something.

    The API sends all of them at once, with status 209. (Contract.)
    """

    name = "automations"
    path = "/automations/workflows"
    records_key = "flow_summaries"
    scope = "campaign_data"
    privilege = "customer-journey:read"
    primary_keys = ("id",)
    schema = schema(
        key("id", "Key of the automation."),
        text("name", "Name of the automation."),
        text("description", "Description of the automation."),
        text("status", "Status of the automation, such as ACTIVE or DRAFT."),
        text("active_state", "State of the version that runs."),
        text("draft_state", "State of the version that is being edited."),
        text("template_id", "Key of the template that it was made from."),
        text("created_by_id", "Key of the user who made it."),
        instant("created_date", "When it was made."),
        text("promoted_by_id", "Key of the user who started it."),
        instant("promoted_date", "When it was started."),
        instant("update_date", "When it last changed."),
        structures(
            "structured_tags",
            "Tags of the automation, such as its goal.",
            text("key", "What the tag tells."),
            text("value", "Value of the tag."),
            text("display_value", "Value of the tag, as people see it."),
        ),
    )
