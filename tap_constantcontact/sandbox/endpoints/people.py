"""How the reports on campaigns and landing pages tell of a contact."""

from __future__ import annotations

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.basics import Row


def introduced(account: Account, event: Row, kind: str) -> Row:
    """Return an event's row with its contact's address and names, as reports have it.

    Args:
        account: Where the contact is.
        event: The contact's event.
        kind: The type under which the report has it.
    """
    contact = account.contacts.look(event["contact_id"]) or {}
    row = {
        "contact_id": event["contact_id"],
        "campaign_activity_id": event["campaign_activity_id"],
        "tracking_activity_type": kind,
        "email_address": contact.get("email_address", {}).get("address", ""),
        "created_time": event["created_time"],
    }
    for name in ("first_name", "last_name"):
        if name in contact:
            row[name] = contact[name]
    if "deleted_at" in contact:
        row["deleted_at"] = contact["deleted_at"][:10]
    return row
