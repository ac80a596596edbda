"""A client of the sandbox, and the published contract as judge of what it answers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.data.contacts import UNDOCUMENTED
from tap_constantcontact.sandbox.server import Sandbox
from tests.sandboxes import PRESENT, account_of

CONTRACT = os.environ.get("CONSTANT_CONTACT_OPENAPI")
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
FORMATS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "date": r"\d{4}-\d\d-\d\d",
    "date-time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3})? ?(Z|[+-]\d\d:?\d\d)",
}
SEEN_OTHERWISE = {".contacts[].deleted_at": rf"{FORMATS['date']}|{FORMATS['date-time']}"}
"""What was seen in another form than the contract says."""

UNKNOWN = {".contacts[]": {UNDOCUMENTED}}
"""What the sandbox sends although the contract lacks it."""


@cache
def _contract() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(Path(CONTRACT or "").read_text("utf-8"), loader)
    return loaded


class Contract:
    """The published contract.

    Attributes:
        paths: The operations by path and method.
    """

    def __init__(self) -> None:
        self.paths: dict[str, Any] = _contract()["paths"] if CONTRACT else {}

    def parameters(self, template: str) -> dict[str, Any]:
        """The query parameters of an endpoint, by name."""
        parameters = self.paths[template]["get"].get("parameters", [])
        return {p["name"]: p for p in parameters if p["in"] == "query"}

    def judge(self, template: str, body: Any) -> set[str]:
        """Hold an answer against the definition of a success; returns the properties it has."""
        responses = self.paths[template]["get"]["responses"]
        schema = next(r["schema"] for code, r in responses.items() if str(code).startswith("2"))
        seen: set[str] = set()
        self._compare(schema, body, "", seen)
        return seen

    def _compare(self, schema: dict[str, Any], value: Any, path: str, seen: set[str]) -> None:
        while "$ref" in schema:
            schema = _contract()["definitions"][schema["$ref"].rpartition("/")[2]]
        if path.startswith("._links") and value is None:
            return
        kind = schema["type"]
        assert isinstance(value, TYPES[kind]), path
        assert kind == "boolean" or not isinstance(value, bool), path
        if kind == "string" and (
            form := SEEN_OTHERWISE.get(path) or FORMATS.get(schema.get("format", ""))
        ):
            assert re.fullmatch(form, value), (path, value)
        if kind == "array":
            for item in value:
                self._compare(schema["items"], item, f"{path}[]", seen)
        if kind == "object":
            properties = schema.get("properties", {})
            assert set(value) - UNKNOWN.get(path, set()) <= set(properties), path
            if not path.startswith("._links"):
                assert set(schema.get("required", ())) - {"_links"} <= set(value), path
            for name, part in value.items():
                if name not in properties:
                    continue
                seen.add(f"{path}.{name}")
                self._compare(properties[name], part, f"{path}.{name}", seen)


@pytest.fixture
def contract() -> Contract:
    if not CONTRACT:
        pytest.skip("CONSTANT_CONTACT_OPENAPI names no Swagger file of the API")
    return Contract()


@dataclass
class Client:
    """What asks a sandbox, with every scope unless told otherwise."""

    sandbox: Sandbox
    session: requests.Session
    scope: str = "contact_data campaign_data account_read"

    def get(self, path: str, **query: Any) -> requests.Response:
        token = self.sandbox.authorization.issue(self.scope)
        url = path if path.startswith("/v3/") else f"/v3{path}"
        return self.session.get(
            f"{self.sandbox.url}{url}",
            params=query,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )

    def body(self, path: str, **query: Any) -> Any:
        response = self.get(path, **query)
        assert response.ok, (response.status_code, response.text)
        return response.json()

    def pages(self, path: str, rows: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
        """Follow the links from page to page."""
        body = self.body(path, **query)
        yield body[rows]
        while True:
            if "next_cursor" in body:
                body = self.body(path, next=body["next_cursor"])
            elif link := ((body.get("_links") or {}).get("next") or {}).get("href"):
                body = self.body(link)
            else:
                return
            yield body[rows]

    def rows(self, path: str, rows: str, **query: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(path, rows, **query) for row in page]


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with Sandbox(account_of(40)) as running:
        yield running


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as open_session:
        yield open_session


@pytest.fixture
def client(shared: Sandbox, session: requests.Session) -> Client:
    return Client(shared, session)


@pytest.fixture
def served(client: Client) -> Account:
    """The account that the client reads; it is not to be changed."""
    return client.sandbox.account


@pytest.fixture
def living(account: Account) -> Iterator[Client]:
    """A client of an account that the test may change."""
    with Sandbox(account) as running, requests.Session() as session:
        yield Client(running, session)


__all__ = ["PRESENT", "Client", "Contract"]
