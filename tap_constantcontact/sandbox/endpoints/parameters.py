"""Query parameters: how each is read, and which are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from tap_constantcontact.sandbox.data.basics import parse

Query = dict[str, Any]
Reader = Callable[[str], Any]
SECONDS_OF_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


def _errors(key: str, message: str) -> dict[str, Any]:
    body = [{"error_key": key, "error_message": message}]
    return {"text": json.dumps(body), "content_type": "application/json"}


class Refused(web.HTTPBadRequest):
    """An answer 400 in the API's form, as recorded."""

    def __init__(self, message: str) -> None:
        super().__init__(**_errors("contacts.api.validation.error", message))


def forbidden(message: str) -> web.HTTPForbidden:
    """Return an answer 403 in the API's form, a bare object (guide)."""
    body = {"error_key": "access_denied", "error_message": message}
    return web.HTTPForbidden(text=json.dumps(body), content_type="application/json")


class NotFound(web.HTTPNotFound):
    """An answer 404 in the API's form.

    Args:
        message: What is not known.
        key: Its `error_key`; that of contacts is recorded.
    """

    def __init__(self, message: str, key: str = "not_found") -> None:
        super().__init__(**_errors(key, message))


def text(value: str) -> str:
    """Read any text."""
    return value


def instant(value: str) -> datetime:
    """Read a date-time in ISO 8601; the contract's own example has an offset without a colon."""
    return parse(SECONDS_OF_OFFSET.sub(r"\1:\2", value) if "T" in value else value)


def one_of(*choices: str) -> Reader:
    """Read one of these texts."""

    def read(value: str) -> str:
        if value not in choices:
            raise ValueError
        return value

    return read


BOOLEAN = one_of("true", "false")


def whole(low: int, high: int) -> Reader:
    """Read a whole number between two bounds."""

    def read(value: str) -> int:
        if not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return read


def some_of(choices: Collection[str] | None, most: int = 1000) -> Reader:
    """Read a list of values with commas between them; any values if there are no choices."""

    def read(value: str) -> set[str]:
        values = set(value.split(","))
        if "" in values or len(values) > most or (choices and not values <= {*choices}):
            raise ValueError
        return values

    return read


@dataclass(frozen=True)
class Parameters:
    """The query parameters of an endpoint: how each is read, and which must be there."""

    readers: Mapping[str, Reader] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def read(self, asked: MultiMapping[str]) -> Query:
        """Return a query's values, or refuse it."""
        query = {}
        for name in asked:
            if name not in self.readers:
                raise Refused(f"The parameter {name} is not supported.")
            try:
                query[name] = self.readers[name](",".join(asked.getall(name)))
            except ValueError:
                raise Refused(f"The value of {name} is not valid.") from None
        for name in self.required:
            if name not in query:
                raise Refused(f"The parameter {name} is required.")
        return query
