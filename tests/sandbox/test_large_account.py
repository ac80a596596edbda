"""An account of more contacts than have lives of their own: the rest are made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import pytest
import requests

from tap_constantcontact.sandbox.account import FIRST_NEWSLETTER, Account, parse, status
from tap_constantcontact.sandbox.data.ledger import SENT
from tap_constantcontact.sandbox.data.mailings import Sheet
from tap_constantcontact.sandbox.data.population import LIVES
from tap_constantcontact.sandbox.server import Sandbox
from tests.sandbox.conftest import Client
from tests.sandboxes import YOUTH, account_of

Row = dict[str, Any]
SIZE = 2 * LIVES + 50
PARTS = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes"
MIDDLE = datetime(2023, 6, 1, 0, 30, tzinfo=timezone.utc)
LATE = FIRST_NEWSLETTER
REPORTS = {"sends": "em_sends", "opens": "em_opens", "clicks": "em_clicks", "bounces": "em_bounces"}

pytestmark = pytest.mark.contacts(SIZE, young=True)


@pytest.fixture(scope="module")
def large(session: requests.Session) -> Iterator[Client]:
    """A client of a large account that no test changes."""
    with Sandbox(account_of(SIZE, young=True)) as running:
        yield Client(running, session)


@pytest.fixture(scope="module")
def everybody(large: Client) -> list[Row]:
    """All contacts, as the API shows them."""
    return large.rows("/contacts", "contacts", status="all", limit=500, include=PARTS)


def copy_in(account: Account, suits: Callable[[Row], bool] = lambda _: True) -> str:
    """The key of a contact that lives like another one."""
    keys = islice(account.contacts, LIVES, None)
    places = ((key, account.contacts.place(key)) for key in keys)
    return next(
        key
        for key, place in places
        if isinstance(place, int) and place >= LIVES and suits(account.contacts.look(key) or {})
    )


def newsletter(account: Account) -> str:
    """The newest e-mail that was sent."""
    return [key for key, sent in account.campaigns.send_history.items() if sent][-1]


def test_every_contact_is_listed_once_and_the_newest_first(
    large: Client, everybody: list[Row]
) -> None:
    account = large.sandbox.account
    assert len(everybody) == len(account.contacts) > SIZE
    assert {row["contact_id"] for row in everybody} == {*account.contacts}
    made = [parse(row["created_at"]) for row in everybody]
    assert made == sorted(made, reverse=True)
    mails = [row["email_address"]["address"] for row in everybody if "email_address" in row]
    assert len(mails) == len({*mails})
    for parts, name in (
        ("phone_numbers", "phone_number_id"),
        ("street_addresses", "street_address_id"),
        ("notes", "note_id"),
    ):
        keys = [part[name] for row in everybody for part in row.get(parts, ())]
        assert len(keys) == len({*keys}) > LIVES / 10


@pytest.mark.parametrize(
    ("name", "value", "suits"),
    [
        ("status", "active", lambda row: status(row) == "active"),
        ("status", "deleted", lambda row: status(row) == "deleted"),
        ("created_after", MIDDLE, lambda row: parse(row["created_at"]) > MIDDLE),
        ("created_before", MIDDLE, lambda row: parse(row["created_at"]) < MIDDLE),
        ("updated_after", LATE, lambda row: parse(row["updated_at"]) > LATE),
        ("updated_before", MIDDLE, lambda row: parse(row["updated_at"]) < MIDDLE),
        ("optout_after", LATE, lambda row: "opt_out_date" in row.get("email_address", {})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_query_finds_the_contacts_that_suit_it(
    large: Client, everybody: list[Row], name: str, value: Any, suits: Callable[[Row], bool]
) -> None:
    rows = large.rows("/contacts", "contacts", **({"status": "all", "limit": 500} | {name: value}))
    wanted = [row["contact_id"] for row in everybody if suits(row)]
    assert 0 < len(wanted) < len(everybody)
    assert [row["contact_id"] for row in rows] == wanted


def test_lists_tags_and_addresses_find_their_contacts(large: Client, everybody: list[Row]) -> None:
    for name, of in (("lists", "list_memberships"), ("tags", "taggings")):
        value = next(row[of][0] for row in everybody if row.get(of))
        rows = large.rows("/contacts", "contacts", **{"created_after": MIDDLE, name: value})
        wanted = [
            row["contact_id"]
            for row in everybody
            if value in row.get(of, ())
            and status(row) != "deleted"
            and parse(row["created_at"]) > MIDDLE
        ]
        assert [row["contact_id"] for row in rows] == wanted
    for row in (everybody[40], everybody[-40]):
        found = large.body("/contacts", status="all", email=row["email_address"]["address"])
        assert [one["contact_id"] for one in found["contacts"]] == [row["contact_id"]]


def test_counts_count_every_contact(large: Client, everybody: list[Row]) -> None:
    there = [row for row in everybody if status(row) != "deleted"]
    assert large.body("/contacts/counts")["total"] == len(there)
    lists = large.rows("/contact_lists", "lists", include_membership_count="active")
    for row in lists:
        members = [one for one in there if row["list_id"] in one["list_memberships"]]
        assert row["membership_count"] == sum(status(one) == "active" for one in members)
    for row in large.rows("/contact_tags", "tags", include_count="true"):
        assert row["contacts_count"] == sum(row["tag_id"] in one["taggings"] for one in everybody)


def test_the_reports_of_an_email_tell_the_same_as_those_of_the_contacts(large: Client) -> None:
    account = large.sandbox.account
    mail = newsletter(account)
    everything = [row for key in account.contacts for row in account.details(key)]
    for name, kind in REPORTS.items():
        path = f"/reports/email_reports/{mail}/tracking/{name}"
        rows = large.rows(path, "tracking_activities", limit=500)
        seen = sorted((row["contact_id"], row["created_time"]) for row in rows)
        assert seen == sorted(
            (row["contact_id"], row["created_time"])
            for row in everything
            if (row["campaign_activity_id"], row["tracking_activity_type"]) == (mail, kind)
        )
        made = [parse(row["created_time"]) for row in rows]
        assert made == sorted(made, reverse=True)


def test_the_figures_of_campaigns_are_those_of_their_events(large: Client) -> None:
    account = large.sandbox.account
    for row in large.rows(
        "/reports/summary_reports/email_campaign_summaries", "bulk_email_campaign_summaries"
    ):
        activities = account.campaigns.reported(row["campaign_id"])
        for name, kind in REPORTS.items():
            people = [account.index.people(key, kind) for key in activities]
            assert row["unique_counts"][name] == len(frozenset().union(*people)) > 0
        sent = account.campaigns.send_history[activities[0]][0]["count"]
        assert sent == row["unique_counts"]["sends"]


def test_a_contact_that_a_test_changes_is_shown_as_it_is_then(living: Client) -> None:
    account = living.sandbox.account
    count = len(account.contacts)
    edited = copy_in(account)
    account.contacts[edited]["first_name"] = "Zoe"
    account.edit(edited, YOUTH)
    assert len(account.contacts) == count
    rows = living.rows("/contacts", "contacts", status="all", limit=500)
    assert len(rows) == count
    assert {row["contact_id"] for row in rows if row.get("first_name") == "Zoe"} == {edited}
    (found,) = living.rows(
        "/contacts", "contacts", status="all", updated_after=(YOUTH - timedelta(days=1)).isoformat()
    )
    assert found["contact_id"] == edited

    del account.events[edited], account.contacts[edited]
    rows = living.rows("/contacts", "contacts", status="all", limit=500)
    assert len(rows) == count - 1
    assert edited not in {row["contact_id"] for row in rows}
    assert edited not in account.contacts
    assert edited not in account.index.people(newsletter(account), "em_sends")


def test_an_event_is_added_to_one_contact_and_to_none_that_lives_alike(living: Client) -> None:
    account, mail = living.sandbox.account, newsletter(living.sandbox.account)
    tracking = f"/reports/email_reports/{mail}/tracking"
    quiet = {
        row["contact_id"]
        for row in living.rows(f"{tracking}/didnotopens", "tracking_activities", limit=500)
    }
    reader = copy_in(account, lambda row: row["contact_id"] in quiet)
    path = f"/reports/stats/email_campaign_activities/{mail}"
    before = living.body(path)["results"][0]["stats"]["em_opens"]
    assert before == len(account.index.people(mail, "em_opens"))
    for minute in range(2):
        account.respond(mail, reader, "em_opens", YOUTH + timedelta(minutes=minute))
    opens = living.rows(f"{tracking}/unique_opens", "tracking_activities", limit=500)
    assert [row["contact_id"] for row in opens].count(reader) == 1
    assert len(opens) == before + 1
    away = living.rows(f"{tracking}/didnotopens", "tracking_activities", limit=500)
    assert {row["contact_id"] for row in away} == quiet - {reader}
    assert living.body(path)["results"][0]["stats"]["em_opens"] == before + 1

    account.events[next(iter(account.contacts))]  # to look a list up changes nothing
    assert living.body(path)["results"][0]["stats"]["em_opens"] == before + 1


def test_a_list_of_events_that_was_looked_up_counts_instead_of_the_mailings(
    living: Client,
) -> None:
    account, mail = living.sandbox.account, newsletter(living.sandbox.account)
    sent = account.index.people(mail, "em_sends")
    key = copy_in(account, lambda row: row["contact_id"] in sent)
    account.events[key].clear()
    assert account.details(key) == []
    rows = living.rows(
        f"/reports/email_reports/{mail}/tracking/sends", "tracking_activities", limit=500
    )
    assert {row["contact_id"] for row in rows} == sent - {key}


def test_an_email_to_a_million_contacts_is_served_page_by_page() -> None:
    account = Account(size=1_000_000, now=FIRST_NEWSLETTER)
    mail = account.send_campaign(FIRST_NEWSLETTER, Sheet({life: [SENT] for life in range(LIVES)}))
    with Sandbox(account) as running, requests.Session() as session:
        client = Client(running, session)
        path = f"/reports/email_reports/{mail}/tracking/sends"
        pages = islice(client.pages(path, "tracking_activities", limit=500), 3)
        keys = {row["contact_id"] for page in pages for row in page}
        history = client.body(f"/emails/activities/{mail}/send_history")
    assert len(keys) == 1500
    assert keys <= account.contacts.keys()
    assert history[0]["count"] == len(account.index.rows(mail, "em_sends")) == 1_000_000
