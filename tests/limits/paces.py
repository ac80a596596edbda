"""A pace of a key that no other run uses."""

from __future__ import annotations

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client
from tap_constantcontact.limits.pace import Pace
from tap_constantcontact.limits.permits import Permits
from tap_constantcontact.limits.quota import Quota
from tap_constantcontact.limits.stores.store import MemoryStore, Store
from tap_constantcontact.limits.turns import Turns


def permits_of(
    rate: float,
    daily_limit: int = 10**9,
    clock: Clock = SYSTEM,
    store: Store | None = None,
) -> Permits:
    limits, client = KeyLimits(rate, daily_limit), Client("run", "account")
    return Permits(store or MemoryStore(clock), limits, lambda: client, clock=clock)


def pace_of(
    rate: float, turns: Turns | None = None, clock: Clock = SYSTEM, store: Store | None = None
) -> Pace:
    permits, turns = permits_of(rate, clock=clock, store=store), turns or Turns()
    quota = Quota(permits, None, "stop", turns, clock)
    return Pace(permits, quota, turns, clock)
