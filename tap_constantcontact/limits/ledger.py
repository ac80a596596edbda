"""The ledger of a key: the requests that its runs sent lately and today, and the runs that wait.

A ledger is a value: it knows neither where it is stored nor what time it is. All instants are
seconds since the epoch, by the clock of the store.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tap_constantcontact.clock import SECONDS_A_DAY
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.tuning import (
    FINEST,
    LATE,
    MIDNIGHT,
    PERIOD_MARGIN,
    QUEUE_POLL,
    THROTTLE_MEMORY,
    WIDER,
    WIDEST,
)


class CountedRequests(msgspec.Struct, array_like=True):
    """One request or several that count against the limit of requests a second.

    Attributes:
        until: When they stop counting, if they left at once and were not delayed on their way.
        allowance: Maximum assumed delay on their way, in seconds; they count for so much longer.
        requests: Number of requests.
        late: Maximum number of seconds by which one of them left later than it was permitted.
    """

    until: float
    allowance: float
    requests: int = 1
    late: float = 0.0

    @property
    def end(self) -> float:
        """When they stop counting, if they were not delayed on their way."""
        return self.until + self.late


class Client(NamedTuple):
    """A run that asks for permits.

    `lag` is by how many seconds the API's clock is behind the store's.
    """

    run: str
    account: str
    lag: float = 0.0


class Permit(NamedTuple):
    """A permit to send one request at once.

    `left_today` more may follow today; ask for the next one after `next_in` seconds.
    `leaves_room` is true if more than half of the period's requests, and more than 50, were free.
    """

    number: int
    left_today: int
    next_in: float = 0.0
    leaves_room: bool = False


class Correction(NamedTuple):
    """What became known of a request: that it left `late` seconds later than was counted.

    `allowance` is the maximum assumed delay on its way to the server, in seconds.
    """

    number: int
    late: float
    allowance: float


class Queued(NamedTuple):
    """A place in the queue, to ask again after `wait` seconds."""

    wait: float


class DayUsedUp(NamedTuple):
    """The day's requests are used up, for the next `opens_in` seconds."""

    opens_in: float


