"""What `--verify` of the doctor checks: the assumptions about the API that the tap relies on.

`ASSUMPTIONS` is their only registry. Those whose failure loses the most come first, as requests may
run out.
"""

from tap_constantcontact.commands.verify.assumption import Assumption
from tap_constantcontact.commands.verify.campaigns import ABOUT_CAMPAIGNS
from tap_constantcontact.commands.verify.contacts import ABOUT_CONTACTS
from tap_constantcontact.commands.verify.events import ABOUT_EVENTS
from tap_constantcontact.commands.verify.pages import ABOUT_PAGES
from tap_constantcontact.commands.verify.rights import ABOUT_RIGHTS

ASSUMPTIONS: tuple[Assumption, ...] = (
    *ABOUT_CONTACTS,
    *ABOUT_PAGES,
    *ABOUT_CAMPAIGNS,
    *ABOUT_EVENTS,
    *ABOUT_RIGHTS,
)

__all__ = ["ASSUMPTIONS"]
