"""Bookmarks that keep the sweeps of a report in one short text."""

from __future__ import annotations

from datetime import datetime, timezone

from typing_extensions import override

from tap_constantcontact.config.dates import parse_instant
from tap_constantcontact.records.conversion import rfc3339
from tap_constantcontact.state.bookmarks import NONE, Bookmark, Place, Sweep


class ShortBookmark(Bookmark):
    """A bookmark that keeps the sweeps of a report in one text, so that the state stays short.

    The text, under the key `sweeps`, says when the last sweep finished. While one is under way, it
    also says when that began, the fingerprint of its settings, and its place.

    Example:
        >>> bookmark = ShortBookmark({}, "email_links")
        >>> bookmark.swept_at = "2026-01-31T12:00:00Z"
        >>> began = parse_instant("2026-02-01")
        >>> bookmark.sweep = Sweep(began, "f00d", Place.of("2025-12-24T18:00:00Z", "7"))
        >>> bookmark["sweeps"]
        '2026-01-31T12:00:00Z 2026-02-01T00:00:00Z f00d 2025-12-24T18:00:00Z 7'
        >>> bookmark.sweep.place.parent_id
        '7'
    """

    @override
    def write_all_keys(self, *keys: str) -> None:
        self._written.setdefault("sweeps", None)
        if others := [key for key in keys if key not in ("sweep", "swept_at")]:
            super().write_all_keys(*others)

    @property
    def _parts(self) -> list[str]:
        return str(self["sweeps"] or NONE).split(" ", 4)

    @property
    @override
    def swept_at(self) -> str | None:
        swept_at = self._parts[0]
        return None if swept_at == NONE else swept_at

    @swept_at.setter
    def swept_at(self, instant: str) -> None:
        self.update(sweeps=" ".join((instant, *self._parts[1:])))

    @property
    @override
    def sweep(self) -> Sweep | None:
        parts = self._parts[1:]
        if not parts:
            return None
        began, settings, created_at, parent_id = parts
        return Sweep(parse_instant(began), settings, Place.of(created_at, parent_id))

    @sweep.setter
    def sweep(self, sweep: Sweep | None) -> None:
        described = []
        if sweep:
            created_at = datetime.fromtimestamp(sweep.place.created_at, timezone.utc)
            described = [
                rfc3339(sweep.began),
                sweep.settings,
                rfc3339(created_at),
                sweep.place.parent_id,
            ]
        self.update(sweeps=" ".join((self._parts[0], *described)))
