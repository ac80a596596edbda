"""The details of a parent, which list its parts, such as the activities of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from singer_sdk import Tap
from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.exceptions import NotFoundError
from tap_constantcontact.reading.query import Record
from tap_constantcontact.run import Run


class Details(ConstantContactStream):
    """The details of a parent, requested once a run, because several streams need them.

    They are an endpoint that other streams use, not a stream that a user can select. Their primary
    key is the parent's key.

    Example:
        >>> class EventDetails(Details):
        ...     name = "event_details"
        ...     path = "/events/{event_id}"
        ...     primary_keys = ("event_id",)
    """

    def __init__(self, tap: Tap, run: Run) -> None:
        super().__init__(tap, run)
        self._known: dict[str, Record | NotFoundError] = {}

    @override
    def read(self) -> Iterator[Record]:
        raise NotImplementedError

    @override
    def plan(self) -> NoReturn:
        raise NotImplementedError

    def of(self, parent_id: str) -> Record:
        """Return the details of a parent.

        Raises:
            NotFoundError: The API does not know the parent.
        """
        if parent_id not in self._known:
            try:
                self._known[parent_id] = self._details_of(parent_id)
            except NotFoundError as error:
                self._known[parent_id] = error
        known = self._known[parent_id]
        if isinstance(known, NotFoundError):
            raise known
        return known

    def _details_of(self, parent_id: str) -> Record:
        (key,) = self.primary_keys
        record: Record = next(iter(self.request_records({key: parent_id})))
        return record