class Ledger(msgspec.Struct, omit_defaults=True):
    """What a key's runs have sent, and which of them wait.

    Its size is bounded by the requests of a second, the runs that wait, and the accounts with a
    share of the day.

    Attributes:
        departures: The requests that count against the limit of requests a second, by number.
        last: The highest number given so far.
        spaced_until: When the next request may be sent at the earliest.
        throttled: When the server throttled lately.
        queue: The runs that wait, first come, first served, and when each will ask again.
        spent: Requests by day since the epoch, then by account; the empty name for all together.
        closed: The last day whose quota the API said is used up.
    """

    departures: dict[int, CountedRequests] = {}
    last: int = 0
    spaced_until: float = 0.0
    throttled: list[float] = []
    queue: dict[str, float] = {}
    spent: dict[int, dict[str, int]] = {}
    closed: int = -1

    # Permits

    def take(
        self, client: Client, limits: KeyLimits, now: float, allowance: float = 0.0
    ) -> Permit | Queued | DayUsedUp:
        """Grant a permit, or tell when to ask again.

        `allowance` is the maximum assumed delay of a request on its way to the server, in seconds.
        """
        if (left := self.left_today(client, limits, now)) < 1:
            return DayUsedUp(self._opens_in(client, limits, now))
        self._forget(limits, now)
        place = self._place(client.run)
        room = limits.burst - sum(one.requests for one in self.departures.values())
        if not place and room > 0 and self.spaced_until <= now:
            self.queue.pop(client.run, None)
            self.count(1, client, limits, now)
            self._depart(now + limits.period * (1 + self._margin), allowance, limits)
            self.spaced_until = now + limits.spacing
            return Permit(
                self.last,
                left - 1,
                next_in=self._next_in(room - 1, limits, now),
                leaves_room=room > max(FINEST, limits.burst / 2),
            )
        wait = self._wait(place, limits, now)
        self.queue[client.run] = now + wait
        return Queued(wait)

    def _next_in(self, room: int, limits: KeyLimits, now: float) -> float:
        """Return the seconds until another permit.

        It is 0 if other runs wait, so that this run asks at once and gets a place behind them.
        """
        if self.queue:
            return 0.0
        return limits.spacing if room else self._wait(0, limits, now)

    def correct(self, correction: Correction) -> None:
        """Correct what was assumed of a request."""
        if departure := self.departures.get(correction.number):
            departure.late = max(departure.late, correction.late)
            if departure.requests == 1:
                departure.allowance = correction.allowance

    def _depart(self, until: float, allowance: float, limits: KeyLimits) -> None:
        """Note a request; one of many in the last part of the period counts with the others."""
        if limits.burst > FINEST:
            part = limits.period / FINEST
            until, allowance = math.ceil(until / part) * part, min(allowance, part)
            newest = self.departures.get(self.last)
            if newest and newest.until == until:
                newest.allowance = max(newest.allowance, allowance)
                newest.requests += 1
                return
        self.last += 1
        self.departures[self.last] = CountedRequests(until, allowance)

    def throttle(self, limits: KeyLimits, now: float) -> None:
        """Widen the margin, as the server received requests less evenly than they were sent."""
        if not self.throttled or self.throttled[-1] + limits.period <= now:
            self.throttled.append(now)

    @property
    def _margin(self) -> float:
        return min(PERIOD_MARGIN + WIDER * len(self.throttled), WIDEST)

    def _place(self, run: str) -> int:
        """Return the number of runs that are ahead of a run in the queue."""
        return [*self.queue].index(run) if run in self.queue else len(self.queue)

    def _wait(self, place: int, limits: KeyLimits, now: float) -> float:
        """Return the seconds after which a run at a place in the queue may get a permit."""
        counting_until = [one.end for one in self.departures.values() for _ in range(one.requests)]
        heapq.heapify(counting_until)
        free, spaced_until = now, self.spaced_until
        for _ in range(place + 1):
            free = max(free, spaced_until)
            while len(counting_until) >= limits.burst:
                free = max(free, heapq.heappop(counting_until))
            heapq.heappush(counting_until, free + limits.period * (1 + self._margin))
            spaced_until = free + limits.spacing
        if free > now:
            return free - now
        ends = (one.end + one.allowance - now for one in self.departures.values())
        return min([QUEUE_POLL, *ends])

    def _forget(self, limits: KeyLimits, now: float) -> None:
        """Drop what no longer counts, and what is from a time to come, as clocks can be set."""
        latest = now + limits.period * (1 + WIDEST) + THROTTLE_MEMORY
        self.departures = {
            number: one
            for number, one in self.departures.items()
            if now < one.end + one.allowance and one.end < latest
        }
        self.spaced_until = min(self.spaced_until, now + limits.period)
        self.throttled = [at for at in self.throttled if now - THROTTLE_MEMORY < at <= now]
        self.queue = {run: due for run, due in self.queue.items() if now - LATE <= due < latest}

    # The day

    def left_today(self, client: Client, limits: KeyLimits, now: float) -> int:
        """Return the number of requests that an account may still send today."""
        return max(0, min(self._left(day, client, limits) for day in _days(now, client.lag)))

    def count(self, requests: int, client: Client, limits: KeyLimits, now: float) -> None:
        """Count requests of today."""
        today = _days(now, client.lag)
        self.spent = {day: of for day, of in self.spent.items() if day >= min(today)}
        for day in today:
            of = self.spent.setdefault(day, {})
            of[""] = of.get("", 0) + requests
            if limits.daily_share is not None:
                of[client.account] = of.get(client.account, 0) + requests

    def close_day(self, client: Client, limits: KeyLimits, now: float, age: float = 0.0) -> float:
        """Note that the API said that the quota of the day of a request is used up.

        The request was sent `age` seconds ago. Returns the seconds until requests may be sent
        again; not positive if they may.
        """
        day = min(_days(now - age, client.lag))
        if not day <= self.closed <= max(_days(now, client.lag)):  # the clock may have been ahead
            self.closed = day
        return self._opens_in(client, limits, now)

    def _left(self, day: int, client: Client, limits: KeyLimits) -> int:
        if day == self.closed:
            return 0
        spent = self.spent.get(day, {})
        of_all, of_account = spent.get("", 0), spent.get(client.account, 0)
        return min(limits.daily_limit - of_all, limits.a_day - of_account)

    def _opens_in(self, client: Client, limits: KeyLimits, now: float) -> float:
        last = max(
            (day for day in _days(now, client.lag) if self._left(day, client, limits) < 1),
            default=min(_days(now, client.lag)) - 1,
        )
        return (last + 1) * SECONDS_A_DAY + MIDNIGHT + client.lag - now


def _days(now: float, lag: float) -> Iterable[int]:
    """Return the days that a request may count for by the API's clock: around midnight, two."""
    instants = (now - lag - MIDNIGHT, now + MIDNIGHT)
    return {int(instant // SECONDS_A_DAY) for instant in instants}
