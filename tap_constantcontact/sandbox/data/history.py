"""How an account grows up to its present.

Every fourth Tuesday a newsletter goes out, is opened and clicked, some contacts join, some are
edited, unsubscribed or deleted; some newsletters are sent again to those who did not open them, and
automations write to some contacts. The same seed and a later present give the same account with
more history.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter

from tap_constantcontact.sandbox.data.automations import mail_of
from tap_constantcontact.sandbox.data.basics import FIRST_NEWSLETTER, OPENED, Row, Seed
from tap_constantcontact.sandbox.data.contacts import HEAVY_READER, status
from tap_constantcontact.sandbox.data.landing_pages import page_of
from tap_constantcontact.sandbox.data.ledger import Ledger
from tap_constantcontact.sandbox.data.reactions import to_later_mail, to_newsletter

INTERVAL = timedelta(days=28)
RESEND_DELAYS = (timedelta(days=7), timedelta(minutes=10_000))
AUTOMATION_DELAY = timedelta(days=14)
REMOVAL_DELAY = timedelta(days=40)


class History:
    """An account's life.

    Args:
        ledger: The account's data, to begin with without contacts.
        size: How many contacts it has before its first newsletter.
    """

    def __init__(self, ledger: Ledger, size: int) -> None:
        self._ledger = ledger
        self._size = size
        self._seed = Seed(ledger.seed)

    def grow(self) -> None:
        """Let everything happen that happened up to the ledger's present."""
        for number in range(self._size):
            joined = FIRST_NEWSLETTER - timedelta(hours=30 * (self._size - number) + 1)
            self._ledger.join(number, joined)
        self._ledger.join_by_sms(FIRST_NEWSLETTER - timedelta(hours=30 * self._size + 1))
        self._leave_drafts()
        number = 0
        sent_at = FIRST_NEWSLETTER
        while sent_at < self._ledger.now:
            self._month(number, sent_at)
            number += 1
            sent_at += INTERVAL
        self._schedule(number, sent_at)

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
        first = [*islice(self._ledger.contacts, self._size)]
        self._send(number, campaign_id, sent_at)
        for contact_id in rng.sample(first, min(3, self._size)):
            at = sent_at + timedelta(days=1, minutes=number)
            self._change(self._ledger.edit, contact_id, at)
        if number % 3 == 0 and self._size > HEAVY_READER + 1:
            victim = first[rng.randrange(HEAVY_READER + 1, self._size)]
            self._change(self._ledger.delete, victim, sent_at + timedelta(days=5))
        if number % 4 == 1:
            self._resend(campaign_id, sent_at, RESEND_DELAYS[number // 4 % 2])
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

    def _send(self, number: int, campaign_id: str, sent_at: datetime) -> None:
        ledger = self._ledger
        recipients = self._active()
        if number % 6 == 3:
            ledger.campaigns.test_subjects(campaign_id)
        mail = ledger.campaigns.send(campaign_id, sent_at, len(recipients))
        page = page_of(self._seed, number)
        heavy = next(islice(ledger.contacts, HEAVY_READER, None), None)
        for contact_id in recipients:
            draw = self._seed.chance("mail", number, contact_id)
            reactions = [
                (at, kind, extra)
                for kind, at, extra in to_newsletter(draw, sent_at, heavy=contact_id == heavy)
                if self._is_past(at)
            ]
            for at, kind, extra in sorted(reactions, key=itemgetter(0)):
                source = page if kind.startswith("p_") else mail
                ledger.add_event(contact_id, kind, at, **source, **extra)
                if kind == "em_optouts":
                    ledger.unsubscribe(contact_id, at, extra.get("opt_out_reason"))

    def _resend(self, campaign_id: str, sent_at: datetime, delay: timedelta) -> None:
        """Send a newsletter again to those who did not open it."""
        if not self._is_past(resent_at := sent_at + delay):
            return
        campaigns, index = self._ledger.campaigns, self._ledger.index
        primary = campaigns.activity(campaign_id)
        away = index.people(primary, "em_opens") | index.people(primary, "em_bounces")
        sent = index.people(primary, "em_sends")
        recipients = [key for key in self._active() if key in sent and key not in away]
        mail = campaigns.resend(campaign_id, resent_at, delay, len(recipients))
        self._mail(recipients, mail, resent_at)

    def _automate(self, number: int, at: datetime) -> None:
        """Let an automation write to every tenth active contact."""
        recipients = [key for n, key in enumerate(self._active()) if n % 10 == number % 10]
        self._mail(recipients, mail_of(self._seed, number), at)

    def _mail(self, recipients: list[str], mail: Row, sent_at: datetime) -> None:
        for contact_id in recipients:
            draw = self._seed.chance(mail["campaign_activity_id"], sent_at, contact_id)
            for kind, at, extra in to_later_mail(draw, sent_at):
                if self._is_past(at):
                    self._ledger.add_event(contact_id, kind, at, **mail, **extra)
