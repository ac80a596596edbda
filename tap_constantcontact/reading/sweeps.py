"""The sweeps of a report over its parents: their start, their progress and their state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cached_property
from typing import Any

import pendulum
from pendulum import DateTime

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.config.dates import BEGINNING, days_before, rfc3339
from tap_constantcontact.config.windows import DateSettings, Window
from tap_constantcontact.reading.incremental import Increment, short_hash
from tap_constantcontact.state.bookmarks import ACCOUNT, UNKNOWN, Place, Sweep


class Sweeps:
    """The sweeps of one report, one after another.

    Args:
        stream: The report.
        settings: Those that decide the window.
        lookback_days: Number of days before its bookmark that an incremental sweep reads again,
            unless a setting says otherwise.
        filters: Names of the settings that decide which rows are kept, regardless of their date.
        others: Names of other settings with which alone a sweep can go on.
    """

    def __init__(
        self,
        stream: ConstantContactStream,
        settings: DateSettings,
        lookback_days: int,
        *,
        filters: Sequence[str],
        others: Sequence[str],
    ) -> None:
        self.run = stream.run
        self.bookmark = stream.bookmark
        self.increment = Increment(stream, settings)
        self.stream = stream
        self._settings = settings
        self._filters = filters
        self._others = others
        self._lookback_days = settings.lookback(lookback_days)

    def under_way(self) -> Sweep | None:
        """Return the sweep that an earlier run left unfinished under the same settings."""
        return self.bookmark.sweep_under(self._fingerprint_of_all())

    @cached_property
    def current(self) -> Sweep:
        """The sweep with which this run goes on, as it then stands, or else a new one."""
        return self.under_way() or Sweep(self.run.began, self._fingerprint_of_all())

    def order(self) -> tuple[int, str]:
        """Return a sort key: reports with a sweep under way first, then those swept longest ago."""
        if sweep := self.under_way():
            return 1, rfc3339(sweep.began)
        return 2, self.bookmark.swept_at or ""

    def begin(self) -> None:
        """Write the keys of the bookmark, and warn if settings changed since they had values."""
        if self.bookmark.sweep and not self.under_way():
            self.stream.logger.warning(
                "The settings of %s changed while a sweep was under way: a new sweep starts from "
                "the bookmark of the last finished one",
                self.stream.name,
            )
        self.bookmark.ensure("sweep")
        if self.stream.replication_key:
            self.bookmark.ensure(ACCOUNT)
        if self.fixed_window:
            return
        if self.stream.replication_key:
            self.bookmark.ensure("replication_key", "replication_key_value", "filters")
        filters = self.bookmark["filters"]
        if self.increment.value is not None and filters not in (None, self._fingerprint()):
            self.stream.logger.warning(
                "The filters of %s changed since its last sweep: older rows that the old "
                "filters excluded stay missing. Remove its bookmark to read all history again",
                self.stream.name,
            )

    def window(self) -> Window:
        """Return the window that settings fix, or else the one since the bookmark.

        The latter ends a day after the run began, to include events that happen while it runs.
        """
        if fixed := self.fixed_window:
            return fixed
        start = self.increment.start() or BEGINNING
        if self.increment.value is not None:
            start = self.reread_from(start)
        return Window(start, self.run.began.add(days=1))

    @property
    def fixed_window(self) -> Window | None:
        """The window that settings fix, if they do."""
        return self._settings.window(self.current.began)

    def reread_from(self, instant: DateTime) -> DateTime:
        """Return the instant from which a sweep reads again what an earlier one may have missed.

        It is a whole minute, as the reports seem to keep no more of an instant: what happens later
        in the minute of a bookmark has an earlier date than it. (Every `created_time` that the
        vendor has published is a whole minute.)
        """
        return days_before(instant, self._lookback_days).start_of("minute")

    @property
    def moves_bookmark(self) -> bool:
        """Whether the next sweep reads what is new since this one."""
        return self.increment.is_wanted and self.fixed_window is None

    def part_is_out(self, part: str) -> None:
        """Note that all records of a part are written, and emit the state if it is due."""
        self.bookmark.update(sweep=str(replace(self.under_way() or self.current, part=part)))
        self.run.write_state_now_and_then()

    def move_on(self, place: Place) -> None:
        """Note that all records of a parent are written, and emit the state if it is due."""
        if place.created_at != UNKNOWN:
            self.bookmark.update(sweep=str(replace(self.current, place=place, part=None)))
        self.run.write_state_now_and_then()

    def finish(self) -> None:
        """Note that all records of all parents are written."""
        now = pendulum.from_timestamp(int(self.run.clock.now()))
        self.bookmark.update(sweep=rfc3339(now))
        if self.fixed_window is None:
            self.increment.move(self.current.began)
            if self.stream.replication_key:
                self.bookmark.update(filters=self._fingerprint())

    def _fingerprint_of_all(self) -> str:
        others = (self.run.config.get(name) for name in self._others)
        return self._fingerprint(*astuple(self._settings), *others)

    def _fingerprint(self, *further: Any) -> str:
        """Return a hash of the filters and some further values; the order of lists is ignored."""
        values = [*(self.run.config.get(name) for name in self._filters), *further]
        shape = [sorted(value) if isinstance(value, list) else value for value in values]
        shape.append(self.increment.is_wanted)
        if not self.stream.replication_key:
            shape.append(self.run.state.get(ACCOUNT))
        return short_hash(shape)
