"""The shape of a single response: one object, or all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from typing_extensions import override

from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.limits.plan import Plan
from tap_constantcontact.records.rows import Record


class SingleResponse(ConstantContactStream):
    """A stream that fits in one response: one object, or an array of all rows.

    Attributes that a stream may set:
        parameters: The query parameters.
    """

    parameters: ClassVar[dict[str, Any]] = {}
    cost = "1"

    @override
    def read(self) -> Iterator[Record]:
        return self.all_rows(self.parameters)

    @override
    def plan(self) -> Plan:
        return Plan(None if self.is_array or self.records_key else 1, 1)
