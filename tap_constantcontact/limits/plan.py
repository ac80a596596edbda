"""The planned requests of a stream, for the estimate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The number of rows that a stream would read, and of requests that it would send.

    Attributes:
        rows: Number of rows of a collection, or of parents of a report; None if unknown.
        requests: Number of requests: the pages of a collection, or at least one per parent; None if
            unknown.

    Example:
        >>> Plan(rows=1200, requests=3) + Plan(rows=0, requests=1)
        Plan(rows=1200, requests=4)
        >>> Plan(rows=1200, requests=3) + Plan(rows=None, requests=None)
        Plan(rows=None, requests=None)
    """

    rows: int | None
    requests: int | None

    def __add__(self, other: Plan) -> Plan:
        return Plan(added(self.rows, other.rows), added(self.requests, other.requests))


def pages(rows: int, a_page: int, *, shrinks: bool) -> int:
    """Return the number of requests of a collection; one that rows may leave is read twice."""
    once = max(1, math.ceil(rows / a_page))
    return 2 * once if shrinks and once > 1 else once


def added(*numbers: int | None) -> int | None:
    """Return the sum of the numbers, or None if any of them is None."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def in_all(plans: Iterable[Plan]) -> Plan:
    """Return the sum of some plans."""
    return sum(plans, start=Plan(0, 0))
