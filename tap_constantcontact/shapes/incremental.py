"""The start of an incremental read, and the move of its bookmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pendulum import DateTime
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_constantcontact.records import rfc3339
from tap_constantcontact.windows import BEGINNING, parse_instant

if TYPE_CHECKING:
    from tap_constantcontact.client import ConstantContactStream


class Increment:
    """The rows of a stream that changed since its last finished run.

    Args:
        stream: The stream, with the replication method that the catalog chooses for it.

    Attributes:
        bookmark: The stream's bookmark.
    """

    def __init__(self, stream: ConstantContactStream) -> None:
        self._stream = stream
        self._run = stream.run
        self.bookmark = stream.bookmark

    @property
    def is_wanted(self) -> bool:
        """Whether the stream reads from its bookmark, and moves it."""
        return self._stream.replication_method == REPLICATION_INCREMENTAL

    @property
    def value(self) -> str | None:
        """The bookmark that the last finished run left."""
        value: str | None = self.bookmark["replication_key_value"] if self.is_wanted else None
        return value

    def start(self) -> DateTime | None:
        """Return the bookmark or the start date, the later of the two, or None for all history."""
        if not self.is_wanted:
            return None
        values = filter(None, (self.value, self._run.config.get("start_date")))
        zone = self._run.config["timezone"]
        instants = [parse_instant(value, zone) for value in values]
        return max(BEGINNING, *instants) if instants else None

    def move(self, began: DateTime) -> None:
        """Set the bookmark to the instant that a finished run or sweep began."""
        if self.is_wanted:
            self.bookmark.update(
                replication_key=self._stream.replication_key,
                replication_key_value=self.at(began),
            )

    def at(self, instant: DateTime) -> str:
        """Convert an instant to the API's clock, in whole seconds, as some of its dates are."""
        lag = self._run.connection.clock_lag
        return rfc3339(instant.subtract(seconds=lag).start_of("second"))
