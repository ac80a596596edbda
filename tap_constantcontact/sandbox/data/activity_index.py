"""The events by campaign activity, as the e-mail reports ask for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from tap_constantcontact.sandbox.data.basics import Row, newest_first

Key = tuple[str, str]


class ActivityIndex:
    """The rows of events by campaign activity and type.

    It is built when it is first asked, follows what is added through it, and is built again when
    rows were added or taken behind its back.

    Args:
        events: Rows of activity by `contact_id`.
    """

    def __init__(self, events: Mapping[str, list[Row]]) -> None:
        self._events = events
        self._size = -1
        self._rows: defaultdict[Key, list[Row]] = defaultdict(list)
        self._newest_first: dict[Key, list[Row]] = {}
        self._people: dict[Key, frozenset[str]] = {}
        self._devices: dict[Key, Counter[str]] = {}

    def add(self, row: Row) -> None:
        """Take up a row that was added to the events."""
        if self._size >= 0:
            self._file(row)

    def _file(self, row: Row) -> None:
        key = row["campaign_activity_id"], row["tracking_activity_type"]
        self._rows[key].append(row)
        self._newest_first.pop(key, None)
        self._people.pop(key, None)
        self._devices.pop(key, None)
        self._size += 1

    def _refresh(self) -> None:
        if self._size == sum(map(len, self._events.values())):
            return
        self._size = 0
        self._rows.clear()
        self._newest_first.clear()
        for rows in self._events.values():
            for row in rows:
                self._file(row)

    def rows(self, campaign_activity_id: str, kind: str) -> list[Row]:
        """Return an activity's events of a type, the newest first."""
        self._refresh()
        key = campaign_activity_id, kind
        if key not in self._newest_first:
            self._newest_first[key] = newest_first(self._rows.get(key, []))
        return self._newest_first[key]

    def people(self, campaign_activity_id: str, kind: str) -> frozenset[str]:
        """Return the contacts of an activity's events of a type."""
        rows = self.rows(campaign_activity_id, kind)
        key = campaign_activity_id, kind
        if key not in self._people:
            self._people[key] = frozenset(row["contact_id"] for row in rows)
        return self._people[key]

    def devices(self, campaign_activity_id: str, kind: str) -> Counter[str]:
        """Return how many of an activity's events of a type came from each type of device."""
        rows = self.rows(campaign_activity_id, kind)
        key = campaign_activity_id, kind
        if key not in self._devices:
            self._devices[key] = Counter(row.get("device_type", "none") for row in rows)
        return self._devices[key]
