"""What an assumption that does not hold costs, and that the remedy that it names brings it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import time_machine

from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.sandbox.account import Account, parse, write
from tap_constantcontact.sandbox.data.contacts import status
from tap_constantcontact.sandbox.endpoints.contacts import STATUSES
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams.contacts import ContactsStream
from tap_constantcontact.tap import TapConstantContact
from tests.assumptions import BREAKS, EVENTS, Break, dropping, each
from tests.catalogs import read_whole
from tests.parameters import DETAILS, SUMMARY, partly_slow
from tests.runs import Run, Runner, config_for, sync
from tests.sandboxes import PRESENT, Slowness

pytestmark = pytest.mark.contacts(20, young=True)

Found = Callable[[Mapping[str, Any]], bool]

HAPPENED = PRESENT + timedelta(hours=1)


@dataclass(frozen=True)
class Loss:
    """What happens between two runs, of which the second one misses it.

    Attributes:
        stream: The stream that misses it.
        happen: Lets it happen at an instant; returns what tells its record.
        remedy: The settings with which the second run finds it.
        harmed: The settings of both runs otherwise.
        broken: How the assumption is broken; None if what happens breaks it.
    """

    stream: str
    happen: Callable[[Account, datetime], Found]
    remedy: Mapping[str, Any] = field(default_factory=dict)
    harmed: Mapping[str, Any] = field(default_factory=dict)
    broken: Break | None = None
    whole: bool = False


def _someone(account: Account) -> str:
    return next(key for key, contact in account.contacts.items() if status(contact) == "active")


def _of(contact_id: str) -> Found:
    return lambda row: row["contact_id"] == contact_id


def _edit(account: Account, at: datetime) -> Found:
    account.edit(key := _someone(account), at)
    return _of(key)


def _unsubscribe(account: Account, at: datetime) -> Found:
    account.unsubscribe(key := _someone(account), at)
    return _of(key)


def _unsubscribe_without_a_date(account: Account, at: datetime) -> Found:
    found = _unsubscribe(account, at)
    for contact in account.contacts.values():
        contact.get("email_address", {}).pop("opt_out_date", None)
    return found


def _delete(account: Account, at: datetime) -> Found:
    account.delete(key := _someone(account), at)
    return lambda row: row["contact_id"] == key and bool(row["deleted_at"])


def _delete_without_an_update(account: Account, at: datetime) -> Found:
    contact = account.contacts[_someone(account)]
    before = contact["updated_at"]
    found = _delete(account, at)
    contact["updated_at"] = before
    return found


def _send(account: Account, at: datetime) -> Found:
    part = account.send_campaign(at)
    campaign_id = account.campaigns.activities[part]["campaign_id"]
    return lambda row: (
        part == row.get("campaign_activity_id") or row.get("campaign_id") == campaign_id
    )


def _send_without_an_update(account: Account, at: datetime) -> Found:
    found = _send(account, at)
    for campaign in account.campaigns.rows.values():
        if parse(campaign["updated_at"]) >= at:
            campaign["updated_at"] = write(at - timedelta(days=30))
    return found


def _event(kind: str) -> Callable[[Account, datetime], Found]:
    """Let a contact do something with an e-mail that has no such event of it yet."""

    def happen(account: Account, at: datetime) -> Found:
        part = account.campaigns.activity([*account.campaigns.rows][-2])
        account.respond(part, _someone(account), kind, at)
        return lambda row: (
            row["tracking_activity_type"] == kind and parse(row["created_time"]) == at
        )

    return happen


def _in_boston(row: dict[str, Any]) -> None:
    row["updated_at"] = write(parse(row["updated_at"]), 2)[: len("2026-01-31T12:00:00")]


def _still(**counts: int) -> Break:
    return each("email_campaign_stats", "results", lambda row: row["stats"].update(counts))


DAILY = {"contacts_refresh_days": 1}
BY_CAMPAIGN = {"report_source": "campaigns"}
BY_CONTACT = {"report_source": "contacts"}

LOSSES: Mapping[str, Loss] = {
    "updated-after-finds-changes": Loss("contacts", _edit, DAILY),
    "optout-after-finds-unsubscribes": Loss("contacts", _unsubscribe, DAILY),
    "unsubscribes-have-a-date": Loss(
        "contacts", _unsubscribe_without_a_date, DAILY, broken=Break(lambda _: ())
    ),
    "deletions-move-updated-at": Loss(
        "contacts", _delete_without_an_update, DAILY, broken=Break(lambda _: ())
    ),
    "all-statuses-bring-deleted-contacts": Loss(
        "contacts", _delete, {"contact_status": sorted(STATUSES)}
    ),
    "dates-tell-their-offset": Loss(
        "contacts", _edit, DAILY, broken=each("contacts", "contacts", _in_boston)
    ),
    "after-date-finds-campaigns": Loss("email_campaigns", _send, whole=True),
    "campaigns-move-when-sent": Loss(
        "email_campaigns", _send_without_an_update, broken=Break(lambda _: ()), whole=True
    ),
    "sent-campaigns-are-done": Loss(DETAILS, _event("em_opens"), BY_CONTACT, BY_CAMPAIGN),
    "counts-equal-rows": Loss(
        "email_opens", _event("em_opens"), {"full_sweep_days": 1}, broken=_still(em_opens_all=5)
    ),
    "unique-counts-equal-people": Loss(
        "email_forwards",
        _event("em_forwards"),
        {"full_sweep_days": 1},
        broken=_still(em_forwards=5),
    ),
    "both-sources-tell-the-same-events": Loss(DETAILS, _event("em_opens"), BY_CAMPAIGN),
    "events-name-contact-and-time": Loss(DETAILS, _event("em_bounces"), BY_CONTACT, BY_CAMPAIGN),
    "summary-counts-equal-details": Loss(
        DETAILS,
        _event("em_opens"),
        BY_CAMPAIGN,
        broken=dropping(
            DETAILS, EVENTS, lambda _, row: row["tracking_activity_type"] == "em_opens"
        ),
    ),
    "summary-takes-a-second-more": Loss(
        SUMMARY, _send, {"lookback_days": 30}, {"lookback_days": 0}
    ),
}
"""A loss for each assumption whose remedy is a setting or the catalog."""


def _runs(loss: Loss, sandbox: Sandbox, folder: Path, state: Any = None, **settings: Any) -> Run:
    config = config_for(sandbox, folder, **{**loss.harmed, **settings})
    return sync(config, state, [loss.stream])


def _read_whole(loss: Loss, sandbox: Sandbox, folder: Path, state: Any) -> Run:
    config = config_for(sandbox, folder)
    catalog = TapConstantContact(config=config).catalog_dict
    read_whole(catalog, loss.stream)
    return sync(config, state, [loss.stream], catalog=catalog)


QUICK = ("updated-after-finds-changes", "sent-campaigns-are-done")


@pytest.mark.parametrize("name", partly_slow(QUICK, [one for one in LOSSES if one not in QUICK]))
def test_the_remedy_brings_what_a_broken_assumption_loses(
    name: str, account: Account, tmp_path: Path
) -> None:
    loss = LOSSES[name]
    middleware = (loss.broken or BREAKS[name]).middleware(account)
    with Sandbox(account, middlewares=[middleware] if middleware else []) as sandbox:
        with time_machine.travel(PRESENT, tick=True):
            first = _runs(loss, sandbox, tmp_path)
        found = loss.happen(account, HAPPENED)
        with time_machine.travel(PRESENT + timedelta(days=2), tick=True):
            harmed = _runs(loss, sandbox, tmp_path, first.state)
            if loss.whole:
                healed = _read_whole(loss, sandbox, tmp_path, first.state)
            else:
                healed = _runs(loss, sandbox, tmp_path, first.state, **loss.remedy)
    assert not any(map(found, harmed.records[loss.stream]))
    assert any(map(found, healed.records[loss.stream]))
    (remedy,) = (each.remedy for each in ASSUMPTIONS if each.name == name)
    for setting in loss.remedy or ("FULL_TABLE",):
        assert setting in remedy


@pytest.mark.slow
@pytest.mark.usefixtures("present")
def test_a_list_that_is_not_read_in_slices_is_whole(
    account: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slowness = Slowness()
    slowness.path, slowness.seconds = "/v3/contacts", 0.05
    middlewares = [
        slowness.middleware,
        BREAKS["created-before-finds-older-contacts"].middleware(account),
    ]
    with (
        Sandbox(account, middlewares=middlewares) as sandbox,
        mock.patch.object(ContactsStream, "page_size", 1),
    ):
        config = config_for(sandbox, tmp_path, requests_per_second=100)
        harmed = sync(config, streams=["contacts"])
        assert "(assumption pages-of-contacts)" in caplog.text
        healed = sync({**config, "max_concurrent_requests": 1}, streams=["contacts"])
    assert len(harmed.records["contacts"]) < len(account.contacts)
    assert len(healed.records["contacts"]) == len(account.contacts)


@pytest.mark.slow
@pytest.mark.usefixtures("present")
def test_a_report_that_is_read_in_one_run_is_whole(account: Account, tmp_path: Path) -> None:
    broken = BREAKS["created-after-finds-newer-contacts"].middleware(account)
    with Sandbox(account, middlewares=[broken]) as sandbox:
        run = Runner(sandbox, tmp_path)
        whole = run(streams=SUMMARY)
        state: dict[str, Any] = {}
        read = set()
        for _ in range(3):
            part = run(state, SUMMARY, budget=8)
            read |= {record["contact_id"] for record in part.records[SUMMARY]}
            state = part.state
    with_events = {
        key
        for key, contact in account.contacts.items()
        if account.summary(key) and status(contact) != "deleted"
    }
    assert read < with_events
    assert isinstance(state["bookmarks"][SUMMARY]["sweep"], str)  # it is finished
    assert {record["contact_id"] for record in whole.records[SUMMARY]} == with_events
