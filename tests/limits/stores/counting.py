"""Counting requests in a store, for tests and for the processes that they start."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client, Ledger

LIMITS = KeyLimits(4, 10**6)
CLIENT = Client("run", "")


def config_of(where: str, key: str = "key") -> dict[str, Any]:
    return {
        "sandbox": False,
        "api_url": "http://localhost",
        "client_id": key,
        "limits_store": where,
    }


def count(ledger: Ledger, now: float) -> int:
    ledger.count(1, CLIENT, LIMITS, now)
    return counted(ledger, now)


def counted(ledger: Ledger, now: float) -> int:
    return LIMITS.daily_limit - ledger.left_today(CLIENT, LIMITS, now)
