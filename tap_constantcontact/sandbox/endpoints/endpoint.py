"""The endpoints of the API, and a request to one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from multidict import MultiDict

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.data.profile import PRIVILEGES
from tap_constantcontact.sandbox.endpoints.parameters import Parameters, Query, Refused

T = TypeVar("T")


@dataclass(frozen=True)
class Access:
    """What an endpoint asks for.

    Attributes:
        scope: The scope that the token must have, if any.
        privilege: The privilege that the user must have, if any.
    """

    scope: str | None = None
    privilege: str | None = None


ANYBODY = Access()
ACCOUNT = Access("account_read", "account:read")
CONTACTS = Access("contact_data", "contacts:read")
CONTACT_JOBS = Access("contact_data", "contacts:write")
LISTS = Access("contact_data", "contacts:lists:read")
CONTACT_REPORTS = Access("contact_data", "ui:campaign:metrics")
CAMPAIGNS = Access("campaign_data", "campaign:read")
CAMPAIGN_REPORTS = Access("campaign_data", "ui:campaign:metrics")
AUTOMATIONS = Access("campaign_data", "customer-journey:read")


@dataclass
class Service:
    """The data and options that all endpoints share.

    Attributes:
        account: The data.
        others: The data of more accounts of the same key, by `encoded_account_id`.
        opened: Returns the `encoded_account_id` of what a request's token opens, or nothing for
            `account`.
        pending_segments: For each segment, the requests before it is computed.
        base_rows: Whether activity details have the five fields that the contract gives them, and
            not those of the e-mail reports.
        partner: Whether the key is a partner's.
        privileges: What the user may do.
    """

    account: Account
    others: dict[str, Account] = field(default_factory=dict)
    opened: Callable[[web.Request], str] = lambda _: ""
    pending_segments: dict[str, int] = field(default_factory=dict)
    base_rows: bool = False
    partner: bool = False
    privileges: list[str] = field(default_factory=lambda: [*PRIVILEGES.values()])

    @property
    def accounts(self) -> list[Account]:
        """Every account of the key."""
        return [self.account, *self.others.values()]


class Call:
    """A request to an endpoint.

    Args:
        service: What it is answered from.
        request: What was asked.
        parameters: The query parameters that the endpoint knows, cursors aside.
        cursors: The parameters that lead to another page.

    Attributes:
        query: The parameters' values, on later pages those of the first one.
        place: Where the page begins; None on the first one.
    """

    def __init__(
        self,
        service: Service,
        request: web.Request,
        parameters: Parameters,
        cursors: tuple[str, ...],
    ) -> None:
        self.service = service
        self.account = service.others.get(service.opened(request), service.account)
        self._request = request
        self._asked: MultiDict[str] = MultiDict(request.query)
        self.place: str | None = None
        given = [name for name in cursors if name in self._asked]
        if len(given) > 1:
            raise Refused(f"{' and '.join(given)} exclude each other.")
        for name in given:
            self._asked, self.place = _opened(self._asked[name])
        self.query: Query = parameters.read(self._asked)

    def path(self, name: str) -> str:
        """Return the value of a placeholder in the path."""
        return self._request.match_info[name]

    def page(self, rows: Sequence[T], limit: int = 50) -> tuple[list[T], Row]:
        """Return a page of rows, and its `_links` if it has any.

        A single page has none, the last of several has empty ones (recorded). The cursor is a page
        number and the query.

        Args:
            rows: The rows of all pages.
            limit: How many a page has, unless the query says so.
        """
        size = self.query.get("limit", limit)
        number = self.number
        place = str(number + 1) if number * size < len(rows) else None
        return [*rows[(number - 1) * size : number * size]], self._links(place)

    @property
    def number(self) -> int:
        """Which page is asked for, the first one being 1."""
        try:
            return int(self.place or 1)
        except ValueError:
            raise Refused("The cursor is not valid.") from None

    def page_by_key(self, rows: list[Row], key: str, limit: int = 50) -> tuple[list[Row], Row]:
        """Return the same as `page`, the cursor being the key of the next row.

        Args:
            rows: The rows of all pages.
            key: The property that tells the rows apart.
            limit: How many a page has, unless the query says so.
        """
        size = self.query.get("limit", limit)
        keys = [row[key] for row in rows]
        if self.place is not None and self.place not in keys:
            raise Refused("The cursor is not valid.")
        first = keys.index(self.place) if self.place else 0
        end = first + size
        return rows[first:end], self._links(keys[end] if end < len(rows) else None)

    def _links(self, place: str | None) -> Row:
        if place is None:
            return {"_links": {}} if self.place else {}
        href = f"{self._request.path}?cursor={self.cursor(place)}"
        return {"_links": {"next": {"href": href}}}

    def cursor(self, place: str) -> str:
        """Return what leads to the page that begins at a place."""
        token = urlencode([*self._asked.items(), ("next", place)])
        return base64.urlsafe_b64encode(token.encode()).decode()


def _opened(cursor: str) -> tuple[MultiDict[str], str]:
    """Return the query and the place that a cursor stands for."""
    try:
        asked = MultiDict(parse_qsl(base64.urlsafe_b64decode(cursor).decode()))
        return asked, asked.pop("next")
    except (ValueError, KeyError):
        raise Refused("The cursor is not valid.") from None


Answer = dict[str, Any] | list[Any] | web.Response


@dataclass(frozen=True)
class Endpoint:
    """An endpoint.

    Attributes:
        path: Its path below `/v3`, as in the contract.
        access: The scope and the privilege that it asks for.
        answer: What it answers.
        parameters: The query parameters that it knows, cursors aside.
        cursors: The parameters that lead to another page.
    """

    path: str
    access: Access
    answer: Callable[[Call], Answer]
    parameters: Parameters = field(default_factory=Parameters)
    cursors: tuple[str, ...] = ("cursor",)

    def respond(self, service: Service, request: web.Request) -> web.Response:
        """Answer a request."""
        answer = self.answer(Call(service, request, self.parameters, self.cursors))
        return answer if isinstance(answer, web.Response) else web.json_response(answer)
