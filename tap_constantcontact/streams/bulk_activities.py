"""Jobs on many contacts: https://v3.developer.constantcontact.com/api_reference/#tag-Bulk-Activities."""

from __future__ import annotations

from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import Query
from tap_constantcontact.streams.fields import instant, integer, key, schema, structure, text, texts


class BulkActivitiesStream(Collection):
    """Imports, exports and other jobs on many contacts, of the last ten days.

    The API keeps them for ten days, and requires the privilege to change contacts. (Contract.) The
    link `self` of every row names the last row of its page. (Responses recorded from the live
    service.)
    """

    name = "bulk_activities"
    path = "/activities"
    records_key = "activities"
    privilege = "contacts:write"
    primary_keys = ("activity_id",)
    cost = "1 per 500 jobs"
    selected_by_default = False
    all_queries = (Query(takes_dates=False, has_total=False, is_short=True),)
    schema = schema(
        key("activity_id", "Key of the job."),
        text("state", "State of the job, such as processing, completed or failed."),
        instant("created_at", "When the job was requested."),
        instant("started_at", "When the job began."),
        instant("updated_at", "When the job last changed."),
        instant("completed_at", "When the job ended."),
        text("source_file_name", "Name of the imported file."),
        integer("percent_done", "How much of the job is done, in percent."),
        texts("activity_errors", "Messages about errors."),
        structure(
            "status",
            "Counts.",
            integer("items_total_count", "Number of items."),
            integer("items_completed_count", "Number of items that are done."),
            integer("person_count", "Number of contacts in an import."),
            integer("error_count", "Number of items with an error."),
            integer("correctable_count", "Number of items with an error that can be corrected."),
            integer("cannot_add_to_list_count", "Contacts who had unsubscribed before."),
            integer("list_count", "Number of lists."),
        ),
        structure(
            "_links",
            "Where the job and its result are.",
            structure("self", "The job.", text("href", "Path of the job.")),
            structure("results", "The result.", text("href", "Path of the result.")),
        ),
    )
