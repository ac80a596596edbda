"""What the two sources of the contact reports cost, and the event streams on a quiet day.

Run by hand, with the extra `test` installed:

    python -m tests.benchmarks.sources reports   # 20,000 contacts, 40 campaigns sent to half each
    python -m tests.benchmarks.sources day       # one more day of it, with 400 new events
    python -m tests.benchmarks.sources quiet     # all event streams on a day without events
    python -m tests.benchmarks.sources states    # the state with every stream selected
"""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, status
from tap_constantcontact.sandbox.data.ledger import SENT
from tap_constantcontact.sandbox.data.mailings import Happening, Sheet
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.email_events import EmailEvents
from tests.benchmarks.sweep import REPORTS, Tap, Traffic, served, show

CHANCES = (("em_opens", 0.3), ("em_opens", 0.1), ("em_clicks", 0.03), ("em_bounces", 0.01))
"""The chance that a contact does something with an e-mail."""

EVENTS = tuple(stream.name for stream in STREAMS if issubclass(stream, EmailEvents))
PACE = 4
SHEETS = 10
"""In how many ways the e-mails are received."""


def written_to(contacts: int, campaigns: int, share: float) -> tuple[Account, list[str]]:
    """Return an account, and the e-mails that it sent to a share of its contacts, a week apart.

    Those who live alike get the same e-mails, and every tenth e-mail is received alike.
    """
    account = Account(size=contacts, now=FIRST_NEWSLETTER - timedelta(days=1))
    chance = random.Random(7)
    lives = account.contacts.lives(lambda contact: status(contact) == "active")
    size = int(len(lives) * share)
    sheets = [
        Sheet({life: [*_happenings(chance)] for life in chance.sample(lives, size)})
        for _ in range(SHEETS)
    ]
    mails = []
    for number in range(campaigns):
        at = FIRST_NEWSLETTER + timedelta(days=7 * number)
        mails.append(account.send_campaign(at, sheets[number % SHEETS]))
    return account, mails


def written_to_few(contacts: int, campaigns: int, each: int) -> Account:
    """Return an account that sent e-mails, a week apart, to so many of its contacts each."""
    account = Account(size=contacts, now=FIRST_NEWSLETTER - timedelta(days=1))
    chance = random.Random(7)
    lives = account.contacts.lives(lambda contact: status(contact) == "active")
    for number in range(campaigns):
        at = FIRST_NEWSLETTER + timedelta(days=7 * number)
        places = (chance.choice(account.contacts.alike(chance.choice(lives))) for _ in range(each))
        recipients = [*map(account.contacts.key, places)]
        mail = account.send_campaign(at, recipients)
        for contact_id in recipients:
            for after, kind, _ in [*_happenings(chance)][1:]:
                account.respond(mail, contact_id, kind, at + after)
    return account


def _happenings(chance: random.Random) -> Iterator[Happening]:
    """Yield what a contact does with an e-mail that it gets."""
    yield SENT
    for kind, likely in CHANCES:
        if chance.random() < likely:
            yield timedelta(minutes=chance.uniform(5, 5000)), kind, {}


def another_day(account: Account, mails: list[str], events: int, at: datetime) -> None:
    """Let recipients open some e-mails or click in them, each of them once."""
    chance = random.Random(8)
    people = (sorted(account.index.people(mail, "em_sends")) for mail in mails)
    recipients = [iter(chance.sample(some, min(len(some), events))) for some in people]
    done: set[str] = set()
    for number in range(events):
        mail = mails[number % len(mails)]
        reader = next(one for one in recipients[number % len(mails)] if one not in done)
        done.add(reader)
        kind = "em_clicks" if number % 10 == 0 else "em_opens"
        account.respond(mail, reader, kind, at + timedelta(seconds=number))


def rows(out: Path, activities: set[str]) -> dict[tuple[str, str], Any]:
    """Return the records of the e-mails by stream and key."""
    found = {}
    with out.open() as lines:
        for line in lines:
            message = json.loads(line)
            if message["type"] == "RECORD":
                record = message["record"]
                key = record.get("activity_id") or record["contact_id"]
                if record["campaign_activity_id"] in activities:
                    found[message["stream"], f"{key} {record['campaign_activity_id']}"] = record
    return found


def duration(requests: int) -> str:
    return f"{math.ceil(requests / PACE / 60):,} min"


@click.group()
def main() -> None:
    """What the two sources of the contact reports cost."""


