"""The sweeps of a report over its parents: their start, their progress and their state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pendulum

from tap_constantcontact.config.dates import BEGINNING, days_before
from tap_constantcontact.config.windows import DateSettings, Window
from tap_constantcontact.reading.incremental import Increment
from tap_constantcontact.records.conversion import rfc3339
from tap_constantcontact.state.bookmarks import ACCOUNT, UNKNOWN, Place, Sweep

if TYPE_CHECKING:
    from tap_constantcontact.client import ConstantContactStream


class Reach(NamedTuple):
    """How far the sweeps of a report reach.

    Attributes:
        lookback_days: Number of days before its bookmark that an incremental sweep reads again,
            unless a setting says otherwise.
        settings: The settings that decide the window.
        filters: Names of the settings that decide which rows are kept, regardless of their date.
    """

    lookback_days: int
    settings: type[DateSettings]
    filters: Sequence[str]


class Sweeps:
    """The sweeps of one report, one after another.

    Args:
        stream: The report.
        reach: How far its sweeps reach.
    """

    def __init__(self, stream: ConstantContactStream, reach: Reach) -> None:
        self._stream = stream
        self._run = stream.run
        self._bookmark = stream.bookmark
        self._settings = reach.settings.of(self._run.config)
        self._shape: tuple[Any, ...] = astuple(self._settings)
        self._increment = Increment(stream, self._settings)
        self._filters = reach.filters
        self._lookback_days = self._settings.lookback(reach.lookback_days)

    def under_way(self) -> Sweep | None:
        """Return the sweep that an earlier run left unfinished under the same settings."""
        sweep = self._bookmark.sweep
        return sweep if sweep and sweep.settings == self._fingerprint(*self._shape) else None

    def current(self) -> Sweep:
        """Return the sweep that is under way, or else a new one."""
        return self.under_way() or Sweep(self._run.began, self._fingerprint(*self._shape))

    @property
    def turn(self) -> tuple[int, str]:
        """Sort key: a report with a sweep under way first, then the one swept longest ago."""
        if sweep := self.under_way():
            return 1, rfc3339(sweep.began)
        return 2, self._bookmark.swept_at or ""

    def begin(self) -> tuple[Sweep, Window]:
        """Return the sweep that this run resumes or starts, and the window that it covers."""
        sweep = self.current()
        if self._bookmark.sweep and not self.under_way():
            self._stream.logger.warning(
                "The settings of %s changed while a sweep was under way: a new sweep starts from "
                "the bookmark of the last finished one",
                self._stream.name,
            )
        fixed = self._fixed_window(sweep)
        self._bookmark.write_all_keys("sweep", "swept_at")
        if not fixed and self._stream.replication_key:
            self._bookmark.write_all_keys("replication_key", "replication_key_value", "filters")
        return sweep, fixed or self._since_bookmark()

    def _fixed_window(self, sweep: Sweep) -> Window | None:
        return self._settings.window(sweep.began)

    def _since_bookmark(self) -> Window:
        """Return the window of an incremental run.

        It begins with a whole minute, as the reports seem to keep no more of an instant: what
        happens later in the minute of a bookmark has an earlier date than it. (Every `created_time`
        that the vendor has published is a whole minute.) It ends a day after the run began, to
        include events that happen while it runs.
        """
        start = self._increment.start() or BEGINNING
        if self._increment.value is not None:
            start = days_before(start, self._lookback_days).start_of("minute")
            if self._bookmark["filters"] not in (None, self._fingerprint()):
                self._stream.logger.warning(
                    "The filters of %s changed since its last sweep: older rows that the old "
                    "filters excluded stay missing. Remove its bookmark to read all history again",
                    self._stream.name,
                )
        return Window(start, self._run.began.add(days=1))

    def move_on(self, sweep: Sweep, place: Place) -> None:
        """Note that all records of a parent are written, and emit the state if it is due."""
        if place.created_at != UNKNOWN:
            self._bookmark.sweep = replace(sweep, place=place)
        self._run.write_state_now_and_then()

    def finish(self, sweep: Sweep) -> None:
        """Note that all records of all parents are written."""
        self._bookmark.sweep = None
        now = pendulum.from_timestamp(self._run.clock.now())
        self._bookmark.swept_at = rfc3339(now)
        if self._fixed_window(sweep) is None:
            self._increment.move(sweep.began)
            if self._stream.replication_key:
                self._bookmark.update(filters=self._fingerprint())

    def _fingerprint(self, *further: Any) -> str:
        """Return a hash of the filters and some further values; the order of lists is ignored."""
        values = [*(self._run.config.get(name) for name in self._filters), *further]
        shape = [sorted(value) if isinstance(value, list) else value for value in values]
        shape.append(self._increment.is_wanted)
        if not self._stream.replication_key:
            shape.append(self._run.state.get(ACCOUNT))
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]
