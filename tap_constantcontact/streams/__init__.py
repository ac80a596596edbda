"""The reports, one a file, in the order they run: the cheap ones first."""

from tap_constantcontact.streams.contact_action_summary import ContactActionSummaryStream
from tap_constantcontact.streams.contact_activity_details import ContactActivityDetailsStream
from tap_constantcontact.streams.contact_lists import ContactListsStream
from tap_constantcontact.streams.contacts import ContactsStream

STREAMS = (
    ContactListsStream,
    ContactsStream,
    ContactActionSummaryStream,
    ContactActivityDetailsStream,
)

__all__ = [
    "STREAMS",
    "ContactActionSummaryStream",
    "ContactActivityDetailsStream",
    "ContactListsStream",
    "ContactsStream",
]
