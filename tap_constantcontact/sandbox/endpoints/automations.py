"""Automations."""

from __future__ import annotations

from aiohttp import web

from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.endpoints.endpoint import AUTOMATIONS, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import Parameters, one_of, text


def _tags(row: Row, key: str) -> set[str]:
    return {tag["value"] for tag in row["structured_tags"] if tag["key"] == key}


def workflows(call: Call) -> Answer:
    """GET /automations/workflows: all of them at once, with the status that the contract has."""
    query = call.query
    rows = call.account.workflows()
    if query.get("sort_direction") == "ASC":
        rows.reverse()
    rows = [
        row
        for row in rows
        if query.get("name") in (None, row["name"])
        and query.get("channel", "EMAIL") == "EMAIL"
        and ("goals" not in query or query["goals"] in _tags(row, "GOAL"))
        and ("created_from" not in query or query["created_from"] in _tags(row, "SOURCE"))
    ]
    return web.json_response({"flow_summaries": rows}, status=209)


ENDPOINTS = (
    Endpoint(
        "/automations/workflows",
        AUTOMATIONS,
        workflows,
        Parameters(
            {
                "channel": text,
                "sort_direction": one_of("ASC", "DESC"),
                "created_from": one_of("SCRATCH", "TEMPLATE"),
                "goals": text,
                "name": text,
            }
        ),
    ),
)
