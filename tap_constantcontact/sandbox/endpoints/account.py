"""The account, its e-mail addresses and what its user may do."""

from __future__ import annotations

from tap_constantcontact.sandbox.data.profile import PRIVILEGES
from tap_constantcontact.sandbox.endpoints.endpoint import ACCOUNT, ANYBODY, Answer, Call, Endpoint
from tap_constantcontact.sandbox.endpoints.parameters import (
    Parameters,
    Refused,
    one_of,
    some_of,
    text,
)

CONFIRM_STATUSES = ("CONFIRMED", "UNCONFIRMED")
ROLES = ("CONTACT", "BILLING", "JOURNALING", "REPLY_TO", "OTHER")


def summary(call: Call) -> Answer:
    """GET /account/summary."""
    return call.account.profile(call.query.get("extra_fields", set()))


def emails(call: Call) -> Answer:
    """GET /account/emails: a bare array, by one filter at the most."""
    if len(call.query) > 1:
        raise Refused("Give one parameter at a time.")
    rows = call.account.addresses()
    # The first letter is enough for a status or a role.
    if status := call.query.get("confirm_status"):
        rows = [row for row in rows if row["confirm_status"].startswith(status)]
    if role := call.query.get("role_code"):
        rows = [row for row in rows if any(name.startswith(role) for name in row["roles"])]
    if address := call.query.get("email_address"):
        rows = [row for row in rows if row["email_address"] == address]
    return rows


def privileges(call: Call) -> Answer:
    """GET /account/user/privileges: a bare array."""
    return [
        {"privilege_id": key, "privilege_name": name}
        for key, name in PRIVILEGES.items()
        if name in call.service.privileges
    ]


ENDPOINTS = (
    Endpoint(
        "/account/summary",
        ACCOUNT,
        summary,
        Parameters({"extra_fields": some_of({"physical_address", "company_logo"})}),
    ),
    Endpoint(
        "/account/emails",
        ACCOUNT,
        emails,
        Parameters(
            {
                "confirm_status": one_of(*CONFIRM_STATUSES, "C", "U"),
                "role_code": one_of(*ROLES, "C", "B", "J", "R", "O"),
                "email_address": text,
            }
        ),
    ),
    Endpoint("/account/user/privileges", ANYBODY, privileges),
)
