"""The start of an incremental read, and the move of its bookmark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

from pendulum import DateTime
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_constantcontact.auth.tokens import fingerprint
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import BEGINNING, days_before, parse_instant, rfc3339
from tap_constantcontact.config.windows import DateSettings
from tap_constantcontact.reading.query import Query
from tap_constantcontact.reading.slices import Slice, place_of, slices_at
from tap_constantcontact.state.bookmarks import ACCOUNT, Sweep


class Increment:
    """The rows of a stream that changed since its last finished run, if the catalog wants these."""

    def __init__(self, stream: ConstantContactStream, settings: DateSettings) -> None:
        self._stream = stream
        self._settings = settings
        self._run = stream.run
        self._bookmark = stream.bookmark

    @property
    def is_wanted(self) -> bool:
        """Whether the stream reads from its bookmark, and moves it."""
        return self._stream.replication_method == REPLICATION_INCREMENTAL

    @property
    def value(self) -> str | None:
        """The bookmark that the last finished run left."""
        value: str | None = self._bookmark["replication_key_value"] if self.is_wanted else None
        return value

    def start(self) -> DateTime | None:
        """Return the bookmark or the start date, the later of the two, or None for all history."""
        if not self.is_wanted:
            return None
        bookmark = parse_instant(self.value, self._settings.timezone) if self.value else None
        instants = [*filter(None, (bookmark, self._settings.start()))]
        return max(BEGINNING, *instants) if instants else None

    def move(self, began: DateTime) -> None:
        """Set the bookmark to the instant that a finished run or sweep began."""
        if self.is_wanted:
            self._bookmark.update(
                replication_key=self._stream.replication_key,
                replication_key_value=self.at(began),
            )

    def at(self, instant: DateTime) -> str:
        """Convert an instant to the API's clock, in whole seconds, as some of its dates are."""
        lag = self._run.connection.clock_lag
        return rfc3339(instant.subtract(seconds=lag).start_of("second"))


def is_long_ago(last: str | None, days: int, now: DateTime) -> bool:
    """Return whether something was last done as many days ago, or never; 0 days stand for never."""
    return days > 0 and (not last or parse_instant(last) <= days_before(now, days))


def short_hash(values: list[Any]) -> str:
    """Return a hash of values that JSON can hold, by which a later run tells if they changed."""
    return fingerprint(json.dumps(values))[:8]


class RefreshedIncrement(Increment):
    """The increment of a stream that reads all rows again when the last full read is long ago.

    It is after as many days as the setting named `refresh_days` says; None stands for never. And if
    no query takes dates, all are read each time.

    A full reading that a run did not finish is a sweep, which a later run with the same settings
    goes on with, if the stream `resumes`. `queries` are those of a full reading.
    """

    def __init__(
        self,
        stream: ConstantContactStream,
        settings: DateSettings,
        refresh_days: str | None,
        queries: Sequence[Query],
        *,
        resumes: bool,
    ) -> None:
        super().__init__(stream, settings)
        self._fixed = settings.window(self._run.began)
        self._refresh_days = refresh_days
        self._takes_dates = any(query.takes_dates for query in queries)
        self._resumes = resumes
        shape = [[dict(query.parameters) for query in queries], astuple(settings), self.is_wanted]
        self._fingerprint = short_hash(shape)

    @override
    def start(self) -> DateTime | None:
        if self._fixed:
            return self._fixed.start
        if not self._takes_dates:
            return None
        if self._refresh_days and self.value is not None:
            days = self._run.config[self._refresh_days]
            if is_long_ago(self._bookmark["full_read_at"], days, self._run.began):
                return None
        return super().start()

    @property
    def sweep(self) -> Sweep:
        """The full reading that is under way under the same settings, or else a new one."""
        under_way = self._bookmark.sweep_under(self._fingerprint)
        return under_way or Sweep(self._run.began, self._fingerprint)

    def resume(self) -> tuple[Slice, ...]:
        """Return what is left of a full reading, and warn if settings changed since it began."""
        if self._bookmark.sweep and not self._bookmark.sweep_under(self._fingerprint):
            self._stream.logger.warning(
                "The settings of %s changed before all of it was read: it is read from the start",
                self._stream.name,
            )
        return slices_at(self.sweep.place)

    def move_on(self, left: Sequence[Slice]) -> None:
        """Note what is left of a full reading, and emit the state if it is due."""
        if left:
            sweep = str(replace(self.sweep, place=place_of(left))) if left[0].before else None
            self._bookmark.ensure(ACCOUNT)
            self._bookmark.update(sweep=sweep)
            self._run.write_state_now_and_then()

    def finish(self, start: DateTime | None) -> None:
        """Move the bookmark after a reading from an instant on, or of all rows."""
        if self._fixed:
            return
        began = self._run.began if start else self.sweep.began
        if self._resumes:
            self._bookmark.update(sweep=None)
        if not self.is_wanted:
            return
        self._bookmark.ensure(ACCOUNT)
        if self._refresh_days:
            self._bookmark.ensure("full_read_at")
            if start is None or self.value is None:
                self._bookmark.update(full_read_at=self.at(began))
        self.move(began)
