"""The ledger of a key: the requests that its runs sent lately and today, and the runs that wait.

A ledger is a value: it knows neither where it is stored nor what time it is. All instants are
seconds since the epoch, by the clock of the store.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tap_constantcontact.limits.terms import Terms

SECONDS_A_DAY = 86_400

MIDNIGHT = 3.0
"""Seconds around 00:00 UTC in which a request counts for both days, as clocks differ."""

MARGIN = 0.003
"""Fraction by which the limit's period is lengthened, as a safety margin."""

WIDER = 0.005
"""Increase of the margin for each period of the last minute in which the server throttled."""

WIDEST = 0.035
"""Maximum margin, as a fraction of the period."""

MINUTE = 60.0
"""Seconds after which a throttled response no longer widens the margin."""

POLL = 0.02
"""Seconds after which to ask again for a permit that an answer to another run may set free."""

LATE = 0.1
"""Seconds after which a run that does not ask again as announced loses its place in the queue."""


class Departure(msgspec.Struct, array_like=True):
    """A request that counts against the limit of requests a second.

    Attributes:
        until: When it stops counting, if it was not delayed on its way to the server.
        allowance: Maximum assumed delay on its way, in seconds; it counts for so much longer.
    """

    until: float
    allowance: float


class Asker(NamedTuple):
    """Who asks for a permit.

    Attributes:
        run: Identifies the run.
        account: Identifies the account.
        lag: Seconds by which the API's clock is behind the store's.
    """

    run: str
    account: str
    lag: float = 0.0


class Granted(NamedTuple):
    """A permit to send one request at once.

    Attributes:
        number: Identifies the departure.
        left_today: Number of requests that the account may still send today.
    """

    number: int
    left_today: int


class Queued(NamedTuple):
    """A place in the queue.

    Attributes:
        wait: Seconds after which to ask again.
    """

    wait: float


class Spent(NamedTuple):
    """The day's requests are used up.

    Attributes:
        opens_in: Seconds until requests may be sent again.
    """

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

    departures: dict[int, Departure] = {}
    last: int = 0
    spaced_until: float = 0.0
    throttled: list[float] = []
    queue: dict[str, float] = {}
    spent: dict[int, dict[str, int]] = {}
    closed: int = -1

    # Permits

    def take(
        self, asker: Asker, terms: Terms, now: float, allowance: float = 0.0
    ) -> Granted | Queued | Spent:
        """Grant a permit, or tell when to ask again.

        Args:
            asker: Who asks.
            terms: The limits to keep to.
            now: The time.
            allowance: Maximum assumed delay of a request on its way to the server, in seconds.
        """
        if (left := self.left_today(asker, terms, now)) < 1:
            return Spent(self._opens_in(asker, terms, now))
        self._forget(terms, now)
        place = self._place(asker.run)
        if not place and len(self.departures) < terms.burst and self.spaced_until <= now:
            self.queue.pop(asker.run, None)
            self.count(1, asker, terms, now)
            self.last += 1
            until = now + terms.period * (1 + self._margin)
            self.departures[self.last] = Departure(until, allowance)
            self.spaced_until = now + terms.spacing
            return Granted(self.last, left - 1)
        wait = self._wait(place, terms, now)
        self.queue[asker.run] = now + wait
        return Queued(wait)

    def settle(self, number: int, late: float, allowance: float) -> None:
        """Correct a departure, now that more is known of it.

        Args:
            number: Identifies the departure.
            late: Seconds between the permit and the departure that were not counted yet.
            allowance: Maximum assumed delay on the way to the server, in seconds.
        """
        if departure := self.departures.get(number):
            departure.until += late
            departure.allowance = allowance

    def throttle(self, terms: Terms, now: float) -> None:
        """Widen the margin, as the server received requests less evenly than they were sent."""
        if not self.throttled or self.throttled[-1] + terms.period <= now:
            self.throttled.append(now)

    @property
    def _margin(self) -> float:
        return min(MARGIN + WIDER * len(self.throttled), WIDEST)

    def _place(self, run: str) -> int:
        """Return the number of runs that are ahead of a run in the queue."""
        return [*self.queue].index(run) if run in self.queue else len(self.queue)

    def _wait(self, place: int, terms: Terms, now: float) -> float:
        """Return the seconds after which a run at a place in the queue may get a permit."""
        counting_until = [one.until for one in self.departures.values()]
        heapq.heapify(counting_until)
        free, spaced_until = now, self.spaced_until
        for _ in range(place + 1):
            free = max(free, spaced_until)
            while len(counting_until) >= terms.burst:
                free = max(free, heapq.heappop(counting_until))
            heapq.heappush(counting_until, free + terms.period * (1 + self._margin))
            spaced_until = free + terms.spacing
        if free > now:
            return free - now
        ends = (one.until + one.allowance - now for one in self.departures.values())
        return min([POLL, *ends])

    def _forget(self, terms: Terms, now: float) -> None:
        """Drop what no longer counts, and what is from a time to come, as clocks can be set."""
        latest = now + terms.period * (1 + WIDEST) + MINUTE
        self.departures = {
            number: one
            for number, one in self.departures.items()
            if now < one.until + one.allowance and one.until < latest
        }
        self.spaced_until = min(self.spaced_until, now + terms.period)
        self.throttled = [at for at in self.throttled if now - MINUTE < at <= now]
        self.queue = {run: due for run, due in self.queue.items() if now - LATE <= due < latest}

    # The day

    def left_today(self, asker: Asker, terms: Terms, now: float) -> int:
        """Return the number of requests that an account may still send today."""
        return max(0, min(self._left(day, asker, terms) for day in _days(now, asker.lag)))

    def count(self, requests: int, asker: Asker, terms: Terms, now: float) -> None:
        """Count requests of today."""
        today = _days(now, asker.lag)
        self.spent = {day: of for day, of in self.spent.items() if day >= min(today)}
        for day in today:
            of = self.spent.setdefault(day, {})
            of[""] = of.get("", 0) + requests
            if terms.daily_share is not None:
                of[asker.account] = of.get(asker.account, 0) + requests

    def close_day(self, asker: Asker, terms: Terms, now: float, age: float = 0.0) -> float:
        """Note that the API said that the quota of the day of a request is used up.

        Args:
            asker: Who asked.
            terms: The limits to keep to.
            now: The time.
            age: Seconds since the request was sent.

        Returns:
            The number of seconds until requests may be sent again; not positive if they may.
        """
        day = min(_days(now - age, asker.lag))
        if not day <= self.closed <= max(_days(now, asker.lag)):  # the clock may have been ahead
            self.closed = day
        return self._opens_in(asker, terms, now)

    def _left(self, day: int, asker: Asker, terms: Terms) -> int:
        if day == self.closed:
            return 0
        spent = self.spent.get(day, {})
        of_all, of_account = spent.get("", 0), spent.get(asker.account, 0)
        return min(terms.daily_limit - of_all, terms.a_day - of_account)

    def _opens_in(self, asker: Asker, terms: Terms, now: float) -> float:
        last = max(
            (day for day in _days(now, asker.lag) if self._left(day, asker, terms) < 1),
            default=min(_days(now, asker.lag)) - 1,
        )
        return (last + 1) * SECONDS_A_DAY + MIDNIGHT + asker.lag - now


def _days(now: float, lag: float) -> Iterable[int]:
    """Return the days that a request may count for by the API's clock: around midnight, two."""
    instants = (now - lag - MIDNIGHT, now + MIDNIGHT)
    return {int(instant // SECONDS_A_DAY) for instant in instants}
