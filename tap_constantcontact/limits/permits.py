"""A run's permits to send requests, from the ledger that all runs of its key share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import FatalAPIError, refused
from tap_constantcontact.limits.ledger import Asker, Granted, Ledger, Queued, Spent
from tap_constantcontact.limits.stores.store import MemoryStore, Step, Store, StoreError
from tap_constantcontact.limits.terms import Terms

OUTAGE = 30.0
"""Seconds for which a store may fail during a run before the run ends or goes on alone."""

PAUSE = 0.5
"""Seconds between two attempts to use a store that fails."""

REMEDY = (
    "set limits_store to one that can be used, or set limits_store_required to false to read "
    "without it"
)


class Permits:
    """Permits to send requests at the key's pace and within its day.

    Several threads may call `settle` and `throttled` at once; for the rest, a caller needs a lock.

    Args:
        store: Keeps the ledger of the key.
        terms: The limits to keep to.
        asker: Returns who asks.
        required: Whether a run ends if the store cannot be used; otherwise it goes on alone.
        clock: Tells the time.

    Attributes:
        terms: The limits to keep to.
        left_today: Number of requests that the account may still send today, as last told.
    """

    def __init__(
        self,
        store: Store,
        terms: Terms,
        asker: Callable[[], Asker],
        *,
        required: bool = True,
        clock: Clock = SYSTEM,
    ) -> None:
        self.terms = terms
        self.left_today = terms.a_day
        self._store = store
        self._asker = asker
        self._required = required
        self._clock = clock
        self._failing_since: float | None = None
        self._logger = logging.getLogger(__name__)

    def begin(self) -> None:
        """Use the store for the first time.

        Raises:
            ConfigValidationError: The store cannot be used, and is required.
        """
        try:
            self._look()
        except StoreError as error:
            if self._required:
                raise refused(f"limits_store: {self._unusable(error)}; {REMEDY}") from error
            self._go_alone(error)

    def take(self, allowance: float) -> Granted | Queued | Spent:
        """Take a permit for one request, or tell when to ask again.

        Args:
            allowance: Maximum assumed delay of the request on its way, in seconds.

        Raises:
            FatalAPIError: The store cannot be used, and is required.
        """
        began = self._clock.monotonic()
        asker, terms = self._asker(), self.terms
        try:
            taken = self._store.change(lambda ledger, at: ledger.take(asker, terms, at, allowance))
        except StoreError as error:
            self._bear(error, began)
            return Queued(PAUSE)
        self._failing_since = None
        if isinstance(taken, Granted):
            self.left_today = taken.left_today
        elif isinstance(taken, Spent):
            self.left_today = 0
        return taken

    def settle(self, number: int, late: float, allowance: float) -> None:
        """Correct a departure; without it, the request may count for longer than it needs to."""
        self._note(lambda ledger, _: ledger.settle(number, late, allowance))

    def throttled(self) -> None:
        """Note that the server throttled a request."""
        self._note(lambda ledger, now: ledger.throttle(self.terms, now))

    def _note(self, step: Step[None]) -> None:
        """Run a step that a run can do without, unless the store fails at present."""
        if self._failing_since is None:
            with suppress(StoreError):
                self._store.change(step)

    def close_day(self, age: float) -> float:
        """Note that the API said that the quota of the day of a request is used up.

        Args:
            age: Seconds since the request was sent.

        Returns:
            The number of seconds until requests may be sent again; not positive if they may.
        """
        asker, terms = self._asker(), self.terms
        try:
            return self._store.change(lambda ledger, now: ledger.close_day(asker, terms, now, age))
        except StoreError:
            return Ledger().close_day(asker, terms, self._clock.now(), age)

    def look(self) -> None:
        """Learn how many requests are left today, if the store can be used."""
        if self._failing_since is None:
            with suppress(StoreError):
                self._look()

    def _look(self) -> None:
        asker, terms = self._asker(), self.terms
        self.left_today = self._store.change(
            lambda ledger, now: ledger.left_today(asker, terms, now)
        )

    def _bear(self, error: StoreError, began: float) -> None:
        """Bear with a store that fails, for a while.

        Args:
            error: Why it fails.
            began: When this attempt to use it began, by the monotonic clock.
        """
        if self._failing_since is None:
            self._failing_since = began
            self._logger.warning("%s; trying again for %d seconds", self._unusable(error), OUTAGE)
        elif self._clock.monotonic() >= self._failing_since + OUTAGE:
            if self._required:
                raise FatalAPIError(
                    f"{self._unusable(error)}. Run again with the last state: nothing is lost. "
                    f"Otherwise, {REMEDY}."
                ) from error
            self._go_alone(error)

    def _go_alone(self, error: StoreError) -> None:
        self._logger.warning(
            "%s: this run goes on alone, as if no other run used the key", self._unusable(error)
        )
        ledger = Ledger()
        spent = self.terms.a_day - self.left_today
        ledger.count(spent, self._asker(), self.terms, self._clock.now())
        self._store = MemoryStore(self._clock, ledger)
        self._failing_since = None

    def _unusable(self, error: StoreError) -> str:
        return f"The limits that runs share cannot be kept in {self._store} ({error})"
