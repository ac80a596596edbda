"""What a collection is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pendulum import DateTime

from tap_constantcontact.records import instant_of

Record = dict[str, Any]


def _any(record: Record) -> bool:  # noqa: ARG001
    return True


class Change(NamedTuple):
    """A query parameter by which a list gives only the rows that changed.

    Attributes:
        parameter: Name of the parameter.
        path: Path of the date that it filters by, such as `email_address.opt_out_date`.
        shrinks: Whether rows may leave the filtered list.
    """

    parameter: str
    path: str
    shrinks: bool = False


@dataclass(frozen=True)
class Query:
    """The parameters of a list, and what the API does with them.

    Attributes:
        parameters: The query parameters, the page size aside.
        takes_dates: Whether filters by date may be added.
        has_total: Whether `include_count=true` adds the number of rows.
        is_short: Whether one page usually holds the list; without a total, an estimate counts one
            request for it.
        shrinks: Whether rows may leave the list while it is read.
        is_wanted: Tells whether a row is wanted, where the API cannot be asked for such rows alone.
        labels: Values added to each record.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    takes_dates: bool = True
    has_total: bool = True
    is_short: bool = False
    shrinks: bool = False
    is_wanted: Callable[[Record], bool] = _any
    labels: Mapping[str, Any] = field(default_factory=dict)

    def having(self, parameters: Mapping[str, Any], *, shrinks: bool = False) -> Query:
        """Return the same query with more parameters."""
        return replace(
            self,
            parameters={**self.parameters, **parameters},
            shrinks=self.shrinks or shrinks,
        )

    def without(self, *parameters: str) -> Query:
        """Return the same query without some parameters."""
        kept = {name: value for name, value in self.parameters.items() if name not in parameters}
        return replace(self, parameters=kept)


def date_time(instant: DateTime) -> str:
    """Return an instant as the API's date parameters have it: in UTC, with milliseconds."""
    return instant.format("YYYY-MM-DDTHH:mm:ss.SSS[Z]")


def is_since(record: Record, paths: tuple[str, ...], start: DateTime | None) -> bool:
    """Return whether any of a record's dates is at `start` or later; an unknown one may be."""
    if start is None:
        return True
    dates = [at_path(record, path) for path in paths]
    known = [instant for instant in map(instant_of, filter(None, dates)) if instant]
    return not known or any(instant >= start for instant in known)


def at_path(record: Record, path: str) -> Any:
    """Return the value at a path of names such as `email_address.opt_out_date`."""
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
