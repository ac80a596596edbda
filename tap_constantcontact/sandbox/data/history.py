"""How an account grows up to its present.

Every fourth Tuesday a newsletter goes out, is opened and clicked, some contacts join, some are
edited, unsubscribed or deleted; some newsletters are sent again to those who did not open them, and
automations write to some contacts. The same seed and a later present give the same account with
more history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter

from tap_constantcontact.sandbox.data.automations import mail_of
from tap_constantcontact.sandbox.data.basics import FIRST_NEWSLETTER, OPENED, Row, Seed
from tap_constantcontact.sandbox.data.contacts import HEAVY_READER, status
from tap_constantcontact.sandbox.data.landing_pages import page_of
from tap_constantcontact.sandbox.data.ledger import Ledger
from tap_constantcontact.sandbox.data.mailings import Happening, Mailing, Sheet
from tap_constantcontact.sandbox.data.population import LIVES, Place
from tap_constantcontact.sandbox.data.reactions import to_later_mail, to_newsletter

INTERVAL = timedelta(days=28)
RESEND_DELAYS = (timedelta(days=7), timedelta(minutes=10_000))
AUTOMATION_DELAY = timedelta(days=14)
REMOVAL_DELAY = timedelta(days=40)


class History:
    """An account's life.

    Args:
        ledger: The account's data, to begin with without contacts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._size = ledger.contacts.size
        self._seed = Seed(ledger.seed)

    def grow(self) -> None:
        """Let everything happen that happened up to the ledger's present."""
        contacts = self._ledger.contacts
        for number in range(min(self._size, LIVES)):
            self._ledger.join(number, contacts.joined_at(number))
        self._ledger.join_by_sms(contacts.joined_at(0))
        self._leave_drafts()
        number = 0
        sent_at = FIRST_NEWSLETTER
        while sent_at < self._ledger.now:
            self._month(number, sent_at)
            number += 1
            sent_at += INTERVAL
        self._schedule(number, sent_at)
        contacts.repeat()

    def _is_past(self, instant: datetime) -> bool:
        return instant < self._ledger.now

    def _leave_drafts(self) -> None:
        """Write a campaign that stays a draft, and one that is removed before it is sent."""
        campaigns = self._ledger.campaigns
        campaigns.draft(-1, "Ideas", OPENED)
        campaigns.remove(campaigns.draft(-2, "Mistake", OPENED), OPENED + timedelta(hours=1))

    def _schedule(self, number: int, sent_at: datetime) -> str:
        campaigns = self._ledger.campaigns
        written_at = sent_at - INTERVAL + timedelta(hours=1)
        campaign_id = campaigns.draft(number, f"Newsletter {number + 1}", written_at)
        campaigns.schedule(campaign_id, written_at, sent_at)
        return campaign_id

    def _month(self, number: int, sent_at: datetime) -> None:
        """Live from one newsletter to the next."""
        campaign_id = self._schedule(number, sent_at)
        rng = self._seed.chance("newsletter", number)
        self._ledger.join(self._size + number, sent_at - timedelta(days=3))
        # Chosen from those who were there from the start, so that the past stays as it was.
        first = [*islice(self._ledger.contacts, min(self._size, LIVES))]
        sheet = self._send(number, campaign_id, sent_at)
        for contact_id in rng.sample(first, min(3, len(first))):
            at = sent_at + timedelta(days=1, minutes=number)
            self._change(self._ledger.edit, contact_id, at)
        if number % 3 == 0 and len(first) > HEAVY_READER + 1:
            victim = first[rng.randrange(HEAVY_READER + 1, len(first))]
            self._change(self._ledger.delete, victim, sent_at + timedelta(days=5))
        if number % 4 == 1:
            self._resend(campaign_id, sheet, sent_at, RESEND_DELAYS[number // 4 % 2])
        if self._is_past(automated_at := sent_at + AUTOMATION_DELAY):
            self._automate(number, automated_at)
        if number % 12 == 4 and self._is_past(removed_at := sent_at + REMOVAL_DELAY):
            self._ledger.campaigns.remove(campaign_id, removed_at)

    def _change(
        self, change: Callable[[str, datetime], None], contact_id: str, at: datetime
    ) -> None:
        if self._is_past(at) and status(self._ledger.contacts[contact_id]) != "deleted":
            change(contact_id, at)

    def _active(self) -> list[str]:
        return [key for key, row in self._ledger.contacts.items() if status(row) == "active"]

    def _send(self, number: int, campaign_id: str, sent_at: datetime) -> Sheet:
        ledger = self._ledger
        recipients = self._active()
        if number % 6 == 3:
            ledger.campaigns.test_subjects(campaign_id)
        page = page_of(self._seed, number)
        heavy = next(islice(ledger.contacts, HEAVY_READER, None), None)
        lives: dict[Place, list[Happening]] = {}
        for contact_id in recipients:
            draw = self._seed.chance("mail", number, contact_id)
            reactions = [
                (at, kind, extra)
                for kind, at, extra in to_newsletter(draw, sent_at, heavy=contact_id == heavy)
                if self._is_past(at)
            ]
            happenings = lives[ledger.contacts.place(contact_id)] = []
            for at, kind, extra in sorted(reactions, key=itemgetter(0)):
                happenings.append((at - sent_at, kind, page | extra if kind[0] == "p" else extra))
                if kind == "em_optouts":
                    ledger.unsubscribe(contact_id, at, extra.get("opt_out_reason"))
        sheet = Sheet(lives)
        mail = ledger.campaigns.send(campaign_id, sent_at, self._size_of(lives))
        ledger.events.send(Mailing(mail, sent_at, sheet))
        return sheet

    def _size_of(self, lives: Iterable[Place]) -> int:
        return sum(len(self._ledger.contacts.alike(life)) for life in lives)

    def _resend(self, campaign_id: str, sheet: Sheet, sent_at: datetime, delay: timedelta) -> None:
        """Send a newsletter again to those who did not open it."""
        if not self._is_past(resent_at := sent_at + delay):
            return
        quiet = {
            life
            for life, happenings in sheet.lives.items()
            if not {"em_opens", "em_bounces"} & {kind for _, kind, _ in happenings}
        }
        contacts = self._ledger.contacts
        recipients = [key for key in self._active() if contacts.place(key) in quiet]
        count = self._size_of(map(contacts.place, recipients))
        mail = self._ledger.campaigns.resend(campaign_id, resent_at, delay, count)
        self._mail(recipients, mail, resent_at)

    def _automate(self, number: int, at: datetime) -> None:
        """Let an automation write to every tenth active contact."""
        recipients = [key for n, key in enumerate(self._active()) if n % 10 == number % 10]
        self._mail(recipients, mail_of(self._seed, number), at)

    def _mail(self, recipients: list[str], mail: Row, sent_at: datetime) -> None:
        lives: dict[Place, list[Happening]] = {}
        for contact_id in recipients:
            draw = self._seed.chance(mail["campaign_activity_id"], sent_at, contact_id)
            lives[self._ledger.contacts.place(contact_id)] = [
                (at - sent_at, kind, extra)
                for kind, at, extra in to_later_mail(draw, sent_at)
                if self._is_past(at)
            ]
        self._ledger.events.send(Mailing(mail, sent_at, Sheet(lives)))
