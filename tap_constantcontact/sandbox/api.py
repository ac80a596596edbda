"""The sandbox's v3 API."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from tap_constantcontact.sandbox.endpoints import (
    account,
    audience,
    campaign_reports,
    campaigns,
    contact_reports,
    contacts,
)
from tap_constantcontact.sandbox.endpoints.endpoint import Endpoint, Service

ENDPOINTS: tuple[Endpoint, ...] = (
    *account.ENDPOINTS,
    *audience.ENDPOINTS,
    *contacts.ENDPOINTS,
    *contact_reports.ENDPOINTS,
    *campaigns.ENDPOINTS,
    *campaign_reports.ENDPOINTS,
)
PREFIX = "/v3"
SCOPES = {f"{PREFIX}{endpoint.path}": endpoint.scope for endpoint in ENDPOINTS}


class Api(Service):
    """The endpoints over an account."""

    def routes(self) -> list[web.RouteDef]:
        """Return where the endpoints are."""
        return [
            web.get(f"{PREFIX}{endpoint.path}", self._handler(endpoint)) for endpoint in ENDPOINTS
        ]

    def _handler(self, endpoint: Endpoint) -> Handler:
        if endpoint is contacts.CONTACT_COLLECTION:
            return self.contacts

        async def handle(request: web.Request) -> web.StreamResponse:
            return endpoint.respond(self, request)

        return handle

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """GET /contacts, of its own so that a test can change the account between two pages."""
        return contacts.CONTACT_COLLECTION.respond(self, request)

    def knows(self, request: web.Request) -> bool:
        """Tell whether there is an endpoint at a request's path."""
        return _template(request) in SCOPES

    def scope(self, request: web.Request) -> str | None:
        """Return the scope that a request's endpoint asks for."""
        return SCOPES[_template(request)]


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""
