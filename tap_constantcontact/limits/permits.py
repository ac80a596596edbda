"""A run's permits to send requests, from the ledger that all runs of its key share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.exceptions import FatalAPIError, refused
from tap_constantcontact.limits.key import KeyLimits
from tap_constantcontact.limits.ledger import Client, Correction, DayUsedUp, Ledger, Permit, Queued
from tap_constantcontact.limits.stores.store import MemoryStore, Step, Store, StoreError
from tap_constantcontact.limits.tuning import OUTAGE, PAUSE

STORE_REMEDY = (
    "set limits_store to one that can be used, or set limits_store_required to false to read "
    "without it"
)


class Permits:
    """Permits to send requests at the key's pace and within its day.

    Several threads may call `correct` and `throttled` at once; for the rest, a caller needs a lock.

    `client` returns the run that asks, as it may learn its account. If the store cannot be used,
    the run ends if it is `required`, or else goes on alone.

    Attributes:
        left_today: Number of requests that the account may still send today, as last told.
    """

    def __init__(
        self,
        store: Store,
        limits: KeyLimits,
        client: Callable[[], Client],
        *,
        required: bool = True,
        clock: Clock = SYSTEM,
    ) -> None:
        self.limits = limits
        self.left_today = limits.a_day
        self._store = store
        self._client = client
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
            self._store.change(self._learn)
        except StoreError as error:
            if self._required:
                raise refused(f"limits_store: {self._unusable(error)}; {STORE_REMEDY}") from error
            self._go_alone(error)

    def take(
        self, allowance: float, corrections: Iterable[Correction] = ()
    ) -> Permit | Queued | DayUsedUp:
        """Correct departures, then take a permit as `Ledger.take` does.

        Raises:
            FatalAPIError: The store cannot be used, and is required.
        """
        began = self._clock.monotonic()

        def step(ledger: Ledger, now: float) -> Permit | Queued | DayUsedUp:
            for correction in corrections:
                ledger.correct(correction)
            return ledger.take(self._client(), self.limits, now, allowance)

        try:
            taken = self._store.change(step)
        except StoreError as error:
            self._tolerate(error, began)
            return Queued(PAUSE)
        self._failing_since = None
        if isinstance(taken, Permit):
            self.left_today = taken.left_today
        elif isinstance(taken, DayUsedUp):
            self.left_today = 0
        return taken

    def correct(self, correction: Correction) -> None:
        """Correct a departure; without it, the request may count for longer than it needs to."""
        self._note(lambda ledger, _: ledger.correct(correction))

    def throttled(self) -> None:
        """Widen the margin, as the server received requests less evenly than they were sent."""
        self._note(lambda ledger, now: ledger.throttle(self.limits, now))

    def _note(self, step: Step[None]) -> None:
        """Run a step that a run can do without, unless the store fails at present."""
        if self._failing_since is None:
            with suppress(StoreError):
                self._store.change(step)

    def close_day(self, age: float) -> float:
        """Close the day as `Ledger.close_day` does; without the store, by this machine's clock."""

        def close(ledger: Ledger, now: float) -> float:
            return ledger.close_day(self._client(), self.limits, now, age)

        try:
            return self._store.change(close)
        except StoreError:
            return close(Ledger(), self._clock.now())

    def look(self) -> None:
        """Learn how many requests are left today, if the store can be used."""
        self._note(self._learn)

    def _learn(self, ledger: Ledger, now: float) -> None:
        self.left_today = ledger.left_today(self._client(), self.limits, now)

    def _tolerate(self, error: StoreError, began: float) -> None:
        """Bear with a store for a while; `began` is when it was asked, by the monotonic clock."""
        if self._failing_since is None:
            self._failing_since = began
            self._logger.warning("%s; trying again for %d seconds", self._unusable(error), OUTAGE)
        elif self._clock.monotonic() >= self._failing_since + OUTAGE:
            if self._required:
                raise FatalAPIError(
                    f"{self._unusable(error)}. Run again with the last state: nothing is lost. "
                    f"Otherwise, {STORE_REMEDY}."
                ) from error
            self._go_alone(error)

    def _go_alone(self, error: StoreError) -> None:
        self._logger.warning(
            "%s: this run goes on alone, as if no other run used the key", self._unusable(error)
        )
        ledger = Ledger()
        spent = self.limits.a_day - self.left_today
        ledger.count(spent, self._client(), self.limits, self._clock.now())
        self._store = MemoryStore(self._clock, ledger)
        self._failing_since = None

    def _unusable(self, error: StoreError) -> str:
        return f"The limits that runs share cannot be kept in {self._store} ({error})"