@main.command()
@click.option("--contacts", default=20_000)
@click.option("--campaigns", default=40)
def reports(contacts: int, campaigns: int) -> None:
    """Requests of a first full read from each source, and whether the rows are equal."""
    account, mails = written_to(contacts, campaigns, 0.5)
    traffic = Traffic()
    with served(account, traffic) as sandbox, tempfile.TemporaryDirectory() as folder:
        made, found = {}, {}
        for source in ("contacts", "campaigns"):
            (Path(folder) / source).mkdir()
            tap = Tap(
                sandbox,
                Path(folder) / source,
                REPORTS,
                report_source=source,
                full_sweep_days=0,
            )
            traffic.paths.clear()
            tap.run()
            made[source] = len(traffic.paths)
            found[source] = rows(tap.out, {*mails})
            show(f"first full read from {source}: requests", made[source], "")
            show(f"first full read from {source}: time", duration(made[source]), "")
            show(f"first full read from {source}: peak memory, MB", f"{tap.peak:.0f}", "")
        share = made["campaigns"] / made["contacts"]
        show("requests, campaigns / contacts", f"{share:.3f}", "<= 0.1")
        show("rows from campaigns", f"{len(found['campaigns']):,}", "")
        show("rows equal", found["campaigns"] == found["contacts"], "True")


@main.command()
@click.option("--contacts", default=20_000)
@click.option("--campaigns", default=40)
@click.option("--share", default=0.5, help="Share of the contacts to whom each is sent.")
@click.option("--events", default=400, help="New events, in ten of the campaigns.")
def day(contacts: int, campaigns: int, share: float, events: int) -> None:
    """Requests of one more day from campaigns, after a first full read."""
    account, mails = written_to(contacts, campaigns, share)
    traffic = Traffic()
    settings = {"report_source": "campaigns", "full_sweep_days": 0}
    with served(account, traffic) as sandbox, tempfile.TemporaryDirectory() as folder:
        tap = Tap(sandbox, Path(folder), REPORTS, **settings)
        tap.run()
        state = tap.last_state()
        another_day(account, mails[-10:], events, datetime.now().astimezone())
        for streams, most in ((REPORTS[1:], 30), (REPORTS[:1], 300), (REPORTS, 300)):
            tap = Tap(sandbox, Path(folder), streams, **settings)
            traffic.paths.clear()
            tap.run(state)
            paged = sum(path.startswith("contacts") for path in traffic.paths)
            show(
                f"one more day of {' and '.join(streams)}: requests",
                len(traffic.paths) - paged,
                f"<= {most if contacts <= 20_000 else 450}",
            )
            show("pages of contacts beside them", paged, "")


@main.command()
@click.option("--campaigns", default=200)
def quiet(campaigns: int) -> None:
    """Requests of all event streams on a day without events."""
    account, _ = written_to(200, campaigns, 0.5)
    traffic = Traffic()
    with served(account, traffic) as sandbox, tempfile.TemporaryDirectory() as folder:
        tap = Tap(sandbox, Path(folder), EVENTS)
        tap.run()
        show("first full read of all event streams: requests", len(traffic.paths), "")
        traffic.paths.clear()
        tap.run(tap.last_state())
        show("a quiet day of all event streams: requests", len(traffic.paths), "<= 10")


@main.command()
@click.option("--contacts", default=100_000)
@click.option("--campaigns", default=10_000)
@click.option("--budget", default=30_000, help="Requests that the run may take.")
def states(contacts: int, campaigns: int, budget: int) -> None:
    """The largest STATE line and all STATE lines of a run with every stream selected.

    The run begins with the state of a run that has finished all streams of a small account, so that
    each stream has its bookmark from the start.
    """
    names = tuple(stream.name for stream in STREAMS)
    settings = {"report_source": "campaigns"}
    state: dict[str, Any] = {}
    for account, limit in (
        (Account(size=20), 1_000_000),
        (written_to_few(contacts, campaigns, 2), budget),
    ):
        with served(account, Traffic()) as sandbox, tempfile.TemporaryDirectory() as folder:
            sandbox.api.partner = True
            tap = Tap(sandbox, Path(folder), names, request_budget=limit, **settings)
            tap.run(state)
            state = {**tap.last_state(), "account": "0123456789abcdef"}
            lines = [*sizes(tap)]
    show("largest STATE line, bytes", f"{max(lines):,}", "<= 8192")
    show("STATE lines", f"{len(lines):,}", "")
    show("all STATE lines together, bytes", f"{sum(lines):,}", "")


def sizes(tap: Tap) -> Iterator[int]:
    for line in tap.states():
        yield len(line)


if __name__ == "__main__":
    main()
