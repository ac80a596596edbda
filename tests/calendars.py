"""Any instant and any time zone, for properties of dates."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timezone

from hypothesis import strategies as st

ZONES = st.sampled_from(sorted(zoneinfo.available_timezones() - {"Factory", "localtime"}))
INSTANTS = st.datetimes(
    datetime(1995, 1, 2), datetime(2037, 12, 30), timezones=st.just(timezone.utc)
)


def local_day(instant: datetime, zone: str) -> date:
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).date()
