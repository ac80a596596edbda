"""The queries of a collection: their parameters, and how the API treats them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

from pendulum import DateTime

from tap_constantcontact.config.dates import instant_of
from tap_constantcontact.records.rows import Record

OVERLAP = timedelta(seconds=1)
"""Time by which two readings overlap: whether the API's bounds are inclusive is undocumented."""


class Change(NamedTuple):
    """A query parameter that restricts a list to the rows changed since a date.

    Attributes:
        parameter: Name of the parameter.
        path: Path of the date that it filters by, such as `email_address.opt_out_date`.
        shrinks: Whether rows may leave the filtered list while it is read.
    """

    parameter: str
    path: str
    shrinks: bool = False


class Creation(NamedTuple):
    """The date at which the rows of a list were created.

    Attributes:
        at: Name of the date in the rows.
        after: Name of the query parameter for a minimum of it; empty if there is none.
        before: Name of the query parameter for a maximum of it; empty if there is none.
    """

    at: str = "created_at"
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Query:
    """The query parameters of a list, and how the API treats them.

    Attributes:
        parameters: The query parameters, without the page size.
        takes_dates: Whether the API accepts date filters in addition.
        has_total: Whether `include_count=true` makes the API send the total number of rows.
        is_short: Whether the list usually fits on one page. An estimate then counts one request for
            a list without a total.
        shrinks: Whether rows may leave the list while it is read.
        is_wanted: Returns whether to keep a row, for filters that the API does not have.
        labels: Values to add to each record.
        is_dated: Whether the parameters restrict the list by date.

    Example:
        >>> Query({"status": "all"}).dated({"updated_after": "2026-01-31"}).parameters
        {'status': 'all', 'updated_after': '2026-01-31'}
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    takes_dates: bool = True
    has_total: bool = True
    is_short: bool = False
    shrinks: bool = False
    is_wanted: Callable[[Record], bool] = lambda _: True
    labels: Mapping[str, Any] = field(default_factory=dict)
    is_dated: bool = False

    def dated(self, dates: Mapping[str, str], *, shrinks: bool = False) -> Query:
        """Return the same query, restricted by dates, if any are given."""
        return replace(
            self,
            parameters={**self.parameters, **dates},
            shrinks=self.shrinks or shrinks,
            is_dated=self.is_dated or bool(dates),
        )

    def without(self, *parameters: str) -> Query:
        """Return the same query without some parameters."""
        kept = {name: value for name, value in self.parameters.items() if name not in parameters}
        return replace(self, parameters=kept)


def is_since(record: Record, paths: tuple[str, ...], start: DateTime | None) -> bool:
    """Return whether any of a record's dates is `start` or later, or none of them is known."""
    if start is None:
        return True
    dates = [at_path(record, path) for path in paths]
    known = [instant for instant in map(instant_of, filter(None, dates)) if instant]
    return not known or any(instant >= start for instant in known)


def at_path(record: Record, path: str) -> Any:
    """Return the value at a path of names such as `email_address.opt_out_date`."""
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
