"""The start of an incremental read, and the move of its bookmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pendulum import DateTime
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_constantcontact.config.dates import BEGINNING, days_before, parse_instant, rfc3339
from tap_constantcontact.config.windows import DateSettings
from tap_constantcontact.state.bookmarks import ACCOUNT

if TYPE_CHECKING:
    from tap_constantcontact.client import ConstantContactStream


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


class RefreshedIncrement(Increment):
    """The increment of a stream that reads all rows again when the last full read is long ago.

    It is after as many days as the setting named `refresh_days` says; None stands for never. And if
    the API takes no dates to filter rows by, all are read each time.
    """

    def __init__(
        self,
        stream: ConstantContactStream,
        settings: DateSettings,
        refresh_days: str | None,
        *,
        takes_dates: bool,
    ) -> None:
        super().__init__(stream, settings)
        self._fixed = settings.window(self._run.began)
        self._refresh_days = refresh_days
        self._takes_dates = takes_dates

    @override
    def start(self) -> DateTime | None:
        if self._fixed:
            return self._fixed.start
        return super().start() if self._takes_dates and not self._refresh_is_due else None

    @property
    def _refresh_is_due(self) -> bool:
        days = self._run.config[self._refresh_days] if self._refresh_days else 0
        if not days or self.value is None:
            return False
        last = self._bookmark["full_read_at"]
        return not last or parse_instant(last) <= days_before(self._run.began, days)

    def finish(self, start: DateTime | None) -> None:
        """Move the bookmark after a reading from an instant on, or of all rows."""
        if not self.is_wanted or self._fixed:
            return
        self._bookmark.ensure(ACCOUNT)
        if self._refresh_days:
            self._bookmark.ensure("full_read_at")
            if start is None or self.value is None:
                self._bookmark.update(full_read_at=self.at(self._run.began))
        self.move(self._run.began)
