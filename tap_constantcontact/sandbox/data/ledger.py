"""An account's data, and the changes that can happen to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tap_constantcontact.sandbox.data import audience, profile
from tap_constantcontact.sandbox.data.activity_index import ActivityIndex
from tap_constantcontact.sandbox.data.basics import OPENED, Row, Seed, write
from tap_constantcontact.sandbox.data.campaigns import Campaigns
from tap_constantcontact.sandbox.data.contacts import joined_by_mail, joined_by_sms, status
from tap_constantcontact.sandbox.data.mailings import Events, Happening, Mailing, Sheet
from tap_constantcontact.sandbox.data.population import Contacts

SENT: Happening = (timedelta(0), "em_sends", {})


class Ledger:
    """An account's data, as the API would send it, and the changes that can happen to it.

    Args:
        seed: What the keys and the chances come from.
        size: How many contacts it has before its first newsletter.
        now: The account's present.

    Attributes:
        encoded_account_id: Key of the account.
        organization_name: Whose account it is; may be empty.
        contacts: Contacts by `contact_id`.
        lists: Contact lists by `list_id`.
        sms_lists: Keys of those that are for SMS.
        tags: Keys of the tags in use.
        tag_rows: Tags by `tag_id`, in use or not.
        custom_fields: Definitions of the custom fields by `custom_field_id`.
        events: Rows of activity by `contact_id`, the oldest first.
        index: The same rows by campaign activity.
        campaigns: The e-mail campaigns.
    """

    def __init__(self, seed: int, size: int, now: datetime) -> None:
        self.seed = seed
        self.now = now
        self._seed = Seed(seed)
        self.encoded_account_id, self.organization_name = profile.named(self._seed)
        self.contacts = Contacts(size)
        self.lists = audience.lists(self._seed, OPENED)
        self.sms_lists = [*self.lists][len(audience.LISTS) :]
        self.tag_rows = audience.tags(self._seed, OPENED)
        self.tags = [key for key, row in self.tag_rows.items() if row["name"] in audience.TAGS]
        self.custom_fields = audience.custom_fields(self._seed, OPENED)
        self.events = Events(self.contacts)
        self.index = ActivityIndex(self.events, self.contacts)
        self.campaigns = Campaigns(self._seed, self.organization_name)

    def join(self, number: int, joined: datetime) -> str:
        """Let the n-th contact join; returns its `contact_id`."""
        kept = [
            key
            for key, row in self.lists.items()
            if "deleted_at" not in row and key not in self.sms_lists
        ]
        return self._enter(joined_by_mail(self._seed, number, joined, kept, self.tags))

    def join_by_sms(self, joined: datetime) -> str:
        """Let somebody join who gave a phone number and no e-mail address."""
        return self._enter(joined_by_sms(self._seed, joined, self.sms_lists[:1]))

    def _enter(self, contact: Row) -> str:
        contact_id = str(contact["contact_id"])
        self.contacts[contact_id] = contact
        return contact_id

    def add_contact(self, at: datetime) -> str:
        """Let somebody join; returns the new `contact_id`."""
        contact_id = self.join(100_000 + len(self.contacts), at)
        self.contacts[contact_id]["updated_at"] = write(at, 1)
        return contact_id

    def edit(self, contact_id: str, at: datetime) -> None:
        """Change a contact's job, which moves its `updated_at`."""
        contact = self.contacts[contact_id]
        contact["job_title"] = f"Buyer since {at:%B %Y}"
        contact["updated_at"] = write(at, 1)

    def unsubscribe(self, contact_id: str, at: datetime, reason: str | None = None) -> None:
        """Withdraw a contact's permission, which does not move its `updated_at`."""
        address = self.contacts[contact_id]["email_address"]
        address |= {
            "permission_to_send": "unsubscribed",
            "opt_out_source": "Contact",
            "opt_out_date": write(at, 1),
            "updated_at": write(at, 1),
        }
        if reason:
            address["opt_out_reason"] = reason

    def delete(self, contact_id: str, at: datetime) -> None:
        """Delete a contact: it keeps its data but for its list memberships."""
        contact = self.contacts[contact_id]
        contact["deleted_at"] = f"{at:%Y-%m-%d}" if at.day % 2 else write(at, 2)
        contact["updated_at"] = write(at, 1)
        contact["list_memberships"] = []

    def add_event(
        self,
        contact_id: str,
        kind: str,
        at: datetime,
        *,
        form: int = 0,
        **fields: Any,
    ) -> None:
        """Let a contact do something."""
        row = {
            "contact_id": contact_id,
            **fields,
            "created_time": write(at, form),
            "tracking_activity_type": kind,
        }
        self.events.add(row)
        self.index.add(row)

    def send_campaign(self, at: datetime, recipients: Iterable[str] | Sheet | None = None) -> str:
        """Write a campaign and send it at once.

        Args:
            at: When.
            recipients: The `contact_id`s of those who get it, or what contacts do with it, and all
                who live like them; all active contacts unless given.

        Returns:
            The `campaign_activity_id` of its primary e-mail.
        """
        if recipients is None:
            active = self.contacts.lives(lambda row: status(row) == "active")
            recipients = Sheet({life: [SENT] for life in active})
        number = len(self.campaigns.rows)
        campaign_id = self.campaigns.draft(100_000 + number, f"Campaign {number + 1}", at)
        if isinstance(recipients, Sheet):
            count = sum(len(self.contacts.alike(life)) for life in recipients.lives)
            mail = self.campaigns.send(campaign_id, at, count)
            self.events.send(Mailing(mail, at, recipients))
        else:
            people = [*recipients]
            mail = self.campaigns.send(campaign_id, at, len(people))
            for contact_id in people:
                self.add_event(contact_id, "em_sends", at, **mail)
        return str(mail["campaign_activity_id"])

    def respond(
        self, campaign_activity_id: str, contact_id: str, kind: str, at: datetime, **fields: Any
    ) -> None:
        """Let a contact open an e-mail, click in it, opt out, or whatever else the type says.

        Args:
            campaign_activity_id: The e-mail.
            contact_id: The contact.
            kind: Type of the event, such as `em_opens`.
            at: When.
            fields: What else the event's row tells, such as `device_type` or `link_url`.
        """
        campaign_id = self.campaigns.activities[campaign_activity_id]["campaign_id"]
        name = self.campaigns.rows[campaign_id]["name"]
        mail = {
            "campaign_activity_id": campaign_activity_id,
            "campaign_activity_name": name,
        }
        self.add_event(contact_id, kind, at, **mail, **fields)
        if kind == "em_optouts":
            self.unsubscribe(contact_id, at, fields.get("opt_out_reason"))

    def remove_campaign(self, campaign_activity_id: str, at: datetime) -> None:
        """Remove the campaign of an activity."""
        self.campaigns.remove(self.campaigns.activities[campaign_activity_id]["campaign_id"], at)
