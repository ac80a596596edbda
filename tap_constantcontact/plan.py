"""What a stream would ask for, told before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stream would ask for.

    Attributes:
        rows: Rows of a collection, or parents of a report; None where nothing tells.
        requests: Pages of a collection, and one for each parent, which may have more.
    """

    rows: int | None
    requests: int | None

    def __add__(self, other: Plan) -> Plan:
        return Plan(added(self.rows, other.rows), added(self.requests, other.requests))


def pages(rows: int, a_page: int, *, shrinks: bool) -> int:
    """Return the requests that a collection costs; one that rows may leave is read twice."""
    once = max(1, math.ceil(rows / a_page))
    return 2 * once if shrinks and once > 1 else once


def added(*numbers: int | None) -> int | None:
    """Add up, to None where one of the numbers is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def in_all(plans: Iterable[Plan]) -> Plan:
    """Return what some plans come to."""
    return sum(plans, start=Plan(0, 0))
